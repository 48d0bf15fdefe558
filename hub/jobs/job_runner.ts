/**
 * Does the jobs of the database that this process may do, so many at a time, each in a process of its
 * own.
 *
 * @module
 */

import type { RegistryCredentials } from "myfs";
import type { JobError } from "../../lib/hub_api/messages/mod.ts";
import { HubProblem } from "../../lib/hub_api/problem.ts";
import type { HubConfig } from "../config/load_config.ts";
import type { Log } from "../log.ts";
import type { HubMetrics } from "../metrics.ts";
import { ConversionChild } from "./conversion_child.ts";
import { imageOf } from "./conversion_request.ts";
import type { JobQueue, JobRow } from "./job_queue.ts";
import { registryAccess } from "./registry_policy.ts";
import { removeIfThere } from "../remove_if_there.ts";

/** How often the queue is looked at, in milliseconds, and how often within a lease at the least. */
const LOOK_INTERVAL_MS = 1000;
const LOOKS_A_LEASE = 4;

/** What a runner needs. */
export interface JobRunnerOptions {
  readonly queue: JobQueue;
  readonly config: HubConfig;
  readonly log: Log;
  readonly metrics: HubMetrics;
  /** Whether no more jobs are to be started. */
  readonly isDraining: () => boolean;
}

/** A job that is being done. */
interface Running {
  readonly child: ConversionChild;
  /** Resolves when nothing is left of it. */
  readonly done: Promise<void>;
}

/** See the module. */
export class JobRunner implements AsyncDisposable {
  readonly #options: JobRunnerOptions;
  readonly #credentials = new Map<string, RegistryCredentials>();
  readonly #running = new Map<string, Running>();
  readonly #timer: ReturnType<typeof setInterval>;
  #looking: Promise<void> | undefined;
  #lookAgain = false;
  #renewedAtMs = -Infinity;
  #isEnding = false;

  /** Starts to look for jobs. */
  constructor(options: JobRunnerOptions) {
    this.#options = options;
    const lookMs = options.config.conversion_lease_seconds * 1000 / LOOKS_A_LEASE;
    this.#timer = setInterval(() => this.look(), Math.min(LOOK_INTERVAL_MS, lookMs));
    Deno.unrefTimer(this.#timer);
  }

  /** Keeps credentials until a job has ended: in memory, and nowhere else. */
  keepCredentials(job: string, credentials: RegistryCredentials): void {
    this.#credentials.set(job, credentials);
  }

  /** Looks at the queue now: there is a job more, or one less. */
  look(): void {
    if (this.#isEnding) return;
    this.#lookAgain = true;
    this.#looking ??= this.#lookUntilSettled().finally(() => this.#looking = undefined);
  }

  /** Removes folders of jobs that nobody is at. */
  async removeFolders(): Promise<void> {
    const folder = `${this.#options.config.flist_dir}/incoming`;
    let names: string[];
    try {
      names = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return;
      throw error;
    }
    for (const name of names) {
      const [, id, attempt] = /^job-(.+)-(\d+)$/.exec(name) ?? [];
      if (id === undefined) continue;
      const job = await this.#options.queue.find(id);
      if (job?.state === "running" && job.attempt === Number(attempt)) continue;
      await removeIfThere(`${folder}/${name}`, { recursive: true });
    }
  }

  /**
   * Ends what runs. Jobs without credentials are queued again, and done when the hub is started next, or
   * by another process; those with credentials fail.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isEnding = true;
    clearInterval(this.#timer);
    await this.#looking;
    const { queue, log } = this.#options;
    await Promise.all(Array.from(this.#running, async ([id, { child, done }]) => {
      // First of all: so the process can do no more to the job, whatever it is at.
      await queue.giveBack(id).catch((error) =>
        log.warn("a job could not be given back", { error })
      );
      await child.stop();
      await done;
    }));
    for (const id of this.#credentials.keys()) {
      await queue.abandon(id).catch((error) => log.warn("a job could not be ended", { error }));
    }
    this.#credentials.clear();
  }

  async #lookUntilSettled(): Promise<void> {
    while (this.#lookAgain && !this.#isEnding) {
      this.#lookAgain = false;
      try {
        await this.#lookOnce();
      } catch (error) {
        // The database is away: it is looked at again in a moment.
        this.#options.log.warn("jobs could not be looked at", { error });
      }
    }
  }

  async #lookOnce(): Promise<void> {
    const { queue, config, log } = this.#options;
    await this.#renew();
    const held = await queue.held([...this.#running.keys()]);
    for (const [id, { child }] of this.#running) if (!held.has(id)) void child.stop();
    if (await queue.recover() > 0) {
      log.info("jobs of processes that ended were taken up");
      await this.removeFolders();
    }
    while (this.#running.size < config.conversions_max && !this.#options.isDraining()) {
      const job = await queue.take([...this.#running.keys()]);
      if (job === undefined) return;
      await this.#start(job);
    }
  }

  async #renew(): Promise<void> {
    const { queue, config } = this.#options;
    const now = performance.now();
    if (now - this.#renewedAtMs < config.conversion_lease_seconds * 1000 / 3) return;
    this.#renewedAtMs = now;
    const kept = [...this.#credentials.keys()].filter((id) => !this.#running.has(id));
    const alive = await queue.renew([...this.#running.keys()], kept);
    for (const id of kept) if (!alive.has(id)) this.#credentials.delete(id);
  }

  async #start(job: JobRow): Promise<void> {
    const { queue, config, log } = this.#options;
    const { id } = job;
    log.info("job started", { job: id, user: job.owner, image: job.image, attempt: job.attempt });
    const folder = `${config.flist_dir}/incoming/job-${id}-${job.attempt}`;
    try {
      // The settings may have changed since it was asked for.
      const access = registryAccess(imageOf(job.image), config);
      const caCerts = config.registry_ca === undefined
        ? []
        : [await Deno.readTextFile(config.registry_ca)];
      await Deno.mkdir(folder, { mode: 0o700 });
      const child = new ConversionChild({
        job: id,
        runner: queue.runner,
        folder,
        credentials: this.#credentials.get(id),
        access,
        caCerts,
        hub: {
          sqlite_path: config.sqlite_path,
          store_url: config.store_url,
          flist_dir: config.flist_dir,
          dedup: config.dedup,
          block_size: config.block_size,
          block_memory_bytes: config.block_memory_bytes,
          conversion_lease_seconds: config.conversion_lease_seconds,
        },
        limits: {
          bytesMax: config.conversion_bytes_max,
          entriesMax: config.conversion_entries_max,
        },
      });
      this.#running.set(id, { child, done: this.#finish(job, child, folder) });
    } catch (error) {
      if (error instanceof HubProblem) {
        await queue.fail(id, { code: error.code, message: error.message });
      } else {
        log.error("a job could not be started", { job: id, error });
        await queue.fail(id, { code: "internal", message: "The hub could not start it" });
      }
      this.#credentials.delete(id);
    }
  }

  /** Waits for the process, and takes away what it left. */
  async #finish(job: JobRow, child: ConversionChild, folder: string): Promise<void> {
    const { queue, config, log, metrics } = this.#options;
    const { id } = job;
    const startMs = performance.now();
    const seconds = config.conversion_seconds_max;
    let reason: JobError | undefined;
    const timer = setTimeout(() => {
      reason = { code: "time_limit", message: `It took longer than ${seconds} s` };
      void child.stop();
    }, Math.min(seconds * 1000, 2 ** 31 - 1));
    const { success, errors } = await child.ended;
    clearTimeout(timer);
    try {
      if (errors.trim() !== "") log.error("a conversion went wrong", { job: id, errors });
      await removeIfThere(folder, { recursive: true });
      if (!success) {
        reason ??= { code: "internal", message: "The process that did it ended unexpectedly" };
      }
      if (reason !== undefined) await queue.fail(id, reason);
      const after = await queue.find(id);
      // What was canceled while it was at it may have stored a last block.
      await queue.releaseBlocks(id);
      const took = (performance.now() - startMs) / 1000;
      const state = after?.state ?? "removed";
      const { owner: user, image } = job;
      const error = after?.error_message;
      log.info("job ended", { job: id, user, image, state, reason: error, seconds: took });
      metrics.counter("myfs_hub_jobs_ended_total", "Conversions that ended here", { state })
        .value++;
      // Somebody may have given others, for the next attempt.
      if (state !== "queued") this.#credentials.delete(id);
    } catch (error) {
      // Its lease ends, and it is taken up anew.
      log.error("the end of a job could not be noted", { job: id, error });
    } finally {
      this.#running.delete(id);
      this.look();
    }
  }
}
