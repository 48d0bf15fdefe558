/**
 * Small helpers on byte arrays.
 *
 * @module
 */

/** Bytes that own a plain `ArrayBuffer`, as the Web APIs and FFI want them. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** Lower-case hexadecimal text of `bytes`. */
export function toHex(bytes: Uint8Array): string {
  return bytes.toHex();
}

/**
 * Bytes of hexadecimal `text`, upper or lower case.
 *
 * @throws {SyntaxError} when `text` is not hexadecimal or has an odd length.
 */
export function fromHex(text: string): Bytes {
  return Uint8Array.fromHex(text);
}

/** One array with the contents of `parts` in order. */
export function concatBytes(parts: readonly Uint8Array[]): Bytes {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Smaller buffers are left to the garbage collector by {@link releaseBytes}. */
const RELEASED_SIZE_MIN = 16 * 1024;

/**
 * Gives the memory under `bytes` back at once, and with it that of every other view of the same
 * buffer: all of them are empty from then on. For arrays of about a chunk's size that are made by
 * the thousand. Left to the garbage collector, which does not see how large they are, they come to a
 * hundred megabytes, and each new one is made of pages that the system has to clear.
 *
 * Small buffers stay as they are: they are not worth the call, and node's own may be parts of a pool
 * that others share.
 */
export function releaseBytes({ buffer }: Uint8Array<ArrayBufferLike>): void {
  if (!(buffer instanceof ArrayBuffer) || buffer.byteLength < RELEASED_SIZE_MIN) return;
  // Moves the memory to a new buffer of the length asked for (ECMA-262, 25.1.6.13).
  buffer.transfer(0);
}

/** Whether both arrays hold the same bytes. Not constant-time: for data, not for secrets. */
export function equalBytes(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false;
  for (let i = 0; i < left.length; i++) if (left[i] !== right[i]) return false;
  return true;
}

/** Order of two arrays by their bytes, as `memcmp`: negative, zero or positive. */
export function compareBytes(left: Uint8Array, right: Uint8Array): number {
  const length = Math.min(left.length, right.length);
  for (let i = 0; i < length; i++) {
    const difference = left[i]! - right[i]!;
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}
