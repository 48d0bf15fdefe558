/**
 * Conversions of container images by a hub: it reads the registry, keeps the blocks, and publishes the
 * flist.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";
import { HubError, StoreUnavailableError } from "../base/errors.ts";
import { bodyPieces, BrokenBodyError } from "./body_pieces.ts";
import { readEventStream } from "./event_stream.ts";
import type { HubClient } from "./hub_client.ts";

/** Where a job is: `queued` and `running` go on, the others have ended. */
export type HubJobState = "queued" | "running" | "finished" | "failed" | "canceled";

/** How far a conversion is. */
export interface HubJobProgress {
  /** Asks for the image, reads and stores its layers, or publishes the flist. */
  readonly step: "open" | "read" | "publish";
  /** From 0 to 100. */
  readonly percent: number;
  /** Bytes of the layers that came, as the registry has them. */
  readonly bytes: number;
  /** Bytes of all layers. */
  readonly bytes_total: number;
  /** Layers that were read. */
  readonly layers: number;
  /** All layers. */
  readonly layers_total: number;
}

/** A job at a hub. */
export interface HubJob {
  /** By which it is asked for. */
  readonly id: string;
  /** Whose it is, and in whose namespace the flist will be. */
  readonly user: string;
  /** The image. */
  readonly image: string;
  /** Name of the flist. */
  readonly name: string;
  /** Tag of the flist. */
  readonly tag: string;
  /** How blocks are made. */
  readonly profile: "myfs" | "rfs";
  /** Which of the image's platforms; missing for that of the hub's machine. */
  readonly platform?: string | undefined;
  /** Where it is. */
  readonly state: HubJobState;
  /** How often it was started. */
  readonly attempt: number;
  /** Whether it was given credentials, which a retry has to give again. */
  readonly has_credentials: boolean;
  /** How far it is. */
  readonly progress?: HubJobProgress | undefined;
  /** Why it failed. */
  readonly error?: { readonly code: string; readonly message: string } | undefined;
  /** SHA-256 of the flist that it made. */
  readonly digest?: string | undefined;
  /** When somebody asked for it, in UTC. */
  readonly created_at: string;
  /** When it was started last. */
  readonly started_at?: string | undefined;
  /** When it ended. */
  readonly ended_at?: string | undefined;
}

/** A page of jobs. */
export interface HubJobPage {
  /** The newest first. */
  readonly jobs: readonly HubJob[];
  /** How many there are on all pages. */
  readonly total: number;
  /** Which page this is, from 1. */
  readonly page: number;
  /** Jobs a page. */
  readonly per_page: number;
}

/** A line of a job's log. */
export interface HubJobLogLine {
  /** Of the event, in the order of all events of the job. */
  readonly number: number;
  /** When, in UTC. */
  readonly at: string;
  /** What the job says. */
  readonly text: string;
}

/** Something that happened in a job. */
export type HubJobEvent =
  | { readonly kind: "state"; readonly number: number; readonly job: HubJob }
  | { readonly kind: "progress"; readonly number: number; readonly progress: HubJobProgress }
  | { readonly kind: "log"; readonly number: number; readonly at: string; readonly text: string };

/** What shows a registry who asks. The hub writes it nowhere, and forgets it when the job ends. */
export interface HubJobCredentials {
  /** Who asks. */
  readonly username?: string;
  /** Password of `username`. */
  readonly password?: string;
  /** Refresh token of OAuth 2, in place of both. */
  readonly identity_token?: string;
  /** Token that is shown to the registry as it is, in place of them. */
  readonly registry_token?: string;
}

/** What to convert, and into what. */
export interface HubConversionOptions extends HubJobCredentials {
  /** Name of the flist. @default {made of the image's} */
  readonly name?: string;
  /** Tag of the flist. @default {the image's} */
  readonly tag?: string;
  /** Who may see the flist. @default {as it was; "private" for a new one} */
  readonly visibility?: "public" | "private";
  /** `os/architecture[/variant]`. @default {that of the hub's machine} */
  readonly platform?: string;
  /** How blocks are made. @default {as the hub is configured} */
  readonly profile?: "myfs" | "rfs";
  /** Whether the flist may be there, and is replaced. @default {false} */
  readonly replace?: boolean;
}

/** Which jobs to list. */
export interface HubJobsQuery {
  /** Only those. */
  readonly state?: HubJobState;
  /** Whose, for administrators; `*` for all. @default {the caller's} */
  readonly user?: string;
  /** From 1. @default {1} */
  readonly page?: number;
}

/** How long a hub may be away while its events are waited for, in milliseconds. */
const AWAY_MAX_MS = 120_000;

/** How long to wait before it is asked again, in milliseconds: where it said something, or nothing. */
const AGAIN_SOON_MS = 50;
const AGAIN_MS = 1000;

/** A hub says something each 15 seconds. */
const SILENCE_MAX_MS = 60_000;

/**
 * Has the hub convert an image of a registry into a flist in the caller's namespace.
 *
 * @returns The job's id: see {@link followHubJob}.
 * @throws {HubError} when the hub refuses: with status 409 where there is such a flist, or a job that
 *   makes it; 422 where it is no image in a registry; 429 where too many of the caller's wait.
 */
export async function startHubConversion(
  client: HubClient,
  image: string,
  options: HubConversionOptions = {},
): Promise<string> {
  const { ConversionAnswer } = await import("./messages/mod.ts");
  const { id } = await client.json(ConversionAnswer, {
    method: "POST",
    path: "api/v1/fl",
    json: { image_name: image, ...options },
    task: `have ${client.hub.name} convert ${image}`,
  });
  return id;
}

/** A job as it is now. @throws {HubError} with status 404 when there is none that the caller may see. */
export async function getHubJob(client: HubClient, id: string): Promise<HubJob> {
  const { JobInfo } = await import("./messages/mod.ts");
  const task = `show job ${id} at ${client.hub.name}`;
  return await client.json(JobInfo, { method: "GET", path: pathOf(id), task });
}

/** A page of jobs. */
export async function listHubJobs(
  client: HubClient,
  query: HubJobsQuery = {},
): Promise<HubJobPage> {
  const { JobsAnswer } = await import("./messages/mod.ts");
  const fields = Object.entries(query).filter(([, value]) => value !== undefined)
    .map(([name, value]): [string, string] => [name, String(value)]);
  return await client.json(JobsAnswer, {
    method: "GET",
    path: `api/v1/jobs?${new URLSearchParams([...fields, ["per_page", "100"]])}`,
    task: `list the jobs at ${client.hub.name}`,
  });
}

/** What a job says of itself, the oldest line first. */
export async function readHubJobLog(
  client: HubClient,
  id: string,
): Promise<readonly HubJobLogLine[]> {
  const { JobLogAnswer } = await import("./messages/mod.ts");
  const task = `read the log of job ${id} at ${client.hub.name}`;
  const request = { method: "GET", path: `${pathOf(id)}/log`, task } as const;
  return (await client.json(JobLogAnswer, request)).lines;
}

/** Ends a job; what it stored is given up. One that has ended stays as it is. */
export async function cancelHubJob(client: HubClient, id: string): Promise<HubJob> {
  const { JobInfo } = await import("./messages/mod.ts");
  const task = `cancel job ${id} at ${client.hub.name}`;
  return await client.json(JobInfo, { method: "POST", path: `${pathOf(id)}/cancel`, task });
}

/**
 * Starts a job again that failed or was canceled.
 *
 * @throws {HubError} with status 409 where it goes on or has succeeded, 422 where it was given
 *   credentials before and now none.
 */
export async function retryHubJob(
  client: HubClient,
  id: string,
  credentials: HubJobCredentials = {},
): Promise<HubJob> {
  const { JobInfo } = await import("./messages/mod.ts");
  return await client.json(JobInfo, {
    method: "POST",
    path: `${pathOf(id)}/retry`,
    json: credentials,
    task: `retry job ${id} at ${client.hub.name}`,
  });
}

/**
 * What happens in a job, as it happens, until it has ended; what happened before comes first. Where the
 * hub is away for a while, or is started anew, it goes on where it was.
 *
 * @param after Only what came after the event of that number.
 * @throws {HubError} with status 404 when there is none that the caller may see.
 * @throws {StoreUnavailableError} when the hub is away for two minutes.
 *
 * @example
 * ```ts ignore
 * const id = await startHubConversion(client, "docker.io/library/nginx:latest");
 * for await (const event of followHubJob(client, id)) {
 *   if (event.kind === "progress") console.log(event.progress.percent);
 * }
 * ```
 */
export async function* followHubJob(
  client: HubClient,
  id: string,
  { after = 0, signal }: { readonly after?: number; readonly signal?: AbortSignal } = {},
): AsyncGenerator<HubJobEvent, void, void> {
  const task = `follow job ${id} at ${client.hub.name}`;
  const messages = await import("./messages/mod.ts");
  let last = after;
  let heardMs = performance.now();
  for (;;) {
    let waitMs = AGAIN_MS;
    let state: HubJobState = "running";
    try {
      const response = await client.request({
        method: "GET",
        path: `${pathOf(id)}/events`,
        headers: last === 0 ? {} : { "Last-Event-ID": String(last) },
        task,
        signal,
      });
      if (response.status === 204) return;
      const body = bodyPieces(response, { silenceMaxMs: SILENCE_MAX_MS, signal });
      for await (const { id: number, event, data } of readEventStream(body)) {
        heardMs = performance.now();
        waitMs = AGAIN_SOON_MS;
        if (/^\d{1,15}$/.test(number)) last = Number(number);
        const read = parseEvent(messages, event, last, data);
        if (read === undefined) continue;
        if (read.kind === "state") state = read.job.state;
        yield read;
      }
      // Ends before the last one are those of earlier attempts.
      if (hasEnded(state)) return;
    } catch (error) {
      signal?.throwIfAborted();
      const isAway = error instanceof BrokenBodyError ||
        error instanceof StoreUnavailableError && error.retryable;
      if (!isAway) throw error;
      if (performance.now() - heardMs > AWAY_MAX_MS) {
        if (error instanceof StoreUnavailableError) throw error;
        throw new StoreUnavailableError(client.hub.name, `Cannot ${task}: ${error.message}`, {
          cause: error,
          retryable: true,
        });
      }
    }
    await sleep(waitMs, undefined, signal === undefined ? {} : { signal }).catch((error) => {
      signal?.throwIfAborted();
      throw error;
    });
  }
}

/**
 * Has the hub convert an image and waits until it has.
 *
 * @returns The job, which has succeeded.
 * @throws {HubError} when the hub refuses, or the job fails: `problem` says why, as a stable code.
 */
export async function convertImageAtHub(
  client: HubClient,
  image: string,
  options: HubConversionOptions & {
    /** Told what happens. */
    readonly onEvent?: (event: HubJobEvent) => void;
    /** Ends the waiting; the job goes on. */
    readonly signal?: AbortSignal;
  } = {},
): Promise<HubJob> {
  const { onEvent, signal, ...request } = options;
  const id = await startHubConversion(client, image, request);
  return await awaitHubJob(client, id, {
    ...(onEvent === undefined ? {} : { onEvent }),
    ...(signal === undefined ? {} : { signal }),
  });
}

/** Waits until a job has succeeded; as {@link convertImageAtHub}. */
export async function awaitHubJob(
  client: HubClient,
  id: string,
  options: {
    /** Only what came after the event of that number. */
    readonly after?: number;
    /** Told what happens. */
    readonly onEvent?: (event: HubJobEvent) => void;
    /** Ends the waiting; the job goes on. */
    readonly signal?: AbortSignal;
  } = {},
): Promise<HubJob> {
  const { onEvent, signal } = options;
  let { after = 0 } = options;
  let job: HubJob;
  do {
    const follow = { after, ...(signal === undefined ? {} : { signal }) };
    for await (const event of followHubJob(client, id, follow)) {
      after = event.number;
      onEvent?.(event);
    }
    job = await getHubJob(client, id);
    // Somebody may just have started it again.
  } while (!hasEnded(job.state));
  if (job.state === "finished") return job;
  const reason = job.error?.message ?? "it was canceled";
  throw new HubError(client.hub.name, `Cannot convert ${job.image}: ${reason}`, {
    status: 500,
    problem: job.error?.code ?? job.state,
    hint: `The job can be retried: myfs jobs retry ${id}`,
  });
}

function parseEvent(
  { JobInfo, JobProgress, JobLogEvent }: typeof import("./messages/mod.ts"),
  event: string,
  number: number,
  data: string,
): HubJobEvent | undefined {
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch {
    return undefined;
  }
  // A kind that a later hub may have is none of today's affairs.
  switch (event) {
    case "state": {
      const { success, data: job } = JobInfo.safeParse(value);
      return success ? { kind: "state", number, job } : undefined;
    }
    case "progress": {
      const { success, data: progress } = JobProgress.safeParse(value);
      return success ? { kind: "progress", number, progress } : undefined;
    }
    case "log": {
      const { success, data: line } = JobLogEvent.safeParse(value);
      return success ? { kind: "log", number, ...line } : undefined;
    }
  }
  return undefined;
}

function hasEnded(state: HubJobState): boolean {
  return state !== "queued" && state !== "running";
}

function pathOf(id: string): string {
  return `api/v1/jobs/${encodeURIComponent(id)}`;
}
