/**
 * The plain bytes of a stream that may be compressed: gzip of any number of members, zstd of any
 * number of frames, or neither, as its first bytes tell.
 *
 * @module
 */

import type { Transform } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { concatBytes, releaseBytes } from "../../base/bytes.ts";
import { ArchiveFormatError, LimitExceededError } from "../../base/errors.ts";
import { ZstdFrames } from "./zstd_frames.ts";

/** Bounds on what a compressed stream may come to. */
export interface PlainLimits {
  /** Most bytes without compression. */
  readonly plainBytesMax: number;
  /** Most bytes without compression for one of the stream, beyond the first GiB. */
  readonly ratioMax: number;
}

/** How to decompress. */
export interface DecompressOptions extends PlainLimits {
  /** What the stream is called in messages, escaped for display. */
  readonly name: string;
}

/** How a stream is compressed. */
export type Compression = "gzip" | "zstd" | "none";

/** A ratio says nothing about short streams: a few bytes of zeros have any. */
const RATIO_COUNTS_FROM = 1024 ** 3;

/** Bytes that a decoder gives at a time. */
const PIECE_SIZE = 256 * 1024;

const MAGIC_SIZE = 6;

/** How a stream that begins with `bytes` is compressed; undefined where in a way that is not known. */
export function compressionOf(bytes: Uint8Array): Compression | undefined {
  const begins = (...magic: number[]): boolean => magic.every((byte, i) => bytes[i] === byte);
  if (begins(0x1f, 0x8b)) return "gzip";
  if (begins(0x28, 0xb5, 0x2f, 0xfd)) return "zstd";
  if (bytes[0]! >= 0x50 && bytes[0]! <= 0x5f && bytes[1] === 0x2a && bytes[2] === 0x4d) {
    if (bytes[3] === 0x18) return "zstd";
  }
  const isOther = begins(0x42, 0x5a, 0x68) || begins(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0) ||
    begins(0x04, 0x22, 0x4d, 0x18) || begins(0x1f, 0x9d) || begins(0x50, 0x4b, 3, 4);
  return isOther ? undefined : "none";
}

/**
 * The plain bytes of `source`, piece by piece. What is in memory at a time does not depend on the
 * stream. Ending the iteration early lets go of the source.
 *
 * @throws {ArchiveFormatError} when the stream is damaged, ends early, has something else behind it,
 *   or is compressed in another way.
 * @throws {LimitExceededError} when it comes to more than the limits allow.
 */
export async function* decompress(
  source: AsyncIterable<Uint8Array>,
  options: DecompressOptions,
): AsyncGenerator<Uint8Array> {
  const input = new CountedInput(source);
  try {
    const start = await input.start(MAGIC_SIZE);
    const compression = compressionOf(start);
    if (compression === undefined) {
      throw new ArchiveFormatError(
        options.name,
        "it is compressed in a way that is not understood: only gzip and zstd are",
        {
          hint:
            "Let a program that knows it decompress it, such as: xz -dc tree.tar.xz | myfs pack … -",
        },
      );
    }
    const plain = compression === "none"
      ? input
      : compression === "gzip"
      ? gunzip(input, options.name)
      : unzstd(input, options.name);
    let size = 0;
    for await (const piece of plain) {
      size += piece.length;
      checkSize(size, input.count, options);
      yield piece;
    }
  } finally {
    await input.close();
  }
}

function checkSize(size: number, compressed: number, options: DecompressOptions): void {
  const { name, plainBytesMax, ratioMax } = options;
  if (size > plainBytesMax) {
    throw new LimitExceededError(
      `Cannot read ${name}: it comes to more than ${plainBytesMax} bytes`,
      { hint: "If it is meant to, raise the limit with --plain-bytes-max." },
    );
  }
  if (size > RATIO_COUNTS_FROM && size > compressed * ratioMax) {
    throw new LimitExceededError(
      `Cannot read ${name}: each of its bytes comes to more than ${ratioMax} without compression`,
      { hint: "If it is no attack, raise the limit with --ratio-max." },
    );
  }
}

/** A source whose first bytes can be looked at, and that counts what it gave. */
class CountedInput implements AsyncIterable<Uint8Array> {
  readonly #source: AsyncIterator<Uint8Array>;
  #start: Uint8Array | undefined;
  count = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** The first bytes, at least `length` where there are so many. */
  async start(length: number): Promise<Uint8Array> {
    let start: Uint8Array = new Uint8Array(0);
    while (start.length < length) {
      const next = await this.#source.next();
      if (next.done === true) break;
      start = start.length === 0 ? next.value : concatBytes([start, next.value]);
    }
    this.#start = start;
    return start;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    const start = this.#start ?? new Uint8Array(0);
    this.#start = undefined;
    this.count += start.length;
    if (start.length > 0) yield start;
    for (let next = await this.#source.next(); !next.done; next = await this.#source.next()) {
      this.count += next.value.length;
      if (next.value.length > 0) yield next.value;
    }
  }

  async close(): Promise<void> {
    await this.#source.return?.();
  }
}

async function* gunzip(
  input: AsyncIterable<Uint8Array>,
  name: string,
): AsyncGenerator<Uint8Array> {
  yield* decoded(createGunzip({ chunkSize: PIECE_SIZE }), input, name);
}

/** Runs `input` through a decoder. */
async function* decoded(
  decoder: Transform,
  input: AsyncIterable<Uint8Array>,
  name: string,
): AsyncGenerator<Uint8Array> {
  const source: { failure?: { error: unknown } } = {};
  const feeding = (async () => {
    try {
      for await (const piece of input) {
        if (decoder.destroyed) return;
        if (!decoder.write(piece)) await writable(decoder);
      }
      decoder.end();
    } catch (error) {
      source.failure = { error };
      decoder.destroy(new Error("The source has failed"));
    }
  })();
  try {
    for await (const { buffer, byteOffset, length } of decoder as AsyncIterable<Uint8Array>) {
      // No Buffer of node's, whose slice() is no copy.
      const piece = new Uint8Array(buffer, byteOffset, length);
      yield piece;
      // The decoder cuts pieces from a buffer; with the last of them it takes another one.
      if (byteOffset + length === buffer.byteLength) releaseBytes(piece);
    }
  } catch (error) {
    throw source.failure === undefined ? decodeFault(name, error) : source.failure.error;
  } finally {
    decoder.destroy();
    await feeding;
  }
}

/** Waits until a decoder takes more, or is gone. */
function writable(decoder: Transform): Promise<void> {
  if (decoder.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      decoder.off("drain", done);
      decoder.off("close", done);
      resolve();
    };
    decoder.on("drain", done);
    decoder.on("close", done);
  });
}

async function* unzstd(
  input: AsyncIterable<Uint8Array>,
  name: string,
): AsyncGenerator<Uint8Array> {
  // Frames are found as input comes; each has a decoder of its own.
  const queue: { bytes: Uint8Array; isEnd: boolean }[] = [];
  const frames = new ZstdFrames({
    onFrame: (bytes, isEnd) => {
      queue.push({ bytes, isEnd });
    },
  });
  const source = input[Symbol.asyncIterator]();
  const more = async (): Promise<boolean> => {
    while (queue.length === 0) {
      const next = await source.next();
      if (next.done === true) {
        if (!frames.isBetweenFrames) {
          throw new ArchiveFormatError(name, "it ends in the middle of its compressed data");
        }
        return false;
      }
      try {
        await frames.write(next.value);
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
        throw new ArchiveFormatError(name, `its compressed data is damaged: ${error.message}`);
      }
    }
    return true;
  };
  const frame = async function* (): AsyncGenerator<Uint8Array> {
    while (await more()) {
      const { bytes, isEnd } = queue.shift()!;
      if (bytes.length > 0) yield bytes;
      if (isEnd) return;
    }
  };
  while (await more()) {
    yield* decoded(createZstdDecompress({ chunkSize: PIECE_SIZE }), frame(), name);
  }
}

function decodeFault(name: string, error: unknown): ArchiveFormatError {
  const { code, message } = error as { readonly code?: string; readonly message?: string };
  const reason = code === "Z_BUF_ERROR"
    ? "it ends in the middle of its compressed data"
    : `its compressed data is damaged: ${message ?? String(error)}`;
  return new ArchiveFormatError(name, reason);
}
