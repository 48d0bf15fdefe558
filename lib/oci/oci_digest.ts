/**
 * Digests of container images, and content that is held against them while it streams.
 *
 * @module
 */

import { createHash, type Hash } from "node:crypto";
import type { Bytes } from "../base/bytes.ts";
import { ImageFormatError } from "../base/errors.ts";

declare const digestBrand: unique symbol;

/** A digest as OCI writes it, such as `sha256:` and 64 hexadecimal digits in lower case. */
export type OciDigest = string & { readonly [digestBrand]: true };

const LENGTHS: Readonly<Record<string, number>> = { sha256: 64, sha384: 96, sha512: 128 };

/** `text` as a digest; undefined where it is none, or of an algorithm that is not known. */
export function toOciDigest(text: unknown): OciDigest | undefined {
  if (typeof text !== "string") return undefined;
  const match = /^(sha256|sha384|sha512):([0-9a-f]+)$/.exec(text);
  return match !== null && match[2]!.length === LENGTHS[match[1]!] ? text as OciDigest : undefined;
}

/** The parts of a digest. */
export function splitDigest(digest: OciDigest): { algorithm: string; hex: string } {
  const at = digest.indexOf(":");
  return { algorithm: digest.slice(0, at), hex: digest.slice(at + 1) };
}

/** The SHA-256 digest of `bytes`. */
export function sha256Of(bytes: Uint8Array): OciDigest {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}` as OciDigest;
}

/** What content has to be. */
export interface ExpectedContent {
  readonly digest: OciDigest;
  /** In bytes; undefined where nobody said it. */
  readonly size: number | undefined;
}

/** Holds content against its digest and its size while it goes by. */
export class ContentCheck {
  readonly #reference: string;
  readonly #what: string;
  readonly #expected: ExpectedContent;
  readonly #hash: Hash;
  #size = 0;

  /** @param what Such as "layer": what is named in errors, beside its digest. */
  constructor(reference: string, what: string, expected: ExpectedContent) {
    this.#reference = reference;
    this.#what = what;
    this.#expected = expected;
    this.#hash = createHash(splitDigest(expected.digest).algorithm);
  }

  /** How many bytes have gone by. */
  get size(): number {
    return this.#size;
  }

  /** Takes the next bytes. @throws {ImageFormatError} when there are more than there may be. */
  add(bytes: Uint8Array): void {
    this.#size += bytes.length;
    const { digest, size } = this.#expected;
    if (size !== undefined && this.#size > size) {
      throw this.#refuse(`${digest} has more than its ${size} bytes`);
    }
    this.#hash.update(bytes);
  }

  /** Says that all has gone by. @throws {ImageFormatError} when it is not what it has to be. */
  end(): void {
    const { digest, size } = this.#expected;
    if (size !== undefined && this.#size !== size) {
      throw this.#refuse(`${digest} ends after ${this.#size} of ${size} bytes`);
    }
    const found = this.#hash.digest("hex");
    if (found !== splitDigest(digest).hex) {
      throw this.#refuse(`${digest} has other content, of digest ${found}`);
    }
  }

  #refuse(reason: string): ImageFormatError {
    return new ImageFormatError(this.#reference, `${this.#what} ${reason}`, {
      hint: "It was damaged on the way or where it is kept: try again, or another source.",
    });
  }
}

/** Hands on `content` piece by piece and holds it against what it has to be. */
export async function* checkedContent(
  reference: string,
  what: string,
  expected: ExpectedContent,
  content: AsyncIterable<Bytes>,
): AsyncGenerator<Bytes, void> {
  const check = new ContentCheck(reference, what, expected);
  for await (const piece of content) {
    check.add(piece);
    yield piece;
  }
  check.end();
}

/** Refuses `bytes` that are not what they have to be. @throws {ImageFormatError} */
export function checkContent(
  reference: string,
  what: string,
  expected: ExpectedContent,
  bytes: Uint8Array,
): void {
  const check = new ContentCheck(reference, what, expected);
  check.add(bytes);
  check.end();
}
