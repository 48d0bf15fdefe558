/**
 * Files to and from a hub: streamed, in parts, and going on where an earlier attempt stopped.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { forEachBounded } from "../base/concurrency.ts";
import { HubError, StoreUnavailableError } from "../base/errors.ts";
import { asSystemError } from "../linux/errno.ts";
import { bodyPieces, BrokenBodyError } from "./body_pieces.ts";
import type { HubClient } from "./hub_client.ts";
import { hubFlistPath, type HubFlistReference } from "./hub_address.ts";
import { SILENCE_MAX_MS } from "./limits.ts";
import { downloadBlocks, rfsBlocksOf, rfsHashOf, uploadInBlocks } from "./rfs_files.ts";

/** How to move a file. */
export interface TransferOptions {
  /** Stops it; what has come across is used the next time. */
  readonly signal?: AbortSignal;
  /** Told the bytes that are across so far, and all. */
  readonly onBytes?: (bytes: number, total: number) => void;
  /** Parts under way at once. @default {4} */
  readonly concurrencyMax?: number;
}

/** What an upload did. */
export interface UploadReport {
  /** By which the hub gives the file back: its SHA-256 or, at rfs's hub, that of its blocks' digests. */
  readonly hash: string;
  /** SHA-256 of the file. */
  readonly sha256: string;
  /** Bytes of the file. */
  readonly size: number;
  /** Bytes that had to be sent: the others were there. */
  readonly sentBytes: number;
}

/** What a download did. */
export interface DownloadReport {
  /** What was asked for. */
  readonly hash: string;
  /** Bytes of the file. */
  readonly size: number;
  /** Bytes that came now: the others were there from an earlier attempt. */
  readonly receivedBytes: number;
}

/** Memory for a part on its way to be read, in bytes. */
const READ_SIZE = 256 * 1024;
/** Parts, or blocks, under way at once. */
const CONCURRENCY_DEFAULT = 4;
/** What a hub says of an upload that has ended. */
const ENDED: ReadonlySet<number> = new Set([404, 409, 410]);
/** How often a download goes on after it broke off without a byte more. */
const BREAKS_MAX = 3;

/**
 * Uploads the file at `path`. It is read twice, once for its digest, and never held in memory. A
 * file that the hub has and lets this user get is not sent, but becomes theirs as well; of one whose
 * upload was interrupted, only the parts that are missing are. rfs's hub gets it in the way of rfs's
 * clients.
 *
 * @example
 * ```ts ignore
 * import { connectHub, downloadFile, uploadFile } from "myfs";
 *
 * const client = await connectHub("hub://127.0.0.1:3000", { user: "alice", password });
 * const { hash } = await uploadFile(client, "./disk.img");
 * await downloadFile(client, hash, "./copy.img");
 * ```
 *
 * @throws {SystemError} when the file cannot be read.
 * @throws {HubError} when the hub does not take it, as where the file changed while it was read.
 * @throws {StoreDeniedError} {StoreUnavailableError} as every request to a hub.
 */
export async function uploadFile(
  client: HubClient,
  path: string,
  options: TransferOptions = {},
): Promise<UploadReport> {
  const { signal, onBytes, concurrencyMax = CONCURRENCY_DEFAULT } = options;
  const { UploadAnswer, UploadFileAnswer } = await import("./messages/mod.ts");
  const { sha256, size } = await digestOf(path, signal);
  const hub = client.hub.name;
  const task = `upload ${path} to ${hub}`;
  // What the hub has, of whoever, becomes the caller's as well: so it stays, whatever others do.
  const keep = async (): Promise<boolean> => {
    const response = await client.request({
      method: "POST",
      path: `api/v1/file/${sha256}/keep`,
      task,
      accept: [404, 405],
      signal,
    });
    await response.body?.cancel();
    return response.ok;
  };
  if (await keep()) return { hash: sha256, sha256, size, sentBytes: 0 };

  const upload = await client.optionalJson(UploadAnswer, {
    method: "POST",
    path: "api/v1/uploads",
    json: { size, sha256, kind: "file" },
    task,
    accept: [404, 405],
    signal,
  });
  if (upload === undefined) {
    const blocks = await uploadInBlocks(client, path, { signal, onBytes, concurrencyMax });
    return { sha256, size, ...blocks };
  }
  const there = new Set(upload.parts);
  const parts = Array.from({ length: Math.ceil(size / upload.part_size) }, (_, n) => n)
    .filter((n) => !there.has(n));
  const lengthOf = (n: number): number => Math.min(upload.part_size, size - n * upload.part_size);
  const sentBytes = parts.reduce((sum, n) => sum + lengthOf(n), 0);
  let across = size - sentBytes;
  onBytes?.(across, size);
  try {
    await forEachBounded(parts, concurrencyMax, async (n) => {
      const response = await client.request({
        method: "PUT",
        path: `api/v1/uploads/${upload.id}/parts/${n}`,
        headers: {
          "Content-Type": "application/octet-stream",
          "Content-Length": `${lengthOf(n)}`,
        },
        body: () => ReadableStream.from(readPart(path, n * upload.part_size, lengthOf(n))),
        task,
        signal,
      });
      await response.body?.cancel();
      onBytes?.(across += lengthOf(n), size);
    });
    const answer = await client.json(UploadFileAnswer, {
      method: "POST",
      path: `api/v1/uploads/${upload.id}/commit`,
      json: { sha256 },
      task,
      signal,
    });
    if (answer.file_hash !== sha256) {
      throw new StoreUnavailableError(hub, `Cannot ${task}: the hub keeps it under another digest`);
    }
  } catch (error) {
    // Whoever uploads the same at the same time, has the same upload, and may have ended it.
    const isEnded = error instanceof HubError && ENDED.has(error.status);
    if (!isEnded || !await keep()) throw error;
  }
  return { hash: sha256, sha256, size, sentBytes };
}

/**
 * Downloads the file with `hash`, the one that {@link uploadFile} gave, to `target`, which appears
 * complete and checked, or not at all. What came of it stays beside it under the name
 * `<target>.<hash>.part` and is used the next time.
 *
 * @throws {HubError} with status 404 when there is none, and when what came has another digest.
 */
export async function downloadFile(
  client: HubClient,
  hash: string,
  target: string,
  options: TransferOptions = {},
): Promise<DownloadReport> {
  if (!isHash(hash)) {
    throw new SyntaxError("Cannot download: a file's hash is 64 lower-case hexadecimal digits");
  }
  const staged = `${target}.${hash}.part`;
  const file = await open(staged, "a+", 0o666);
  try {
    const report = await receive(client, hash, file, options);
    await file.datasync();
    await rename(staged, target);
    return { hash, ...report };
  } catch (error) {
    // Nothing will ever come of it.
    if (error instanceof HubError) await rm(staged, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}

async function receive(
  client: HubClient,
  hash: string,
  file: FileHandle,
  options: TransferOptions,
): Promise<Omit<DownloadReport, "hash">> {
  const { signal, concurrencyMax = CONCURRENCY_DEFAULT } = options;
  const task = `download ${hash} from ${client.hub.name}`;
  const whole = await receiveWhole(client, hash, file, { ...options, task });
  if (whole?.sha256 === hash) return { size: whole.size, receivedBytes: whole.receivedBytes };
  const ids = await rfsBlocksOf(client, hash, signal);
  if (ids !== undefined) {
    const blocks = await downloadBlocks(client, ids, file, { ...options, concurrencyMax });
    return { ...blocks, receivedBytes: blocks.receivedBytes + (whole?.receivedBytes ?? 0) };
  }
  if (whole !== undefined) {
    throw new HubError(client.hub.name, `Cannot ${task}: what came has SHA-256 ${whole.sha256}`, {
      status: 200,
      problem: "digest_mismatch",
      hint: "Run the command again; if it fails again, the hub's copy is damaged.",
    });
  }
  if (hash !== createHash("sha256").digest("hex")) {
    throw new HubError(client.hub.name, `Cannot ${task}: there is no such file`, {
      status: 404,
      problem: undefined,
    });
  }
  // rfs keeps nothing of a file without content.
  await file.truncate(0);
  return { size: 0, receivedBytes: 0 };
}

/** Appends what is not in `file` yet of the hub's; undefined where the hub does not have it. */
async function receiveWhole(
  client: HubClient,
  hash: string,
  file: FileHandle,
  { task, signal, onBytes }: TransferOptions & { readonly task: string },
): Promise<
  { readonly sha256: string; readonly size: number; readonly receivedBytes: number } | undefined
> {
  const digest = createHash("sha256");
  let size = 0;
  for await (const piece of file.createReadStream({ start: 0, autoClose: false })) {
    signal?.throwIfAborted();
    digest.update(piece);
    size += piece.length;
  }
  const kept = size;
  for (let breaks = 0;;) {
    const response = await client.request({
      method: "GET",
      path: `api/v1/file/${hash}`,
      task,
      ...(size === 0 ? {} : { headers: { Range: `bytes=${size}-` } }),
      accept: [404, 405, 416],
      signal,
    });
    if (!response.ok) {
      await response.body?.cancel();
      if (response.status !== 416) return undefined;
      // All is there already: a range behind the end cannot be satisfied.
      break;
    }
    const [, from] = /^bytes (\d+)-/.exec(response.headers.get("content-range") ?? "") ?? [];
    if (response.status === 206 && Number(from) !== size) {
      await response.body?.cancel();
      throw new StoreUnavailableError(client.hub.name, `Cannot ${task}: it sent another part`);
    }
    const before = size;
    // A hub that knows no ranges sends all of it: what is there already is passed over.
    let skip = response.status === 206 ? 0 : size;
    const total = Number(response.headers.get("content-length") ?? NaN) +
      (response.status === 206 ? size : 0);
    try {
      for await (const piece of bodyPieces(response, { silenceMaxMs: SILENCE_MAX_MS, signal })) {
        const fresh = piece.subarray(Math.min(skip, piece.length));
        skip -= piece.length - fresh.length;
        if (fresh.length === 0) continue;
        digest.update(fresh);
        await file.appendFile(fresh);
        size += fresh.length;
        onBytes?.(size, Number.isNaN(total) ? size : total);
      }
      break;
    } catch (error) {
      if (!(error instanceof BrokenBodyError)) throw error;
      breaks = size > before ? 0 : breaks + 1;
      if (breaks < BREAKS_MAX) continue;
      throw new StoreUnavailableError(client.hub.name, `Cannot ${task}: ${error.message}`, {
        cause: error,
        retryable: true,
        hint: "Run the command again: it goes on where it stopped.",
      });
    }
  }
  return { sha256: digest.digest("hex"), size, receivedBytes: size - kept };
}

/**
 * Whether the hub has the file at `path`, in the way of today's uploads or of those of rfs.
 *
 * @returns The hash by which the hub gives it back; undefined where it does not have it.
 */
export async function findAtHub(
  client: HubClient,
  path: string,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<string | undefined> {
  const options = signal === undefined ? {} : { signal };
  const { sha256 } = await digestOf(path, signal);
  if ((await existsAtHub(client, sha256, options)).file) return sha256;
  const { hash } = await rfsHashOf(path, signal);
  return (await existsAtHub(client, hash, options)).file ? hash : undefined;
}

/** Whether the hub has a file, or a block, with that hash and lets the caller know. */
export async function existsAtHub(
  client: HubClient,
  hash: string,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<{ readonly file: boolean; readonly block: boolean }> {
  if (!isHash(hash)) {
    throw new SyntaxError("Cannot look for it: a hash is 64 lower-case hexadecimal digits");
  }
  const has = async (method: "HEAD" | "GET", path: string): Promise<boolean> => {
    const task = `look for ${hash} at ${client.hub.name}`;
    const response = await client.request({ method, path, task, accept: [404, 405], signal });
    await response.body?.cancel();
    return response.ok;
  };
  const [block, whole] = await Promise.all([
    has("HEAD", `api/v1/block/${hash}`),
    has("HEAD", `api/v1/file/${hash}`),
  ]);
  // rfs's hub knows files by the blocks that they have.
  const file = whole || (!block && await has("GET", `api/v1/blocks/${hash}`));
  return { file, block };
}

/**
 * Publishes the flist at `path` under a name and tag of the user's own namespace.
 *
 * @returns The SHA-256 that it has there: a hub takes secrets out of its routes, which changes it.
 */
export async function publishFlist(
  client: HubClient,
  path: string,
  reference: HubFlistReference & { readonly kind: "name" },
  options: { readonly visibility?: "public" | "private"; readonly signal?: AbortSignal } = {},
): Promise<string> {
  const { visibility, signal } = options;
  const { FlistInfo } = await import("./messages/mod.ts");
  const { size } = await Deno.stat(path);
  const query = visibility === undefined ? "" : `?visibility=${visibility}`;
  const answer = await client.json(FlistInfo, {
    method: "PUT",
    path: `${hubFlistPath(reference)}${query}`,
    headers: { "Content-Type": "application/vnd.sqlite3", "Content-Length": `${size}` },
    body: () => ReadableStream.from(readPart(path, 0, size)),
    task: `publish ${path} at ${client.hub.name}`,
    signal,
  });
  return answer.digest;
}

async function* readPart(
  path: string,
  offset: number,
  length: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const file = await open(path);
  try {
    for (let at = 0; at < length;) {
      const buffer = new Uint8Array(Math.min(READ_SIZE, length - at));
      const { bytesRead } = await file.read(buffer, 0, buffer.length, offset + at);
      if (bytesRead === 0) throw new Error(`${path} became shorter while it was read`);
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

async function digestOf(
  path: string,
  signal: AbortSignal | undefined,
): Promise<{ readonly sha256: string; readonly size: number }> {
  const hash = createHash("sha256");
  let size = 0;
  try {
    using file = await Deno.open(path);
    for await (const piece of file.readable) {
      signal?.throwIfAborted();
      hash.update(piece);
      size += piece.length;
    }
  } catch (error) {
    throw asSystemError("read", path, error);
  }
  return { sha256: hash.digest("hex"), size };
}

function isHash(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}
