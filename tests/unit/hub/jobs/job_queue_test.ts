/**
 * The queue of jobs: turns, leases and what is left of processes that ended. Method: several queues on
 * one database stand for several processes, with a clock that the test turns.
 */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { JobQueue, type NewJob } from "../../../../hub/jobs/job_queue.ts";
import { openDatabase } from "../../../../hub/database/open_database.ts";
import { runProgram } from "../../../helpers/run_program.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";

const LEASE_MS = 10_000;

/** Two processes on one database. */
class Place implements AsyncDisposable {
  now = Date.parse("2026-01-01T00:00:00Z");
  readonly one: JobQueue;
  readonly other: JobQueue;
  readonly database;
  /** Of the database's file. */
  readonly path: string;
  readonly #stack: AsyncDisposableStack;

  private constructor(
    databases: readonly Awaited<ReturnType<typeof openDatabase>>[],
    path: string,
    stack: AsyncDisposableStack,
  ) {
    this.path = path;
    const queue = (index: number): JobQueue =>
      new JobQueue({
        database: databases[index]!,
        runner: `process ${index}`,
        leaseMs: LEASE_MS,
        queuedMax: 3,
        logLinesMax: 10,
        now: () => this.now,
      });
    [this.one, this.other] = [queue(0), queue(1)];
    this.database = databases[0]!;
    this.#stack = stack;
  }

  static async open(): Promise<Place> {
    const stack = new AsyncDisposableStack();
    const folder = stack.use(new TempFolder());
    const path = folder.file("hub.sqlite");
    const databases = [];
    for (let index = 0; index < 2; index++) {
      const database = await openDatabase(path);
      stack.defer(() => database.destroy());
      databases.push(database);
    }
    return new Place(databases, path, stack);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

function job(owner: string, name: string): NewJob {
  return {
    owner,
    name,
    image: `docker.io/library/${name}`,
    tag: "latest",
    profile: "myfs",
    platform: undefined,
    visibility: undefined,
    route: "hub://hub.example.org",
    replaces: false,
  };
}

Deno.test("job queue: each job is taken once, however many processes look at the same time", async () => {
  await using place = await Place.open();
  for (const owner of ["alice", "bob", "carol"]) {
    for (const name of ["a", "b", "c"]) await place.one.add(job(owner, name));
  }
  const taken = await Promise.all(Array.from({ length: 3 }, () => takeAll(place.path)));
  assert.equal(taken.flat().length, 9);
  assert.equal(new Set(taken.flat()).size, 9);
});

/** Ids of the jobs that another process takes until there are none. */
async function takeAll(path: string): Promise<readonly string[]> {
  const helper = fileURLToPath(new URL("../../../helpers/job_taker.ts", import.meta.url));
  return JSON.parse(await runProgram(Deno.execPath(), "run", "-A", "--quiet", helper, path));
}

Deno.test("job queue: who has none running comes before who has", async () => {
  await using place = await Place.open();
  for (const name of ["a", "b", "c"]) {
    await place.one.add(job("alice", name));
    place.now += 1000;
  }
  await place.one.add(job("bob", "a"));
  const owners = [];
  for (let count = 0; count < 4; count++) owners.push((await place.one.take())?.owner);
  assert.deepEqual(owners, ["alice", "bob", "alice", "alice"]);
});

Deno.test("job queue: a user may have so many, one for each flist, and none for what is there", async () => {
  await using place = await Place.open();
  await place.one.add(job("alice", "a"));
  await assert.rejects(place.other.add(job("alice", "a")), { status: 409, code: "conflict" });
  await place.one.add(job("alice", "b"));
  await place.one.add(job("alice", "c"));
  const refused = { status: 429, code: "too_many_requests", detail: /3 of yours/ };
  await assert.rejects(place.one.add(job("alice", "d")), refused);
  await place.one.add(job("bob", "a"));
  await place.database.insertInto("flist_tag").values({
    ...{ owner: "bob", name: "z", tag: "latest", digest: "ab".repeat(32), size: 1 },
    ...{ visibility: "private", title: null, description: null, created_at: "", updated_at: "" },
  }).execute();
  await assert.rejects(place.one.add(job("bob", "z")), { status: 409, detail: "bob/z:latest" });
  await place.one.add({ ...job("bob", "z"), replaces: true });
});

Deno.test("job queue: what a process left that is no more is done by another, once its lease is over", async () => {
  await using place = await Place.open();
  const { one, other } = place;
  const { id } = await one.add(job("alice", "a"));
  await one.take();
  place.now += LEASE_MS / 2;
  assert.deepEqual(await one.renew([id], []), new Set([id]));
  place.now += LEASE_MS * 0.9;
  assert.equal(await other.recover(), 0);
  assert.equal(await other.take(), undefined);
  place.now += LEASE_MS;
  assert.equal(await other.recover(), 1);
  const again = await other.take();
  assert.equal(again?.attempt, 2);
  // The first, if it is still there, can do nothing to the job any more.
  assert.deepEqual(await one.renew([id], []), new Set());
  assert.deepEqual(await one.held([id]), new Set());
  await assert.rejects(one.addLine(id, "x"), { code: "job_ended" });
  assert.equal(await one.fail(id, { code: "internal", message: "x" }), false);
  await assert.rejects(one.finish(place.database, id, "d"), { code: "job_ended" });
  await other.finish(place.database, id, "ab".repeat(32));
  assert.equal((await one.find(id))?.state, "finished");
});

Deno.test("job queue: a job that ends its process each time is given up in the end", async () => {
  await using place = await Place.open();
  const { id } = await place.one.add(job("alice", "a"));
  let attempts = 0;
  while (await place.one.take() !== undefined) {
    attempts++;
    place.now += LEASE_MS + 1;
    await place.other.recover();
  }
  assert.equal(attempts, 5);
  const row = await place.one.find(id);
  assert.equal(row?.state, "failed");
  assert.equal(row?.error_code, "interrupted");
  // Ended in good order, as often as anybody likes, it is not its fault.
  await place.one.retry(id);
  for (let count = 0; count < 10; count++) {
    await place.one.take();
    await place.one.giveBack(id);
  }
  assert.equal((await place.one.find(id))?.state, "queued");
});

Deno.test("job queue: a job with credentials is for the process that has them, and fails with it", async () => {
  await using place = await Place.open();
  const { one, other } = place;
  const kept: string[] = [];
  const { id } = await one.add(job("alice", "a"), (job) => kept.push(job));
  assert.deepEqual(kept, [id]);
  assert.equal(await other.take(), undefined);
  assert.deepEqual(await one.renew([], [id]), new Set([id]));
  place.now += LEASE_MS + 1;
  await other.recover();
  const row = await other.find(id);
  assert.equal(row?.state, "failed");
  assert.match(row?.error_message ?? "", /keeps no credentials/);
  await assert.rejects(other.retry(id), { status: 422, code: "credentials_missing" });
  await other.retry(id, (job) => kept.push(job));
  assert.equal(await one.take(), undefined);
  assert.equal((await other.take())?.id, id);
  await other.giveBack(id);
  assert.equal((await other.find(id))?.state, "failed");
});

Deno.test("job queue: events are numbered; of progress the newest is kept, of a log the last lines", async () => {
  await using place = await Place.open();
  const { one } = place;
  const { id } = await one.add(job("alice", "a"));
  await one.take();
  const progress = {
    step: "read",
    percent: 1,
    bytes: 1,
    bytes_total: 2,
    layers: 0,
    layers_total: 1,
  };
  for (let percent = 1; percent <= 5; percent++) {
    await one.setProgress(id, { ...progress, percent } as Parameters<typeof one.setProgress>[1]);
  }
  await one.addLine(id, "first\n\u001b[31m line");
  const events = await one.events(id, 0);
  assert.deepEqual(events.map(({ number, kind }) => `${number} ${kind}`), [
    "1 state",
    "2 state",
    "7 progress",
    "8 log",
  ]);
  assert.deepEqual((await one.events(id, 7)).map(({ number }) => number), [8]);
  assert.deepEqual((await one.log(id, 0)).map(({ text }) => text), ["first [31m line"]);
  for (let line = 0; line < 15; line++) await one.addLine(id, `line ${line}`);
  const log = await one.log(id, 0);
  assert.equal(log.length, 10);
  assert.equal(log.at(-1)?.text, "line 14");
});

Deno.test("job queue: what was canceled is ended at once, and can be started again", async () => {
  await using place = await Place.open();
  const { one, other } = place;
  const { id } = await one.add(job("alice", "a"));
  await one.take();
  assert.equal((await other.cancel(id)).state, "canceled");
  assert.deepEqual(await one.held([id]), new Set());
  assert.equal((await other.cancel(id)).state, "canceled");
  await assert.rejects(other.cancel("none"), { status: 404 });
  await assert.rejects(other.retry("none"), { status: 404 });
  assert.equal((await other.retry(id)).state, "queued");
  await assert.rejects(other.retry(id), { status: 409 });
  assert.equal(await one.take([id]), undefined);
  assert.equal((await one.take())?.id, id);
});

Deno.test("job queue: jobs are listed by owner and state, and removed when they are old", async () => {
  await using place = await Place.open();
  const { one } = place;
  const first = await one.add(job("alice", "a"));
  place.now += 1000;
  await one.add(job("alice", "b"));
  await one.add(job("bob", "c"));
  await one.cancel(first.id);
  const page = { page: 1, perPage: 10 };
  const names = async (owner?: string, state?: "canceled"): Promise<string[]> =>
    (await one.list({ owner, state, ...page })).jobs.map(({ name }) => name);
  assert.deepEqual(await names("alice"), ["b", "a"]);
  assert.deepEqual(await names("alice", "canceled"), ["a"]);
  assert.equal((await names()).length, 3);
  const second = await one.list({ owner: undefined, state: undefined, page: 2, perPage: 2 });
  assert.deepEqual([second.jobs.length, second.total], [1, 3]);
  assert.deepEqual(await one.counts(), {
    queued: 2,
    running: 0,
    finished: 0,
    failed: 0,
    canceled: 1,
  });
  await one.clean(5000);
  assert.equal((await names()).length, 3);
  place.now += 6000;
  await one.clean(5000);
  assert.deepEqual(await names("alice"), ["b"]);
  assert.deepEqual(await one.events(first.id, 0), []);
});
