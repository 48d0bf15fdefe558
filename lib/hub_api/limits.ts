/**
 * Limits of requests that both ends know.
 *
 * @module
 */

/** Ids that one request may name. */
export const IDS_A_REQUEST_MAX = 10_000;
