/**
 * How blocks are made.
 *
 * @module
 */

/**
 * `myfs`: BLAKE3, zstd, a nonce from the payload. `rfs`: BLAKE2b, Snappy, a nonce from the key, as
 * rfs reads and writes them. `FORMAT.md` specifies both.
 */
export type Profile = "myfs" | "rfs";

/** All profiles, the default one first. */
export const PROFILES: readonly Profile[] = ["myfs", "rfs"];
