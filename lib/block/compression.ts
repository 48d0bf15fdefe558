/**
 * Compression: zstd (RFC 8878) for the `myfs` profile, raw Snappy (google/snappy,
 * `format_description.txt`) for the `rfs` profile.
 *
 * zstd compresses by `node:zlib` everywhere, because which bytes come out depends on the version of
 * the library, and the runtime brings its own: so the same chunk becomes the same block on every
 * machine. What comes out of decompression depends on no version; there the system's libzstd, where
 * it exists, works straight into the array of the caller.
 *
 * Foreign data is never trusted: nothing here allocates more or writes further than the size of
 * content that the caller expects.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import type { ZstdOptions } from "node:zlib";
// Deferred: only the rfs profile needs it, and its loader asks for permissions.
import defer * as snappy from "snappy";
import { builtIn } from "../base/built_in.ts";
import type { Bytes } from "../base/bytes.ts";
import { UnsupportedError } from "../base/errors.ts";
import { type Backend, openNativeLibrary } from "./native_library.ts";
import { zstdFrameFault } from "./zstd_frame.ts";

/** Level of zstd that is used where none is asked for. */
export const ZSTD_LEVEL_DEFAULT = 3;

/** Lowest level of zstd that can be asked for: the fastest. */
export const ZSTD_LEVEL_MIN = 1;

/** Highest level of zstd that can be asked for: the smallest, and slower by a factor of 100. */
export const ZSTD_LEVEL_MAX = 22;

/**
 * One zstd frame of `bytes` that tells the size of its content and has no checksum.
 *
 * @param level {@link ZSTD_LEVEL_MIN} to {@link ZSTD_LEVEL_MAX}.
 */
export function compressZstd(bytes: Uint8Array, level: number): Uint8Array {
  const { constants, zstdCompressSync } = builtIn("node:zlib");
  const options: ZstdOptions & { readonly pledgedSrcSize: number } = {
    params: { [constants.ZSTD_c_compressionLevel]: level },
    // Makes zstd write the size into the frame, and choose its parameters by it.
    pledgedSrcSize: bytes.length,
    // The frame must fit into the first piece of output and leave room: where a piece is filled,
    // Deno 2.9 asks zstd for more and so appends an empty frame.
    chunkSize: zstdSizeMax(bytes.length) + 1,
  };
  return zstdCompressSync(bytes, options);
}

/** Longest frame of `size` bytes (zstd.h, `ZSTD_COMPRESSBOUND`). */
function zstdSizeMax(size: number): number {
  const smallMargin = Math.max(0, 128 * 1024 - size) >> 11;
  return size + (size >> 8) + smallMargin;
}

/**
 * Decompresses `frame` into `target` and fills it. Gives undefined, or where `frame` is not one zstd
 * frame of exactly `target.length` bytes, what is wrong with it, as the end of a sentence; `target`
 * may then hold anything.
 */
export type ZstdDecompressor = (frame: Uint8Array, target: Uint8Array) => string | undefined;

/** The name of the system's library for zstd. */
export const ZSTD_LIBRARY = "libzstd.so.1";

const libzstd = openNativeLibrary(ZSTD_LIBRARY, {
  ZSTD_estimateDCtxSize: { parameters: [], result: "usize" },
  ZSTD_initStaticDCtx: { parameters: ["buffer", "usize"], result: "pointer" },
  ZSTD_decompressDCtx: {
    parameters: ["pointer", "buffer", "usize", "buffer", "usize"],
    result: "usize",
  },
});

/** Whether the system has libzstd. */
export const hasNativeZstd: boolean = libzstd !== undefined;

/**
 * The decompressor of `backend`, by default the native one where it exists.
 *
 * @throws {UnsupportedError} when the native one is asked for and does not exist.
 */
export function zstdDecompressor(backend?: Backend): ZstdDecompressor {
  if (backend === "native" && !hasNativeZstd) {
    throw new UnsupportedError(`Cannot use the native zstd: ${ZSTD_LIBRARY} could not be opened`);
  }
  return backend === "portable" || !hasNativeZstd ? decompressPortably : decompressNatively;
}

function decompressPortably(frame: Uint8Array, target: Uint8Array): string | undefined {
  const fault = zstdFrameFault(frame, target.length);
  if (fault !== undefined) return fault;
  let content: Uint8Array;
  try {
    content = builtIn("node:zlib").zstdDecompressSync(frame, {
      chunkSize: Math.max(1024, target.length),
      maxOutputLength: target.length,
    });
  } catch {
    return "its zstd frame cannot be decompressed";
  }
  if (content.length !== target.length) return "its zstd frame stops short";
  target.set(content);
  return undefined;
}

function decompressNatively(frame: Uint8Array, target: Uint8Array): string | undefined {
  const fault = zstdFrameFault(frame, target.length);
  if (fault !== undefined) return fault;
  const written = libzstd!.ZSTD_decompressDCtx(
    nativeContext(),
    target,
    BigInt(target.byteLength),
    frame,
    BigInt(frame.byteLength),
  );
  // Errors are numbers close to 2^64.
  return written === BigInt(target.length) ? undefined : "its zstd frame cannot be decompressed";
}

/** Memory of this thread's decompression context, and the context inside of it. */
let context: { readonly memory: Bytes; readonly pointer: Deno.PointerValue } | undefined;

/**
 * This thread's decompression context. It lives in an array rather than in memory that libzstd
 * allocates, so that it goes when the thread does: threads come and go with every task.
 */
function nativeContext(): Deno.PointerValue {
  if (context === undefined) {
    const size = libzstd!.ZSTD_estimateDCtxSize();
    const memory = new Uint8Array(Number(size));
    const pointer = libzstd!.ZSTD_initStaticDCtx(memory, size);
    if (pointer === null) throw new UnsupportedError("Cannot set up zstd: no context was made");
    context = { memory, pointer };
  }
  return context.pointer;
}

/** Longest raw Snappy form of `size` bytes, as the format's encoders promise. */
export function snappySizeMax(size: number): number {
  return 32 + size + Math.floor(size / 6);
}

/** The raw Snappy form of `bytes`: their length as a varint, and the elements; no frame. */
export function compressSnappy(bytes: Uint8Array): Uint8Array {
  return snappy.compressSync(bytes, snappyOptions);
}

/**
 * The `size` bytes of content of the raw Snappy form `data`, or undefined where it is damaged or
 * holds another number of bytes. The caller owns the array.
 */
export function decompressSnappy(data: Uint8Array, size: number): Bytes | undefined {
  // The decoder allocates what the preamble claims, so the claim is checked first.
  if (snappyContentSize(data) !== size) return undefined;
  try {
    const content = snappy.uncompressSync(data, snappyOptions) as Buffer<ArrayBuffer>;
    // A plain array, because methods of Buffer such as `slice` mean something else.
    return new Uint8Array(content.buffer, content.byteOffset, content.byteLength);
  } catch {
    return undefined;
  }
}

/** Without this the library hands out memory in a way that costs four fifths of the speed. */
const snappyOptions = { copyOutputData: true } as const;

/** The length that the preamble of raw Snappy data claims: a varint of at most 32 bits. */
function snappyContentSize(data: Uint8Array): number | undefined {
  let size = 0;
  for (let i = 0; i < 5; i++) {
    const byte = data[i];
    if (byte === undefined) return undefined;
    size += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return size < 2 ** 32 ? size : undefined;
  }
  return undefined;
}
