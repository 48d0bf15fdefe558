/**
 * Jobs in the database. Any number of processes share them: who works at a job has a lease on it,
 * which is renewed as long as the process lives, and nobody else touches the job meanwhile. What a
 * process writes about a job, it writes only while it has the lease.
 *
 * @module
 */

import { type Kysely, type Selectable, sql } from "kysely";
import type {
  JobError,
  JobInfo,
  JobLogLine,
  JobProgress,
  JobState,
} from "../../lib/hub_api/messages/mod.ts";
import { HubProblem } from "../../lib/hub_api/problem.ts";
import { releaseOwner } from "../content/references.ts";
import type { JobTable } from "../database/job_tables.ts";
import type { HubTables } from "../database/tables.ts";

/** A job as the database has it. */
export type JobRow = Selectable<JobTable>;

/** What a job is started with. */
export interface NewJob {
  readonly owner: string;
  readonly image: string;
  readonly name: string;
  readonly tag: string;
  readonly profile: "myfs" | "rfs";
  readonly platform: string | undefined;
  readonly visibility: "public" | "private" | undefined;
  readonly route: string;
  /** Whether there may be such a flist. */
  readonly replaces: boolean;
}

/** Something that happened in a job. */
export interface JobEvent {
  readonly number: number;
  readonly kind: "state" | "progress" | "log";
  /** JSON. */
  readonly data: string;
}

/** How the queue is kept. */
export interface JobQueueOptions {
  readonly database: Kysely<HubTables>;
  /** Names this process. */
  readonly runner: string;
  /** How long a process is taken for alive after its last sign, in milliseconds. */
  readonly leaseMs: number;
  /** Jobs of one user that wait or run. */
  readonly queuedMax: number;
  /** Lines of a log that are kept. @default 1000 */
  readonly logLinesMax?: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** A job that ends its process each time is given up after so many. */
const INTERRUPTIONS_MAX = 5;

const LOG_LINES_MAX = 1000;

/** Longest line of a log, and longest reason, in characters. */
const TEXT_LENGTH_MAX = 2000;

/** Blocks that are given up in one transaction. */
const RELEASE_MAX = 500;

const INTERRUPTED: JobError = {
  code: "interrupted",
  message: "The hub was ended, and it keeps no credentials: retry the job with them",
};

/** See the module. */
export class JobQueue {
  readonly #options: JobQueueOptions;
  readonly #database: Kysely<HubTables>;

  constructor(options: JobQueueOptions) {
    this.#options = options;
    this.#database = options.database;
  }

  /** Names this process. */
  get runner(): string {
    return this.#options.runner;
  }

  /**
   * Adds a job.
   *
   * @param keepCredentials Has this process keep credentials for it, and only it can do the job then.
   * @throws {HubProblem} 409 where the flist is there, or a job makes it; 429 where the user has too many.
   */
  async add(job: NewJob, keepCredentials?: (id: string) => void): Promise<JobRow> {
    const id = crypto.randomUUID();
    const hasCredentials = keepCredentials !== undefined;
    return await this.#database.transaction().execute(async (transaction) => {
      await this.#expectTurn(transaction, job.owner);
      await expectNoOther(transaction, job);
      if (!job.replaces) await expectNoFlist(transaction, job);
      const now = this.#time();
      await transaction.insertInto("job").values({
        ...job,
        id,
        replaces: job.replaces ? 1 : 0,
        platform: job.platform ?? null,
        visibility: job.visibility ?? null,
        has_credentials: hasCredentials ? 1 : 0,
        state: "queued",
        ...this.#heldWhere(hasCredentials),
        attempt: 0,
        interruptions: 0,
        last_event: 0,
        progress: null,
        error_code: null,
        error_message: null,
        digest: null,
        created_at: now,
        queued_at: now,
        started_at: null,
        ended_at: null,
      }).execute();
      // Before anybody can take it.
      keepCredentials?.(id);
      return await this.#noteState(transaction, id);
    });
  }

  /**
   * Starts a job again that has ended without success.
   *
   * @param keepCredentials As for {@link add}.
   * @throws {HubProblem} 409 where it goes on, or has succeeded; 422 where it lacks its credentials.
   */
  async retry(id: string, keepCredentials?: (id: string) => void): Promise<JobRow> {
    const hasCredentials = keepCredentials !== undefined;
    return await this.#database.transaction().execute(async (transaction) => {
      const job = await transaction.selectFrom("job").selectAll().where("id", "=", id)
        .executeTakeFirst();
      if (job === undefined) throw jobNotFound();
      if (job.state !== "failed" && job.state !== "canceled") {
        throw new HubProblem(409, "conflict", "Only what failed or was canceled can be retried");
      }
      if (job.has_credentials === 1 && !hasCredentials) {
        throw new HubProblem(
          422,
          "credentials_missing",
          "The job needs credentials for the registry",
          "The hub keeps none: give them again",
        );
      }
      await this.#expectTurn(transaction, job.owner);
      await expectNoOther(transaction, job);
      if (job.replaces === 0) await expectNoFlist(transaction, job);
      await transaction.updateTable("job").set({
        state: "queued",
        has_credentials: hasCredentials ? 1 : 0,
        ...this.#heldWhere(hasCredentials),
        interruptions: 0,
        progress: null,
        error_code: null,
        error_message: null,
        queued_at: this.#time(),
        ended_at: null,
      }).where("id", "=", id).execute();
      keepCredentials?.(id);
      return await this.#noteState(transaction, id);
    });
  }

  /** Ends a job that goes on; one that has ended stays as it is. */
  async cancel(id: string): Promise<JobRow> {
    const row = await this.#database.transaction().execute(async (transaction) => {
      const { numUpdatedRows } = await transaction.updateTable("job")
        .set({ state: "canceled", ...this.#ended() })
        .where("id", "=", id).where("state", "in", ["queued", "running"]).executeTakeFirst();
      if (numUpdatedRows > 0n) return await this.#noteState(transaction, id);
      return await transaction.selectFrom("job").selectAll().where("id", "=", id)
        .executeTakeFirst();
    });
    if (row === undefined) throw jobNotFound();
    await this.releaseBlocks(id);
    return row;
  }

  /** A job; undefined where there is none. */
  async find(id: string): Promise<JobRow | undefined> {
    return await this.#database.selectFrom("job").selectAll().where("id", "=", id)
      .executeTakeFirst();
  }

  /** A page of jobs, the newest first, and how many there are. @param owner undefined: of all */
  async list(
    { owner, state, page, perPage }: {
      readonly owner: string | undefined;
      readonly state: JobState | undefined;
      readonly page: number;
      readonly perPage: number;
    },
  ): Promise<{ readonly jobs: JobRow[]; readonly total: number }> {
    let query = this.#database.selectFrom("job");
    if (owner !== undefined) query = query.where("owner", "=", owner);
    if (state !== undefined) query = query.where("state", "=", state);
    const { total } = await query.select(({ fn }) => fn.countAll().as("total"))
      .executeTakeFirstOrThrow();
    const jobs = await query.selectAll().orderBy("created_at", "desc").orderBy("id")
      .limit(perPage).offset((page - 1) * perPage).execute();
    return { jobs, total: Number(total) };
  }

  /** Events after the one of that number, the oldest first. */
  async events(id: string, after: number): Promise<JobEvent[]> {
    const rows = await this.#database.selectFrom("job_event").select(["number", "kind", "data"])
      .where("job", "=", id).where("number", ">", after).orderBy("number").execute();
    return rows.map(({ number, kind, data }) => ({ number, kind: kind as JobEvent["kind"], data }));
  }

  /** Lines of a job's log after the event of that number. */
  async log(id: string, after: number): Promise<JobLogLine[]> {
    const rows = await this.#database.selectFrom("job_event").select(["number", "data"])
      .where("job", "=", id).where("number", ">", after).where("kind", "=", "log")
      .orderBy("number").execute();
    return rows.map(({ number, data }) => ({ number, ...JSON.parse(data) }));
  }

  /**
   * Takes a job: of the user who has the fewest running and had the last turn longest ago, the oldest.
   *
   * @param except Jobs that this process is not done with yet.
   * @returns undefined for none.
   */
  async take(except: readonly string[] = []): Promise<JobRow | undefined> {
    const { runner } = this.#options;
    const isFree = ({ id }: { readonly id: string }): boolean => !except.includes(id);
    const waiting = await this.#waiting(this.#database);
    if (!waiting.some(isFree)) return undefined;
    return await this.#database.transaction().execute(async (transaction) => {
      const jobs = (await this.#waiting(transaction)).filter(isFree);
      if (jobs.length === 0) return undefined;
      const rows = await transaction.selectFrom("job").select("owner")
        .select(({ fn }) => fn.max("started_at").as("last"))
        .select(sql<number>`sum(case when state = 'running' then 1 else 0 end)`.as("running"))
        .where("owner", "in", [...new Set(jobs.map(({ owner }) => owner))])
        .groupBy("owner").execute();
      const turns = new Map(rows.map((row) => [row.owner, row]));
      const [job] = jobs.toSorted((left, right) => {
        const [one, other] = [turns.get(left.owner)!, turns.get(right.owner)!];
        const order = Number(one.running) - Number(other.running);
        if (order !== 0) return order;
        return (one.last ?? "") < (other.last ?? "") ? -1 : one.last === other.last ? 0 : 1;
      });
      if (job === undefined) return undefined;
      await transaction.updateTable("job").set({
        state: "running",
        runner,
        lease_until: this.#leaseEnd(),
        attempt: sql`attempt + 1`,
        progress: null,
        started_at: this.#time(),
      }).where("id", "=", job.id).execute();
      return await this.#noteState(transaction, job.id);
    });
  }

  /**
   * Shows that this process lives, and is at these jobs. @returns those that are still its.
   *
   * @param kept Jobs whose credentials this process has.
   */
  async renew(running: readonly string[], kept: readonly string[]): Promise<Set<string>> {
    const { runner } = this.#options;
    const ids = [...running, ...kept];
    if (ids.length === 0) return new Set();
    const rows = await this.#database.updateTable("job").set({ lease_until: this.#leaseEnd() })
      .where("id", "in", ids).where("runner", "=", runner)
      .where("state", "in", ["queued", "running"]).returning("id").execute();
    return new Set(rows.map(({ id }) => id));
  }

  /** Those of `ids` at which this process still is. */
  async held(ids: readonly string[]): Promise<Set<string>> {
    if (ids.length === 0) return new Set();
    const rows = await this.#database.selectFrom("job").select("id").where("id", "in", ids)
      .where("runner", "=", this.#options.runner).where("state", "=", "running").execute();
    return new Set(rows.map(({ id }) => id));
  }

  /**
   * Takes up what processes left that are no more: what needs no credentials is queued again, for all
   * that was stored is found again; the rest fails.
   *
   * @returns how many jobs there were.
   */
  async recover(): Promise<number> {
    const now = this.#time();
    const lost = await this.#database.selectFrom("job").select("id")
      .where("state", "in", ["queued", "running"]).where("lease_until", "<", now).execute();
    for (const { id } of lost) {
      await this.#database.transaction().execute(async (transaction) => {
        const job = await transaction.selectFrom("job").selectAll().where("id", "=", id)
          .where("state", "in", ["queued", "running"]).where("lease_until", "<", now)
          .executeTakeFirst();
        if (job !== undefined) await this.#interrupt(transaction, job);
      });
      await this.releaseBlocks(id);
    }
    return lost.length;
  }

  /** Gives a job back that this process is at, because it ends. */
  async giveBack(id: string): Promise<void> {
    await this.#database.transaction().execute(async (transaction) => {
      const job = await this.#own(transaction, id);
      if (job !== undefined) await this.#interrupt(transaction, job, true);
    });
    await this.releaseBlocks(id);
  }

  /** Fails a job whose credentials this process has, because it ends. */
  async abandon(id: string): Promise<void> {
    await this.#database.transaction().execute(async (transaction) => {
      const job = await transaction.selectFrom("job").selectAll().where("id", "=", id)
        .where("state", "=", "queued").where("runner", "=", this.#options.runner)
        .executeTakeFirst();
      if (job !== undefined) await this.#interrupt(transaction, job, true);
    });
  }

  /** Adds a line to the log. @throws {HubProblem} 409 where the job is no longer this process's. */
  async addLine(id: string, text: string): Promise<void> {
    await this.#database.transaction().execute(async (transaction) => {
      if (await this.#own(transaction, id) === undefined) throw jobEnded();
      await this.#note(transaction, id, "log", { at: this.#time(), text: short(text) });
    });
  }

  /** Notes how far a job is. @throws {HubProblem} 409 where the job is no longer this process's. */
  async setProgress(id: string, progress: JobProgress): Promise<void> {
    await this.#database.transaction().execute(async (transaction) => {
      if (await this.#own(transaction, id) === undefined) throw jobEnded();
      await transaction.updateTable("job").set({ progress: JSON.stringify(progress) })
        .where("id", "=", id).execute();
      await transaction.deleteFrom("job_event").where("job", "=", id)
        .where("kind", "=", "progress").execute();
      await this.#note(transaction, id, "progress", progress);
    });
  }

  /**
   * Ends a job with success, in the transaction that publishes its flist.
   *
   * @throws {HubProblem} 409 where the job is no longer this process's: nothing is published then.
   */
  async finish(transaction: Kysely<HubTables>, id: string, digest: string): Promise<void> {
    const job = await this.#own(transaction, id);
    if (job === undefined) throw jobEnded();
    const progress = job.progress === null
      ? null
      : JSON.stringify({ ...JSON.parse(job.progress), percent: 100 });
    await transaction.updateTable("job")
      .set({ state: "finished", digest, progress, ...this.#ended() })
      .where("id", "=", id).execute();
    await this.#noteState(transaction, id);
  }

  /** Ends a job that this process is at. @returns false where it is not. */
  async fail(id: string, error: JobError): Promise<boolean> {
    const isOwn = await this.#database.transaction().execute(async (transaction) => {
      if (await this.#own(transaction, id) === undefined) return false;
      await this.#fail(transaction, id, error);
      return true;
    });
    if (isOwn) await this.releaseBlocks(id);
    return isOwn;
  }

  /**
   * Ends the owner's use of what a job stored, as far as nothing else has it: not at all while the job
   * goes on. In several transactions, so that nobody has to wait for long.
   */
  async releaseBlocks(id: string): Promise<void> {
    for (;;) {
      const count = await this.#database.transaction().execute(async (transaction) => {
        const job = await transaction.selectFrom("job").select(["state", "owner"])
          .where("id", "=", id).executeTakeFirst();
        if (job === undefined || job.state === "queued" || job.state === "running") return 0;
        const rows = await transaction.selectFrom("job_block").select("block")
          .where("job", "=", id).limit(RELEASE_MAX).execute();
        if (rows.length === 0) return 0;
        const blocks = rows.map(({ block }) => block);
        await transaction.deleteFrom("job_block").where("job", "=", id)
          .where("block", "in", blocks).execute();
        await releaseOwner(transaction, job.owner, blocks, this.#time());
        return rows.length;
      });
      if (count < RELEASE_MAX) return;
    }
  }

  /** Removes jobs that ended so long ago, and blocks that a killed process did not give up. */
  async clean(keptMs: number): Promise<void> {
    const left = await this.#database.selectFrom("job_block")
      .innerJoin("job", "job.id", "job_block.job").select("job.id").distinct()
      .where("state", "not in", ["queued", "running"]).execute();
    for (const { id } of left) await this.releaseBlocks(id);
    const until = new Date(this.#options.now() - keptMs).toISOString();
    await this.#database.transaction().execute(async (transaction) => {
      const rows = await transaction.deleteFrom("job")
        .where("state", "not in", ["queued", "running"]).where("ended_at", "<", until)
        .returning("id").execute();
      for (const { id } of rows) {
        await transaction.deleteFrom("job_event").where("job", "=", id).execute();
      }
    });
  }

  /** How many jobs there are, by state. */
  async counts(): Promise<Record<JobState, number>> {
    const rows = await this.#database.selectFrom("job").select("state")
      .select(({ fn }) => fn.countAll().as("count")).groupBy("state").execute();
    const counts = { queued: 0, running: 0, finished: 0, failed: 0, canceled: 0 };
    for (const { state, count } of rows) counts[state as JobState] = Number(count);
    return counts;
  }

  /** Queued jobs that this process can do, the oldest first. */
  async #waiting(
    database: Kysely<HubTables>,
  ): Promise<readonly { readonly id: string; readonly owner: string }[]> {
    return await database.selectFrom("job").select(["id", "owner"]).where("state", "=", "queued")
      .where(({ or, eb }) =>
        or([eb("has_credentials", "=", 0), eb("runner", "=", this.#options.runner)])
      ).orderBy("queued_at").orderBy("id").execute();
  }

  async #expectTurn(transaction: Kysely<HubTables>, owner: string): Promise<void> {
    const { queuedMax } = this.#options;
    const { count } = await transaction.selectFrom("job")
      .select(({ fn }) => fn.countAll().as("count"))
      .where("owner", "=", owner).where("state", "in", ["queued", "running"])
      .executeTakeFirstOrThrow();
    if (Number(count) < queuedMax) return;
    throw new HubProblem(
      429,
      "too_many_requests",
      "Too many conversions",
      `${queuedMax} of yours wait or run already`,
      { retryAfterSeconds: 10 },
    );
  }

  /** Who has the job while it is queued: only one with credentials has somebody. */
  #heldWhere(hasCredentials: boolean): Pick<JobRow, "runner" | "lease_until"> {
    return hasCredentials
      ? { runner: this.#options.runner, lease_until: this.#leaseEnd() }
      : { runner: null, lease_until: null };
  }

  async #interrupt(
    transaction: Kysely<HubTables>,
    job: JobRow,
    isOrderly = false,
  ): Promise<void> {
    if (job.has_credentials === 1) return await this.#fail(transaction, job.id, INTERRUPTED);
    const interruptions = job.interruptions + (isOrderly ? 0 : 1);
    if (interruptions >= INTERRUPTIONS_MAX) {
      const message = `The hub was ended ${interruptions} times while it did this`;
      return await this.#fail(transaction, job.id, { code: "interrupted", message });
    }
    await transaction.updateTable("job").set({
      state: "queued",
      ...this.#heldWhere(false),
      interruptions,
      progress: null,
    }).where("id", "=", job.id).execute();
    const text = "The hub was ended; the job is done anew, and what it stored is found again";
    await this.#note(transaction, job.id, "log", { at: this.#time(), text });
    await this.#noteState(transaction, job.id);
  }

  async #fail(transaction: Kysely<HubTables>, id: string, error: JobError): Promise<void> {
    const message = short(error.message);
    await transaction.updateTable("job").set({
      state: "failed",
      error_code: error.code,
      error_message: message,
      ...this.#ended(),
    }).where("id", "=", id).execute();
    await this.#note(transaction, id, "log", { at: this.#time(), text: `Failed: ${message}` });
    await this.#noteState(transaction, id);
  }

  #ended(): Pick<JobRow, "ended_at" | "lease_until"> {
    return { ended_at: this.#time(), lease_until: null };
  }

  /** The job, where this process is at it. */
  async #own(transaction: Kysely<HubTables>, id: string): Promise<JobRow | undefined> {
    return await transaction.selectFrom("job").selectAll().where("id", "=", id)
      .where("state", "=", "running").where("runner", "=", this.#options.runner)
      .executeTakeFirst();
  }

  async #noteState(transaction: Kysely<HubTables>, id: string): Promise<JobRow> {
    const job = await transaction.selectFrom("job").selectAll().where("id", "=", id)
      .executeTakeFirstOrThrow();
    await this.#note(transaction, id, "state", toJobInfo(job));
    return job;
  }

  async #note(
    transaction: Kysely<HubTables>,
    id: string,
    kind: JobEvent["kind"],
    data: unknown,
  ): Promise<void> {
    const { last_event: number } = await transaction.updateTable("job")
      .set({ last_event: sql`last_event + 1` }).where("id", "=", id).returning("last_event")
      .executeTakeFirstOrThrow();
    await transaction.insertInto("job_event")
      .values({ job: id, number, at: this.#time(), kind, data: JSON.stringify(data) }).execute();
    if (kind !== "log") return;
    const { logLinesMax = LOG_LINES_MAX } = this.#options;
    const old = await transaction.selectFrom("job_event").select("number").where("job", "=", id)
      .where("kind", "=", "log").orderBy("number", "desc").limit(1).offset(logLinesMax)
      .executeTakeFirst();
    if (old === undefined) return;
    await transaction.deleteFrom("job_event").where("job", "=", id)
      .where("number", "<=", old.number).execute();
  }

  #leaseEnd(): string {
    return this.#time(this.#options.leaseMs);
  }

  #time(afterMs = 0): string {
    return new Date(this.#options.now() + afterMs).toISOString();
  }
}

/** A job as its owner sees it. */
export function toJobInfo(job: JobRow): JobInfo {
  return {
    id: job.id,
    user: job.owner,
    image: job.image,
    name: job.name,
    tag: job.tag,
    profile: job.profile as JobInfo["profile"],
    ...(job.platform === null ? {} : { platform: job.platform }),
    state: job.state as JobState,
    attempt: job.attempt,
    has_credentials: job.has_credentials === 1,
    ...(job.progress === null ? {} : { progress: JSON.parse(job.progress) }),
    ...(job.error_code === null
      ? {}
      : { error: { code: job.error_code, message: job.error_message ?? "" } }),
    ...(job.digest === null ? {} : { digest: job.digest }),
    created_at: job.created_at,
    ...(job.started_at === null ? {} : { started_at: job.started_at }),
    ...(job.ended_at === null ? {} : { ended_at: job.ended_at }),
  };
}

/** The problem of a job that is not there, or not the caller's to know of. */
export function jobNotFound(): HubProblem {
  return new HubProblem(404, "job_not_found", "There is no such job");
}

function jobEnded(): HubProblem {
  return new HubProblem(409, "job_ended", "The job was ended");
}

/** @throws {HubProblem} 409 where another job makes the same flist. */
async function expectNoOther(
  transaction: Kysely<HubTables>,
  { owner, name, tag }: Pick<JobRow, "owner" | "name" | "tag">,
): Promise<void> {
  const other = await transaction.selectFrom("job").select("id")
    .where("owner", "=", owner).where("name", "=", name).where("tag", "=", tag)
    .where("state", "in", ["queued", "running"]).executeTakeFirst();
  if (other === undefined) return;
  throw new HubProblem(409, "conflict", "A job makes that flist already", other.id);
}

/** @throws {HubProblem} 409 where the tag stands for a flist. */
async function expectNoFlist(
  transaction: Kysely<HubTables>,
  { owner, name, tag }: Pick<JobRow, "owner" | "name" | "tag">,
): Promise<void> {
  const flist = await transaction.selectFrom("flist_tag").select("digest")
    .where("owner", "=", owner).where("name", "=", name).where("tag", "=", tag)
    .executeTakeFirst();
  if (flist === undefined) return;
  throw new HubProblem(409, "conflict", "There is such a flist", `${owner}/${name}:${tag}`);
}

/** `text` of a bounded length, on one line. */
function short(text: string): string {
  // deno-lint-ignore no-control-regex -- these are what is taken out
  const plain = text.replace(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]+/g, " ");
  return plain.slice(0, TEXT_LENGTH_MAX);
}
