/**
 * The names of blocks: what finds one, and what opens it.
 *
 * @module
 */

import { type Bytes, equalBytes, fromHex, toHex } from "../base/bytes.ts";

/** Length of a {@link BlockId} and of a {@link BlockKey} in bytes. */
export const DIGEST_SIZE = 32;

/**
 * Digest of a block, as 64 lower-case hexadecimal digits: the block's name in every store. It tells
 * nothing about the content that helps to open it. The brand is for the compiler only.
 */
export type BlockId = string & { readonly blockIdBrand: true };

const blockIdPattern = /^[0-9a-f]{64}$/;

/**
 * The block id that `text` spells.
 *
 * @throws {SyntaxError} when `text` is not 64 lower-case hexadecimal digits.
 */
export function parseBlockId(text: string): BlockId {
  if (!blockIdPattern.test(text)) {
    const shown = text.length > 80 ? `${text.slice(0, 80)}…` : text;
    throw new SyntaxError(
      `Cannot read ${JSON.stringify(shown)} as a block id: ` +
        "it is not 64 lower-case hexadecimal digits",
    );
  }
  return text as BlockId;
}

/**
 * The block id that is `bytes`.
 *
 * @throws {RangeError} when there are not 32 of them.
 */
export function blockIdFromBytes(bytes: Uint8Array): BlockId {
  if (bytes.length !== DIGEST_SIZE) {
    throw new RangeError(
      `Cannot make a block id of ${bytes.length} bytes: it has ${DIGEST_SIZE}`,
    );
  }
  return toHex(bytes) as BlockId;
}

/** The 32 bytes that `id` spells, in a new array. */
export function blockIdBytes(id: BlockId): Bytes {
  return fromHex(id);
}

/**
 * What opens a block: 32 secret bytes, the digest of the chunk. It prints and serialises as
 * redacted, so that it does not end up in a log by accident. For the same reason it does not
 * survive a structured clone: post {@link toBytes} to another thread.
 */
export class BlockKey {
  readonly #bytes: Bytes;

  private constructor(bytes: Bytes) {
    this.#bytes = bytes;
  }

  /**
   * The key that is a copy of `bytes`.
   *
   * @throws {RangeError} when there are not 32 of them.
   */
  static fromBytes(bytes: Uint8Array): BlockKey {
    if (bytes.length !== DIGEST_SIZE) {
      throw new RangeError(
        `Cannot make a block key of ${bytes.length} bytes: it has ${DIGEST_SIZE}`,
      );
    }
    return new BlockKey(new Uint8Array(bytes));
  }

  /** The secret bytes, in a new array. */
  toBytes(): Bytes {
    return this.#bytes.slice();
  }

  /** Whether both keys are the same bytes. */
  equals(other: BlockKey): boolean {
    return equalBytes(this.#bytes, other.#bytes);
  }

  /** Says only that this is a key. */
  toString(): string {
    return "BlockKey(redacted)";
  }

  /** Says only that this is a key. */
  toJSON(): string {
    return this.toString();
  }

  /** What `console.log` and `Deno.inspect` show. */
  [Symbol.for("Deno.customInspect")](): string {
    return this.toString();
  }

  /** What `node:util` shows. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}

/** All that a flist knows of a block. */
export interface BlockRef {
  /** What finds it. */
  readonly id: BlockId;
  /** What opens it. */
  readonly key: BlockKey;
  /** Bytes in the chunk: 1 to `CHUNK_SIZE_MAX`. */
  readonly size: number;
  /** Bytes in the block, where it is known: flists of the `rfs` profile do not record it. */
  readonly storedSize?: number;
}

/** A block on its way to a store. */
export interface SealedBlock {
  /** Names of the block, with `storedSize`. */
  readonly ref: BlockRef & { readonly storedSize: number };
  /** The block's bytes. */
  readonly block: Bytes;
}
