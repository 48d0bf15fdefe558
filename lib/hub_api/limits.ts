/**
 * Limits of requests that both ends know.
 *
 * @module
 */

/** Ids that one request may name. */
export const IDS_A_REQUEST_MAX = 10_000;

/** How long a hub may be silent in the midst of a file, in milliseconds. */
export const SILENCE_MAX_MS = 30_000;
