/**
 * Conversions by a hub, as a client sees them: what it asks for, and that it goes on after the last
 * event that it heard of. Method: a server that answers as a hub would, and breaks off.
 */

import assert from "node:assert/strict";
import {
  awaitHubJob,
  cancelHubJob,
  convertImageAtHub,
  followHubJob,
  getHubJob,
  type HubJob,
  listHubJobs,
  readHubJobLog,
  retryHubJob,
} from "../../../../lib/hub_api/jobs.ts";
import { connectHub } from "../../../../lib/hub_api/hub_client.ts";

const ID = "0c9e5c2e-0a8f-4b7e-9d15-6a2f1c1b8d3e";
const AT = "2026-11-24T12:00:00.000Z";
const JOB: HubJob = {
  ...{ id: ID, user: "alice", image: "redis:7", name: "redis", tag: "7", profile: "myfs" },
  ...{ state: "running", attempt: 1, has_credentials: false, created_at: AT },
};
const PROGRESS = {
  ...{ step: "read", percent: 50, bytes: 1, bytes_total: 2, layers: 0, layers_total: 1 },
} as const;
const log = (number: number): string => event(number, "log", { at: AT, text: `line ${number}` });

function event(number: number, kind: string, data: unknown): string {
  return `id: ${number}\nevent: ${kind}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** A request that came, with the last event that the client knew of. */
interface Asked {
  readonly request: string;
  readonly last: string | null;
  readonly body: unknown;
}

async function withHub(
  answers: readonly (() => Response)[],
  work: (client: Awaited<ReturnType<typeof connectHub>>) => Promise<void>,
): Promise<Asked[]> {
  const asked: Asked[] = [];
  const rest = [...answers];
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const text = await request.text();
      const { pathname, search } = new URL(request.url);
      asked.push({
        request: `${request.method} ${pathname}${search}`,
        last: request.headers.get("last-event-id"),
        body: text === "" ? undefined : JSON.parse(text),
      });
      return rest.shift()?.() ?? new Response("", { status: 404 });
    },
  );
  await work(await connectHub(`hub://127.0.0.1:${server.addr.port}`, { retries: 0 }));
  assert.deepEqual(rest, []);
  return asked;
}

/** Events, and then the connection breaks off. */
function broken(...events: string[]): Response {
  return new Response(
    new ReadableStream({
      start(controller): void {
        for (const text of events) controller.enqueue(new TextEncoder().encode(text));
      },
      pull(controller): void {
        controller.error(new Error("broken off"));
      },
    }, { highWaterMark: 0 }),
  );
}

Deno.test("hub jobs: a client goes on after the last event that it heard of, until the job has ended", async () => {
  const finished = { ...JOB, state: "finished" };
  const asked = await withHub([
    () =>
      new Response(
        // It was started again.
        event(0, "state", { ...JOB, state: "failed" }) + event(1, "state", JOB) + log(2) +
          "id: 3\nevent: log\ndata: {",
      ),
    () => new Response("", { status: 503 }),
    () => broken(log(3)),
    () => new Response(event(4, "progress", PROGRESS) + event(5, "later", {})),
    () => new Response(event(6, "state", finished) + log(7)),
  ], async (client) => {
    const events = await Array.fromAsync(followHubJob(client, ID));
    assert.deepEqual(events.map(({ kind, number }) => `${number} ${kind}`), [
      ...["0 state", "1 state", "2 log", "3 log", "4 progress", "6 state", "7 log"],
    ]);
    assert.deepEqual(events[4], { kind: "progress", number: 4, progress: PROGRESS });
  });
  assert.deepEqual(asked.map(({ last }) => last), [null, "2", "2", "3", "5"]);
});

Deno.test("hub jobs: who follows a job that has ended hears of it, and no longer waits", async () => {
  await withHub([() => new Response(null, { status: 204 })], async (client) => {
    assert.deepEqual(await Array.fromAsync(followHubJob(client, ID, { after: 9 })), []);
  });
  await withHub([() => new Response("", { status: 404 })], async (client) => {
    await assert.rejects(Array.fromAsync(followHubJob(client, ID)), { code: "hub", status: 404 });
  });
});

Deno.test("hub jobs: waiting ends with a signal, and the job goes on", async () => {
  const ending = new AbortController();
  await withHub([() => new Response(log(1))], async (client) => {
    const following = (async () => {
      for await (const _ of followHubJob(client, ID, { signal: ending.signal })) {
        ending.abort(new Error("enough"));
      }
    })();
    await assert.rejects(following, /enough/);
  });
});

Deno.test("hub jobs: a conversion that fails says why, and one that succeeds what it made", async () => {
  const finished = { ...JOB, state: "finished", digest: "ab".repeat(32) };
  const heard: string[] = [];
  const asked = await withHub([
    () => Response.json({ id: ID }, { status: 201 }),
    () => new Response(log(1) + event(2, "state", finished)),
    () => Response.json(finished),
  ], async (client) => {
    const job = await convertImageAtHub(client, "redis:7", {
      username: "u",
      password: "p",
      onEvent: ({ kind }) => heard.push(kind),
    });
    assert.equal(job.digest, finished.digest);
  });
  assert.deepEqual(heard, ["log", "state"]);
  assert.deepEqual(asked[0], {
    request: "POST /api/v1/fl",
    last: null,
    body: { image_name: "redis:7", username: "u", password: "p" },
  });
  const error = { code: "image_not_found", message: "there is no such image" };
  const failed = { ...JOB, state: "failed", error };
  await withHub([
    () => new Response(event(2, "state", failed)),
    () => Response.json(failed),
  ], async (client) => {
    await assert.rejects(awaitHubJob(client, ID), {
      code: "hub",
      problem: "image_not_found",
      message: "Cannot convert redis:7: there is no such image",
    });
  });
});

Deno.test("hub jobs: they are shown, listed, ended and started again", async () => {
  const page = { jobs: [JOB], total: 1, page: 2, per_page: 100 };
  const line = { number: 3, at: AT, text: "hello" };
  const asked = await withHub([
    () => Response.json(JOB),
    () => Response.json(page),
    () => Response.json({ lines: [line] }),
    () => Response.json({ ...JOB, state: "canceled" }),
    () => Response.json({ ...JOB, state: "queued" }),
  ], async (client) => {
    assert.deepEqual(await getHubJob(client, ID), JOB);
    assert.deepEqual(await listHubJobs(client, { state: "running", user: "*", page: 2 }), page);
    assert.deepEqual(await readHubJobLog(client, ID), [line]);
    assert.equal((await cancelHubJob(client, ID)).state, "canceled");
    assert.equal((await retryHubJob(client, ID, { registry_token: "t" })).state, "queued");
  });
  assert.deepEqual(asked.map(({ request }) => request), [
    `GET /api/v1/jobs/${ID}`,
    "GET /api/v1/jobs?state=running&user=*&page=2&per_page=100",
    `GET /api/v1/jobs/${ID}/log`,
    `POST /api/v1/jobs/${ID}/cancel`,
    `POST /api/v1/jobs/${ID}/retry`,
  ]);
  assert.deepEqual(asked[4]!.body, { registry_token: "t" });
});
