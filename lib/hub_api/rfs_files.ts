/**
 * Files as rfs's clients keep them at its hub: cut into blocks that are named by their BLAKE2b-256
 * digests. The hash of a file is the SHA-256 of these digests, in hexadecimal and joined.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { open } from "node:fs/promises";
import { toHex } from "../base/bytes.ts";
import { forEachBounded } from "../base/concurrency.ts";
import { StoreUnavailableError } from "../base/errors.ts";
import { BLOCK_SIZE_MAX } from "../base/limits.ts";
import { type BlockId, parseBlockId } from "../block/block_ref.ts";
import { blake2b256, blake3 } from "../block/digest.ts";
import { bodyPieces, BrokenBodyError } from "./body_pieces.ts";
import type { HubClient } from "./hub_client.ts";
import { SILENCE_MAX_MS } from "./limits.ts";

/** Bytes of each block but the last. */
const BLOCK_SIZE = 1024 * 1024;

/** Blocks that one request asks for: 200 bytes each, where rfs reads 2 MB at most. */
const BLOCKS_A_REQUEST = 1000;

/** Blocks on their way to a file at once, of a megabyte each. */
const AHEAD_MAX = 8;

/** How often a block that broke off is asked for again. */
const BREAKS_MAX = 3;

/** How to move blocks. */
export interface RfsTransferOptions {
  readonly signal?: AbortSignal | undefined;
  /** Told the bytes that are across so far, and all, where that is known. */
  readonly onBytes?: ((bytes: number, total: number) => void) | undefined;
  /** Blocks under way at once. */
  readonly concurrencyMax: number;
}

/** The digests of the blocks of the file at `path`, and its hash. One block is in memory at a time. */
export async function rfsHashOf(
  path: string,
  signal: AbortSignal | undefined,
): Promise<{ readonly hash: string; readonly ids: readonly BlockId[]; readonly size: number }> {
  const file = await open(path);
  try {
    const ids: BlockId[] = [];
    let size = 0;
    for (;;) {
      signal?.throwIfAborted();
      const block = await readAt(file, size, BLOCK_SIZE);
      if (block.length === 0) return { hash: rfsFileHash(ids), ids, size };
      ids.push(parseBlockId(toHex(blake2b256(block))));
      size += block.length;
    }
  } finally {
    await file.close();
  }
}

/**
 * Uploads the blocks of the file at `path` that the hub lacks.
 *
 * @returns The file's hash, and how many bytes had to be sent.
 * @throws {StoreUnavailableError} {StoreDeniedError} {HubError} as every request to a hub.
 */
export async function uploadInBlocks(
  client: HubClient,
  path: string,
  { signal, onBytes, concurrencyMax }: RfsTransferOptions,
): Promise<{ readonly hash: string; readonly sentBytes: number }> {
  const { MissingBlocksAnswer, UploadBlockAnswer } = await import("./messages/mod.ts");
  const task = `upload ${path} to ${client.hub.name}`;
  const { hash, ids, size } = await rfsHashOf(path, signal);
  const missing = new Set<string>();
  for (let at = 0; at < ids.length; at += BLOCKS_A_REQUEST) {
    const blocks = ids.slice(at, at + BLOCKS_A_REQUEST).map((id, index) => ({
      block_hash: id,
      file_hash: hash,
      block_index: at + index,
    }));
    const request = { method: "POST", path: "api/v1/block/verify", json: { blocks } } as const;
    const answer = await client.json(MissingBlocksAnswer, { ...request, task, signal });
    for (const id of answer.missing) missing.add(id);
  }
  const needed = [...ids.entries()].filter(([, id]) => missing.has(id));
  const lengthOf = (index: number): number => Math.min(BLOCK_SIZE, size - index * BLOCK_SIZE);
  const sentBytes = needed.reduce((sum, [index]) => sum + lengthOf(index), 0);
  let across = size - sentBytes;
  onBytes?.(across, size);
  const file = await open(path);
  try {
    await forEachBounded(needed, concurrencyMax, async ([index, id]) => {
      const block = await readAt(file, index * BLOCK_SIZE, BLOCK_SIZE);
      if (!isDigestOf(id, block)) throw new Error(`${path} changed while it was read`);
      const answer = await client.json(UploadBlockAnswer, {
        method: "POST",
        path: `api/v1/block?file_hash=${hash}&idx=${index}`,
        headers: { "Content-Type": "application/octet-stream" },
        body: () => block,
        task,
        signal,
      });
      if (answer.hash !== id) {
        const reason = "the hub keeps a block under another digest";
        throw new StoreUnavailableError(client.hub.name, `Cannot ${task}: ${reason}`);
      }
      onBytes?.(across += block.length, size);
    });
  } finally {
    await file.close();
  }
  return { hash, sentBytes };
}

/**
 * The blocks of the file, or the one block, with that hash; undefined where the hub knows none whose
 * digests come to the hash.
 */
export async function rfsBlocksOf(
  client: HubClient,
  hash: string,
  signal: AbortSignal | undefined,
): Promise<readonly BlockId[] | undefined> {
  const { BlocksOfFileAnswer } = await import("./messages/mod.ts");
  const answer = await client.optionalJson(BlocksOfFileAnswer, {
    method: "GET",
    path: `api/v1/blocks/${hash}`,
    task: `ask ${client.hub.name} for the blocks of ${hash}`,
    accept: [404, 405],
    signal,
  });
  if (answer === undefined) return undefined;
  const blocks = answer.blocks.toSorted(([, left], [, right]) => left - right);
  const ids = blocks.map(([id]) => parseBlockId(id));
  const isWhole = blocks.every(([, index], position) => index === position);
  return isWhole && (ids.length === 1 && ids[0] === hash || rfsFileHash(ids) === hash)
    ? ids
    : undefined;
}

/**
 * Fills `file`, which is open for appending, with these blocks, each checked. What is at its beginning
 * already is kept where it is right.
 */
export async function downloadBlocks(
  client: HubClient,
  ids: readonly BlockId[],
  file: FileHandle,
  { signal, onBytes, concurrencyMax }: RfsTransferOptions,
): Promise<{ readonly size: number; readonly receivedBytes: number }> {
  let size = 0;
  let next = 0;
  for (; next < ids.length; next++) {
    signal?.throwIfAborted();
    const kept = await readAt(file, size, BLOCK_SIZE);
    if (!isDigestOf(ids[next]!, kept)) break;
    size += kept.length;
  }
  await file.truncate(size);
  const keptSize = size;
  const ahead: Promise<Uint8Array>[] = [];
  const fetchNext = (): void => {
    if (next === ids.length) return;
    const block = fetchBlock(client, ids[next++]!, signal);
    // It is waited for in its turn, unless one before it fails.
    block.catch(() => {});
    ahead.push(block);
  };
  for (let count = 0; count < Math.min(concurrencyMax, AHEAD_MAX); count++) fetchNext();
  for (;;) {
    const block = await ahead.shift();
    if (block === undefined) break;
    fetchNext();
    await file.appendFile(block);
    size += block.length;
    onBytes?.(size, Math.max(size, ids.length * BLOCK_SIZE));
  }
  return { size, receivedBytes: size - keptSize };
}

async function fetchBlock(
  client: HubClient,
  id: BlockId,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const task = `get block ${id} from ${client.hub.name}`;
  const unavailable = (reason: string, cause?: unknown): StoreUnavailableError =>
    new StoreUnavailableError(client.hub.name, `Cannot ${task}: ${reason}`, {
      retryable: true,
      hint: "Run the command again: it goes on where it stopped.",
      ...(cause === undefined ? {} : { cause }),
    });
  for (let breaks = 0;;) {
    const response = await client.request({
      method: "GET",
      path: `api/v1/block/${id}`,
      task,
      signal,
    });
    try {
      const pieces: Uint8Array<ArrayBuffer>[] = [];
      let size = 0;
      for await (const piece of bodyPieces(response, { silenceMaxMs: SILENCE_MAX_MS, signal })) {
        size += piece.length;
        if (size > BLOCK_SIZE_MAX) throw unavailable("what comes is larger than any block");
        pieces.push(piece);
      }
      const block = await new Blob(pieces).bytes();
      if (isDigestOf(id, block)) return block;
      throw unavailable("what came is another block");
    } catch (error) {
      if (!(error instanceof BrokenBodyError)) throw error;
      if (++breaks === BREAKS_MAX) throw unavailable(error.message, error);
    }
  }
}

function rfsFileHash(ids: readonly BlockId[]): string {
  const hash = createHash("sha256");
  for (const id of ids) hash.update(id);
  return hash.digest("hex");
}

function isDigestOf(id: BlockId, block: Uint8Array): boolean {
  return block.length > 0 && (toHex(blake2b256(block)) === id || toHex(blake3(block)) === id);
}

/** Up to `sizeMax` bytes from `offset` on: fewer at the end of the file only. */
async function readAt(
  file: FileHandle,
  offset: number,
  sizeMax: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const buffer = new Uint8Array(sizeMax);
  let length = 0;
  while (length < sizeMax) {
    const { bytesRead } = await file.read(buffer, length, sizeMax - length, offset + length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return buffer.subarray(0, length);
}
