/**
 * Names as C wants them: bytes that end with NUL, in scratch buffers that calls reuse.
 *
 * @module
 */

import { type Bytes, concatBytes } from "../base/bytes.ts";
import { encodeByteString } from "../base/byte_string.ts";

const encoder = new TextEncoder();
const NUL = new Uint8Array(1);
const SCRATCH_SIZE = 8192;

/** One reusable buffer for a C string. A call that takes two strings needs two of them. */
export class CString {
  readonly #scratch: Bytes = new Uint8Array(SCRATCH_SIZE);

  /**
   * The bytes of `text` (a byte string) and a final NUL, valid until the next call of `of` on this
   * object.
   *
   * @throws {RangeError} when `text` itself holds a NUL, which would cut it short unseen.
   */
  of(text: string): Bytes {
    if (text.includes("\0")) throw new RangeError("Cannot pass a name that holds a NUL byte");
    if (text.length * 3 < SCRATCH_SIZE && text.isWellFormed()) {
      const { written } = encoder.encodeInto(text, this.#scratch);
      this.#scratch[written] = 0;
      return this.#scratch;
    }
    return concatBytes([encodeByteString(text), NUL]);
  }
}

/** The empty C string, which means "the descriptor itself" to calls with AT_EMPTY_PATH. */
export const EMPTY_C_STRING: Bytes = NUL;
