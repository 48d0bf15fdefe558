/**
 * One conversion, from a job that was taken to the flist that is published, or the reason why not.
 *
 * @module
 */

import {
  type ContainerPlatformImage,
  convertImage,
  type ConvertReport,
  LimitExceededError,
  MyfsError,
  type MyfsErrorCode,
} from "myfs";
import type { JobError, JobProgress } from "../../lib/hub_api/messages/mod.ts";
import { HubProblem } from "../../lib/hub_api/problem.ts";
import type { Content } from "../content/content.ts";
import { openDatabase } from "../database/open_database.ts";
import { openContentParts } from "../open_content.ts";
import { toProblem } from "../problem_response.ts";
import { secretsOf } from "./conversion_request.ts";
import type { ConversionTask } from "./conversion_task.ts";
import { JobQueue, type JobRow } from "./job_queue.ts";
import { OwnedBlocks } from "./owned_blocks.ts";

/** How often progress is noted, in milliseconds. */
const PROGRESS_INTERVAL_MS = 1000;

/** Parts of the way that are not reading: asking for the image, and publishing. */
const READ_START_PERCENT = 1;
const READ_END_PERCENT = 97;

/** Failures of the image or its registry, which their messages explain to the user. */
const TOLD: ReadonlySet<MyfsErrorCode> = new Set<MyfsErrorCode>([
  "registry_unavailable",
  "registry_denied",
  "image_not_found",
  "image_format",
  "archive_format",
  "limit_exceeded",
  "unsafe_path",
  "unsupported",
]);

/** What a conversion tells whoever runs it. */
export interface ConversionOptions {
  readonly signal: AbortSignal;
  /** Takes what went wrong and is for the hub's administrator alone; it has no secrets of the job. */
  readonly onFault: (reason: string) => void;
}

/**
 * Converts the image of a job. Whether it succeeds or fails is noted with the job, unless that is no
 * longer the runner's: then what was done is dropped.
 */
export async function runConversion(
  task: ConversionTask,
  { signal, onFault }: ConversionOptions,
): Promise<void> {
  const config = task.hub;
  await using stack = new AsyncDisposableStack();
  const database = await openDatabase(config.sqlite_path);
  stack.defer(() => database.destroy());
  const { runner } = task;
  const leaseMs = config.conversion_lease_seconds * 1000;
  const queue = new JobQueue({ database, runner, leaseMs, queuedMax: 1, now: Date.now });
  try {
    const job = await queue.find(task.job);
    if (job === undefined) return;
    const parts = { config, database, now: Date.now };
    const { content, store } = stack.use(await openContentParts(parts));
    const reason = { kind: "job", job: job.id, runner } as const;
    await using owned = new OwnedBlocks({
      blocks: content.blocks,
      store,
      owner: job.owner,
      reason,
      url: job.route,
    });
    await using notes = new Notes(queue, job.id);
    const report = await convert(task, job, owned, notes, signal);
    signal.throwIfAborted();
    await notes.setStep("publish");
    await publish(content, queue, job, report.images[0]!.pack.meta);
  } catch (error) {
    if (signal.aborted) return;
    const secrets = secretsOf(task.credentials);
    const told = jobErrorOf(error, secrets);
    if (told.code === "internal") onFault(hideSecrets(reasonOf(error), secrets));
    if (told.code !== "job_ended") await queue.fail(task.job, told);
  }
}

async function convert(
  task: ConversionTask,
  job: JobRow,
  store: OwnedBlocks,
  notes: Notes,
  signal: AbortSignal,
): Promise<ConvertReport> {
  const { access, credentials, caCerts, limits } = task;
  notes.log(`Attempt ${job.attempt}: asks for ${job.image}`);
  const report = await convertImage(job.image, {
    ...access,
    ...(credentials === undefined ? {} : { credentials }),
    ...(caCerts.length === 0 ? {} : { caCerts }),
    ...(job.platform === null ? {} : { platform: job.platform }),
    profile: job.profile as "myfs" | "rfs",
    meta: `${task.folder}/image.fl`,
    store,
    limits: { plainBytesMax: limits.bytesMax, entriesMax: limits.entriesMax },
    signal,
    onImage: (image) => {
      const bytes = image.layers.reduce((sum, { size }) => sum + size, 0);
      notes.begin(image, bytes);
      if (bytes > limits.bytesMax) {
        throw new LimitExceededError(
          `Cannot convert ${job.image}: its layers have ${bytes} bytes, and this hub takes ` +
            `${limits.bytesMax} at most`,
        );
      }
    },
    onLayerBytes: (bytes) => notes.setBytes(bytes),
    onLayer: (layer, digest, entries) => notes.endLayer(layer, digest, entries),
  });
  const { pack } = report.images[0]!;
  notes.log(
    `${pack.files} files and ${pack.directories} directories; ${pack.blocksStored} blocks of ` +
      `${pack.storedBytes} bytes are new, ${pack.blocksPresent} were there`,
  );
  for (const { what, count } of pack.losses) {
    notes.log(`The profile ${pack.profile} cannot hold: ${what}, of ${count} entries`);
  }
  return report;
}

async function publish(
  content: Content,
  queue: JobQueue,
  { id, owner, name, tag, visibility }: JobRow,
  meta: string,
): Promise<void> {
  await using incoming = await content.flists.receive();
  using file = await Deno.open(meta);
  for await (const piece of file.readable) await incoming.write(piece);
  await content.flists.publish(incoming, {
    reference: { user: owner, name, tag },
    actor: owner,
    visibility: visibility as "public" | "private" | null ?? undefined,
    keepsBlocks: true,
    alongside: (transaction, digest) => queue.finish(transaction, id, digest),
  });
  await queue.releaseBlocks(id);
}

/** Why a job failed, as its owner is told: of the hub's own affairs no more than anybody is. */
export function jobErrorOf(error: unknown, secrets: readonly string[]): JobError {
  if (error instanceof MyfsError && TOLD.has(error.code)) {
    const hint = error.hint === undefined ? "" : ` (${error.hint})`;
    return { code: error.code, message: hideSecrets(`${error.message}${hint}`, secrets) };
  }
  const { code, message } = error instanceof HubProblem ? error : toProblem(error);
  return { code, message: hideSecrets(message, secrets) };
}

/** `text` without any of `secrets`: no error has them, and if one did, this is where it would stop. */
function hideSecrets(text: string, secrets: readonly string[]): string {
  return secrets.filter((secret) => secret !== "")
    .reduce((rest, secret) => rest.replaceAll(secret, "[redacted]"), text);
}

/** What was thrown, with what led to it. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  const reason = `${error.name}: ${error.message}`;
  return cause === undefined ? reason : `${reason}, because of ${reasonOf(cause)}`;
}

/** Notes what happens in a job, without making it wait; the first failure to do so ends it. */
class Notes implements AsyncDisposable {
  readonly #queue: JobQueue;
  readonly #job: string;
  #progress: JobProgress = {
    step: "open",
    percent: 0,
    bytes: 0,
    bytes_total: 0,
    layers: 0,
    layers_total: 0,
  };
  #writing: Promise<void> = Promise.resolve();
  #failure: { readonly error: unknown } | undefined;
  #notedAtMs = -Infinity;

  constructor(queue: JobQueue, job: string) {
    this.#queue = queue;
    this.#job = job;
  }

  log(text: string): void {
    this.#write(() => this.#queue.addLine(this.#job, text));
  }

  /** An image is read, whose layers have `bytes_total` bytes. */
  begin(
    { platform, manifestDigest, configDigest, layers }: ContainerPlatformImage,
    bytes_total: number,
  ): void {
    this.#set({ step: "read", bytes_total, layers_total: layers.length }, true);
    const what = manifestDigest ?? configDigest;
    this.log(`${platform}, ${what}: ${layers.length} layers of ${bytes_total} bytes`);
  }

  setBytes(bytes: number): void {
    this.#set({ bytes: Math.min(bytes, this.#progress.bytes_total) });
  }

  endLayer(layer: number, digest: string, entries: number): void {
    this.#set({ layers: Math.min(this.#progress.layers + 1, this.#progress.layers_total) });
    this.log(`Layer ${layer + 1}, ${digest}: ${entries} entries`);
  }

  async setStep(step: JobProgress["step"]): Promise<void> {
    this.#set({ step }, true);
    await this.#writing;
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writing;
  }

  #set(change: Partial<JobProgress>, atOnce = false): void {
    if (this.#failure !== undefined) throw this.#failure.error;
    const next = { ...this.#progress, ...change };
    const { step, bytes, bytes_total: total } = next;
    const part = total === 0 ? 1 : bytes / total;
    const percent = step === "open"
      ? 0
      : step === "publish"
      ? READ_END_PERCENT
      : READ_START_PERCENT + part * (READ_END_PERCENT - READ_START_PERCENT);
    this.#progress = { ...next, percent: Math.floor(percent * 10) / 10 };
    const now = performance.now();
    if (!atOnce && now - this.#notedAtMs < PROGRESS_INTERVAL_MS) return;
    this.#notedAtMs = now;
    const progress = this.#progress;
    this.#write(() => this.#queue.setProgress(this.#job, progress));
  }

  #write(write: () => Promise<void>): void {
    this.#writing = this.#writing.then(write).catch((error) => {
      this.#failure ??= { error };
    });
  }
}
