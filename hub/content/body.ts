/**
 * Reading the body of a request, in bounded memory.
 *
 * @module
 */

import { HubProblem } from "../../lib/hub_api/problem.ts";

/** The most bytes of one block: the library's bound, 16 MiB and the envelope of its encryption. */
export const BLOCK_BYTES_MAX = 16 * 2 ** 20 + 1024;

/**
 * A body of at most `sizeMax` bytes, whole.
 *
 * @throws {HubProblem} 413 when it is longer; the rest is not read.
 */
export async function readBody(
  body: ReadableStream<Uint8Array> | null,
  sizeMax: number,
  declared?: number,
): Promise<Uint8Array<ArrayBuffer>> {
  if (declared !== undefined && declared > sizeMax) throw tooLarge(sizeMax);
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of body ?? []) {
    size += piece.length;
    if (size > sizeMax) throw tooLarge(sizeMax);
    pieces.push(piece);
  }
  const [only] = pieces;
  if (pieces.length === 1) return only as Uint8Array<ArrayBuffer>;
  const whole = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** A body as pieces of `size` bytes, the last of which may be shorter. Each is the consumer's. */
export async function* cutBody(
  body: AsyncIterable<Uint8Array>,
  size: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
  let piece = new Uint8Array(size);
  let length = 0;
  for await (const bytes of body) {
    for (let at = 0; at < bytes.length;) {
      const part = bytes.subarray(at, at + size - length);
      piece.set(part, length);
      length += part.length;
      at += part.length;
      if (length < size) continue;
      yield piece;
      piece = new Uint8Array(size);
      length = 0;
    }
  }
  if (length > 0) yield piece.slice(0, length);
}

/** The length that a request says its body has, where it does. */
export function declaredLength(header: string | undefined): number | undefined {
  return header !== undefined && /^\d{1,15}$/.test(header) ? Number(header) : undefined;
}

/** The problem of a body that is too large. */
export function tooLarge(sizeMax: number): HubProblem {
  return new HubProblem(413, "too_large", "The body is too large", `At most ${sizeMax} bytes`);
}
