/**
 * Secrets that the hub hands out, and what it keeps of them.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

/** A new secret: 32 random bytes, in base64url. */
export function newSecret(): string {
  return randomBytes(32).toString("base64url");
}

/** A new id, which is no secret: 12 random bytes in hexadecimal. */
export function newId(): string {
  return randomBytes(12).toString("hex");
}

/**
 * What is kept of a secret: its SHA-256 in hexadecimal. A slow hash is for passwords, which can be
 * guessed; 32 random bytes cannot.
 */
export function secretHash(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

/** Whether a secret is the one that a hash was made of; takes as long either way. */
export function isSecret(secret: string, hash: string): boolean {
  const [own, other] = [Buffer.from(secretHash(secret)), Buffer.from(hash)];
  return own.length === other.length && timingSafeEqual(own, other);
}
