/**
 * Reads the outline of a zstd frame (RFC 8878, section 3.1.1) without decompressing anything.
 *
 * Decoders accept more than a block may hold: several frames, skippable frames, old formats,
 * dictionaries, windows of any size, and some take a frame that stops short for a whole one. What
 * passes here is one whole frame of the size that is expected, which every decoder reads in memory
 * that is bounded by that size.
 *
 * @module
 */

import { CHUNK_SIZE_MAX } from "../base/limits.ts";

/** First four bytes of a frame, as a little-endian number. */
const MAGIC = 0xfd2fb528;

/** Length of the header of a block inside of a frame. */
const BLOCK_HEADER_SIZE = 3;

/** Largest block inside of a frame, and so the largest that one may claim to become. */
const FRAME_BLOCK_SIZE_MAX = 128 * 1024;

/** Largest window: what a decoder must be ready to hold for any chunk anyway. */
const WINDOW_SIZE_MAX = CHUNK_SIZE_MAX;

/** Number of bytes of the dictionary id, by the two bits that announce it. */
const DICTIONARY_ID_SIZES = [0, 1, 2, 4] as const;

/**
 * What is wrong with `frame` as the only zstd frame of `contentSize` bytes of content, as the end of
 * a sentence about it, or undefined where nothing is. That its content can be decompressed is not
 * said by that.
 */
export function zstdFrameFault(frame: Uint8Array, contentSize: number): string | undefined {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (frame.length < 5 || view.getUint32(0, true) !== MAGIC) return "it is not a zstd frame";
  const descriptor = frame[4]!;
  const singleSegment = (descriptor & 0x20) !== 0;
  const hasChecksum = (descriptor & 0x04) !== 0;
  if ((descriptor & 0x08) !== 0) return "its zstd frame is of an unknown kind";

  const windowAt = 5;
  const dictionaryAt = windowAt + (singleSegment ? 0 : 1);
  const sizeAt = dictionaryAt + DICTIONARY_ID_SIZES[(descriptor & 0x03) as 0 | 1 | 2 | 3];
  const sizeBytes = sizeFieldLength(descriptor >> 6, singleSegment);
  const blocksAt = sizeAt + sizeBytes;
  if (frame.length < blocksAt) return "its zstd frame stops short";
  if (sizeAt !== dictionaryAt) return "its zstd frame wants a dictionary";
  if (!singleSegment && windowSize(frame[windowAt]!) > WINDOW_SIZE_MAX) {
    return "its zstd frame wants too large a window";
  }
  if (sizeBytes === 0) return "its zstd frame does not tell the size of its content";
  const claimed = readContentSize(view, sizeAt, sizeBytes);
  if (claimed !== contentSize) {
    return `its zstd frame claims ${claimed} bytes of content instead of ${contentSize}`;
  }

  const end = endOfBlocks(frame, blocksAt);
  if (end === undefined) return "its zstd frame stops short or has a damaged block";
  if (end + (hasChecksum ? 4 : 0) !== frame.length) {
    return "its zstd frame does not end where the data ends";
  }
  return undefined;
}

/** Length of the field that holds the content's size. */
function sizeFieldLength(flag: number, singleSegment: boolean): number {
  return flag === 0 ? (singleSegment ? 1 : 0) : 1 << flag;
}

/** The content's size, exact below 2^53, and above so large that it equals no size we ask for. */
function readContentSize(view: DataView, at: number, length: number): number {
  if (length === 1) return view.getUint8(at);
  if (length === 2) return view.getUint16(at, true) + 256;
  if (length === 4) return view.getUint32(at, true);
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
}

/** Bytes of the window that the window descriptor `byte` asks for. */
function windowSize(byte: number): number {
  const base = 2 ** (10 + (byte >> 3));
  return base + (base / 8) * (byte & 7);
}

/** Where the last block of a frame ends, or undefined where the blocks make no sense. */
function endOfBlocks(frame: Uint8Array, blocksAt: number): number | undefined {
  for (let at = blocksAt;;) {
    if (at + BLOCK_HEADER_SIZE > frame.length) return undefined;
    const header = frame[at]! | (frame[at + 1]! << 8) | (frame[at + 2]! << 16);
    const isLast = (header & 1) !== 0;
    const type = (header >> 1) & 3;
    const size = header >> 3;
    if (type === 3 || size > FRAME_BLOCK_SIZE_MAX) return undefined;
    // Type 1 is a run: one byte that stands for `size` of them.
    at += BLOCK_HEADER_SIZE + (type === 1 ? 1 : size);
    if (at > frame.length) return undefined;
    if (isLast) return at;
  }
}
