/**
 * Conversions of container images into flists of the hub: who may start, see and end them.
 *
 * @module
 */

import type { Kysely } from "kysely";
import type { RegistryCredentials } from "myfs";
import type {
  ConversionRequest,
  JobCredentials,
  JobInfo,
  JobLogLine,
  JobState,
} from "../../lib/hub_api/messages/mod.ts";
import { HubProblem } from "../../lib/hub_api/problem.ts";
import { type Caller, isAdministrator } from "../accounts/caller.ts";
import type { HubConfig } from "../config/load_config.ts";
import type { Content } from "../content/content.ts";
import type { HubTables } from "../database/tables.ts";
import type { Log } from "../log.ts";
import type { HubMetrics } from "../metrics.ts";
import { credentialsOf, flistOf, imageOf } from "./conversion_request.ts";
import { type JobEvent, jobNotFound, JobQueue, type JobRow, toJobInfo } from "./job_queue.ts";
import { JobRunner } from "./job_runner.ts";
import { registryAccess } from "./registry_policy.ts";

/** What jobs need of the hub. */
export interface JobsOptions {
  readonly config: HubConfig;
  readonly database: Kysely<HubTables>;
  readonly content: Content;
  readonly log: Log;
  readonly metrics: HubMetrics;
  /** Whether no more jobs are to be started. */
  readonly isDraining: () => boolean;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Which jobs are asked for. */
export interface JobSelection {
  /** Whose; `*` for all. @default the caller's */
  readonly user?: string | undefined;
  readonly state?: JobState | undefined;
  readonly page: number;
  readonly perPage: number;
}

const DAY_MS = 86_400_000;

/** See the module. */
export class Jobs implements AsyncDisposable {
  readonly #options: JobsOptions;
  readonly #queue: JobQueue;
  readonly #runner: JobRunner;

  /** Starts to do what is queued. */
  constructor(options: JobsOptions) {
    this.#options = options;
    const { config, database, log, metrics, isDraining, now } = options;
    this.#queue = new JobQueue({
      database,
      runner: crypto.randomUUID(),
      leaseMs: config.conversion_lease_seconds * 1000,
      queuedMax: config.conversions_queued_max,
      now,
    });
    this.#runner = new JobRunner({ queue: this.#queue, config, log, metrics, isDraining });
    if (config.conversions_max > 0) this.#runner.look();
  }

  /**
   * Starts a conversion.
   *
   * @param origin The hub's own web address, as the caller wrote it.
   * @throws {HubProblem} when it cannot be, with the reason.
   */
  async start(caller: Caller, request: ConversionRequest, origin: string): Promise<JobInfo> {
    const { config, content } = this.#options;
    if (config.conversions_max === 0) {
      throw new HubProblem(403, "registry_forbidden", "This hub converts no images");
    }
    const reference = imageOf(request.image_name);
    registryAccess(reference, config);
    const credentials = credentialsOf(request, reference);
    const { user: owner } = caller;
    const flist = flistOf(request, reference);
    await content.flists.expectRoom({ user: owner, ...flist }, 0);
    const profile = request.profile ?? config.conversion_profile;
    const job = await this.#queue.add({
      owner,
      image: request.image_name,
      ...flist,
      profile,
      platform: request.platform,
      visibility: request.visibility,
      replaces: request.replace ?? false,
      route: routeOf(config.public_url ?? origin, profile),
    }, this.#keeper(credentials));
    this.#runner.look();
    return toJobInfo(job);
  }

  /** Starts a job again that failed or was canceled. @throws {HubProblem} */
  async retry(caller: Caller, id: string, given: JobCredentials): Promise<JobInfo> {
    const before = await this.#find(caller, id);
    const reference = imageOf(before.image);
    registryAccess(reference, this.#options.config);
    const credentials = credentialsOf(given, reference);
    const job = await this.#queue.retry(id, this.#keeper(credentials));
    this.#runner.look();
    return toJobInfo(job);
  }

  /** Ends a job, and gives up what it stored. @throws {HubProblem} 404. */
  async cancel(caller: Caller, id: string): Promise<JobInfo> {
    await this.#find(caller, id);
    const job = await this.#queue.cancel(id);
    this.#runner.look();
    return toJobInfo(job);
  }

  /** @throws {HubProblem} 404 when there is none that the caller may see. */
  async get(caller: Caller, id: string): Promise<JobInfo> {
    return toJobInfo(await this.#find(caller, id));
  }

  /** A page of jobs, the newest first, and how many there are. */
  async list(
    caller: Caller,
    { user, state, page, perPage }: JobSelection,
  ): Promise<{ readonly jobs: JobInfo[]; readonly total: number }> {
    const named = user ?? caller.user;
    if (named !== caller.user && !isAdministrator(caller)) {
      throw new HubProblem(403, "forbidden", "Only administrators see jobs of others");
    }
    const owner = named === "*" ? undefined : named;
    const { jobs, total } = await this.#queue.list({ owner, state, page, perPage });
    return { jobs: jobs.map(toJobInfo), total };
  }

  /** Events after the one of that number. @throws {HubProblem} 404. */
  async events(caller: Caller, id: string, after: number): Promise<readonly JobEvent[]> {
    await this.#find(caller, id);
    return await this.#queue.events(id, after);
  }

  /** Lines of the log after the event of that number. @throws {HubProblem} 404. */
  async logLines(caller: Caller, id: string, after: number): Promise<JobLogLine[]> {
    await this.#find(caller, id);
    return await this.#queue.log(id, after);
  }

  /** Removes jobs that ended long ago, and what killed processes left. */
  async clean(): Promise<void> {
    const { config } = this.#options;
    await this.#queue.clean(config.conversions_kept_days * DAY_MS);
    await this.#runner.removeFolders();
  }

  /** Brings the numbers of jobs in the metrics up to date. */
  async measure(): Promise<void> {
    const help = "Conversions in the database";
    for (const [state, count] of Object.entries(await this.#queue.counts())) {
      this.#options.metrics.set("myfs_hub_jobs", help, { state }, count);
    }
  }

  /** Ends what runs. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#runner[Symbol.asyncDispose]();
  }

  #keeper(credentials: RegistryCredentials | undefined): ((id: string) => void) | undefined {
    if (credentials === undefined) return undefined;
    return (id) => this.#runner.keepCredentials(id, credentials);
  }

  async #find(caller: Caller, id: string): Promise<JobRow> {
    const job = await this.#queue.find(id);
    if (job !== undefined && (job.owner === caller.user || isAdministrator(caller))) return job;
    throw jobNotFound();
  }
}

/** What a flist says of where its blocks are: at this hub. rfs's programs know another way to write it. */
function routeOf(address: string, profile: "myfs" | "rfs"): string {
  const url = address.replace(/\/+$/, "");
  const web = url.replace(/^hub(s?):/i, "http$1:");
  if (profile === "rfs") return `server://${web}`;
  return web.replace(/^http(s?):/i, "hub$1:");
}
