/**
 * Many blocks in one body, of the media type {@link BLOCK_STREAM_MEDIA_TYPE}: one frame after the
 * other, each of the block's id (32 bytes), the length of the block (unsigned, 4 bytes, big endian)
 * and the block. A download says of a block that is not there that its length is 0xFFFFFFFF, and no
 * bytes follow. The body ends with the last frame; there is nothing in front of the first.
 *
 * @module
 */

import type { Bytes } from "../base/bytes.ts";
import { BLOCK_SIZE_MAX } from "../base/limits.ts";
import { type BlockId, blockIdBytes, blockIdFromBytes } from "../block/block_ref.ts";

/** Media type of a stream of blocks. */
export const BLOCK_STREAM_MEDIA_TYPE = "application/vnd.myfs.blocks";

/** Bytes in front of each block: id and length. */
export const BLOCK_FRAME_HEAD_SIZE = 36;

/** The length that says that a block is not there. */
const ABSENT = 0xffff_ffff;

/** A block of a stream, or the news that it is not there. */
export interface StreamedBlock {
  /** The id it was sent under; nobody has checked it. */
  readonly id: BlockId;
  /** The reader's own; undefined where the sender does not have the block. */
  readonly block: Bytes | undefined;
}

/** A stream is not what a stream of blocks is. */
export class BlockStreamError extends Error {
  /** Name of the class. */
  override readonly name = "BlockStreamError";
  /** Whether it is only too long, of itself or of one block. */
  readonly isTooLarge: boolean;

  /** Makes the error. */
  constructor(message: string, isTooLarge: boolean = false) {
    super(message);
    this.isTooLarge = isTooLarge;
  }
}

/** What a reader accepts. */
export interface ReadBlockStreamOptions {
  /** The most frames. @default {no limit} */
  readonly blockCountMax?: number;
  /** The most bytes a block. @default {the most that a block may have} */
  readonly blockSizeMax?: number;
  /** Whether the sender may say that a block is not there. @default {false} */
  readonly mayBeAbsent?: boolean;
}

/** The 36 bytes in front of a block, or those that say that it is not there. */
export function blockFrameHead(id: BlockId, sizeBytes: number | undefined): Bytes {
  const head = new Uint8Array(BLOCK_FRAME_HEAD_SIZE);
  writeBlockFrameHead(head, 0, id, sizeBytes);
  return head;
}

/** As {@link blockFrameHead}, into `target` at `offset`. */
export function writeBlockFrameHead(
  target: Uint8Array,
  offset: number,
  id: BlockId,
  sizeBytes: number | undefined,
): void {
  const size = sizeBytes ?? ABSENT;
  target.set(blockIdBytes(id), offset);
  target[offset + 32] = size >>> 24;
  target[offset + 33] = size >>> 16;
  target[offset + 34] = size >>> 8;
  target[offset + 35] = size;
}

/** A whole stream of blocks that are in memory already: it does not need them any more. */
export function joinBlockStream(
  blocks: readonly { readonly id: BlockId; readonly block: Uint8Array }[],
): Bytes {
  const size = blocks.reduce((sum, { block }) => sum + BLOCK_FRAME_HEAD_SIZE + block.length, 0);
  const stream = new Uint8Array(size);
  let at = 0;
  for (const { id, block } of blocks) {
    writeBlockFrameHead(stream, at, id, block.length);
    stream.set(block, at + BLOCK_FRAME_HEAD_SIZE);
    at += BLOCK_FRAME_HEAD_SIZE + block.length;
  }
  return stream;
}

/** Small frames are joined to pieces of this size, so that each costs less than a write. */
const PIECE_SIZE = 64 * 1024;

/**
 * The bytes of a stream. Blocks larger than a piece are passed on as they are; they must stay
 * unchanged until they are consumed. A consumer that breaks off releases the source.
 */
export async function* writeBlockStream(
  blocks:
    | AsyncIterable<{ readonly id: BlockId; readonly block: Uint8Array | undefined }>
    | Iterable<{ readonly id: BlockId; readonly block: Uint8Array | undefined }>,
): AsyncGenerator<Uint8Array, void, void> {
  let piece = new Uint8Array(PIECE_SIZE);
  let length = 0;
  for await (const { id, block } of blocks) {
    const size = block?.length ?? 0;
    if (length + BLOCK_FRAME_HEAD_SIZE > PIECE_SIZE) {
      yield piece.subarray(0, length);
      piece = new Uint8Array(PIECE_SIZE);
      length = 0;
    }
    writeBlockFrameHead(piece, length, id, block?.length);
    length += BLOCK_FRAME_HEAD_SIZE;
    if (block === undefined) continue;
    if (length + size <= PIECE_SIZE) {
      piece.set(block, length);
      length += size;
      continue;
    }
    yield piece.subarray(0, length);
    piece = new Uint8Array(PIECE_SIZE);
    length = 0;
    yield block;
  }
  if (length > 0) yield piece.subarray(0, length);
}

/**
 * Reads a stream, one block in memory at a time. That the ids are those of the blocks is for the
 * caller to check. A consumer that breaks off releases the source.
 *
 * @throws {BlockStreamError} when the stream breaks off within a frame, or is larger than allowed.
 */
export async function* readBlockStream(
  source: AsyncIterable<Uint8Array>,
  options: ReadBlockStreamOptions = {},
): AsyncGenerator<StreamedBlock, void, void> {
  const { blockCountMax = Infinity, blockSizeMax = BLOCK_SIZE_MAX, mayBeAbsent = false } = options;
  const head = new Uint8Array(BLOCK_FRAME_HEAD_SIZE);
  const view = new DataView(head.buffer);
  let headLength = 0;
  let block: Bytes | undefined;
  let blockLength = 0;
  let count = 0;
  for await (const piece of source) {
    for (let at = 0; at < piece.length;) {
      if (block === undefined) {
        const part = piece.subarray(at, at + BLOCK_FRAME_HEAD_SIZE - headLength);
        head.set(part, headLength);
        headLength += part.length;
        at += part.length;
        if (headLength < BLOCK_FRAME_HEAD_SIZE) break;
        if (++count > blockCountMax) {
          throw new BlockStreamError(`it has more than ${blockCountMax} blocks`, true);
        }
        const size = view.getUint32(32);
        if (size === ABSENT && mayBeAbsent) {
          headLength = 0;
          yield { id: blockIdFromBytes(head.slice(0, 32)), block: undefined };
          continue;
        }
        if (size > blockSizeMax) {
          throw new BlockStreamError(`block ${count} is larger than ${blockSizeMax} bytes`, true);
        }
        block = new Uint8Array(size);
        blockLength = 0;
      }
      const part = piece.subarray(at, at + block.length - blockLength);
      block.set(part, blockLength);
      blockLength += part.length;
      at += part.length;
      if (blockLength < block.length) break;
      const whole = { id: blockIdFromBytes(head.slice(0, 32)), block };
      headLength = 0;
      block = undefined;
      yield whole;
    }
  }
  if (headLength > 0) throw new BlockStreamError(`it breaks off within block ${count + 1}`);
}
