/**
 * What a client says in RESP: arrays of bytes.
 *
 * @module
 */

import { concatBytes } from "../../base/bytes.ts";

/** One request, or several that are sent and answered together. */
export interface RespRequest {
  /** What is sent first. */
  readonly head: Uint8Array;
  /** What follows it, with a line end: kept apart because it is large, and not copied to be sent. */
  readonly value?: Uint8Array;
  /** How many answers come, 1 or more. */
  readonly replies: number;
}

const encoder = new TextEncoder();
const LINE_END = encoder.encode("\r\n");

/** Bytes that are sent for a request. */
export function requestSize({ head, value }: RespRequest): number {
  return head.length + (value === undefined ? 0 : value.length + LINE_END.length);
}

/** Asks for `command` with short arguments. */
export function respRequest(...words: readonly (string | Uint8Array)[]): RespRequest {
  return { head: encodeWords(words, words.length), replies: 1 };
}

/** Asks for `command` with short arguments, and a large one after them. */
export function respRequestWithValue(
  words: readonly (string | Uint8Array)[],
  value: Uint8Array,
): RespRequest {
  const start = encodeWords(words, words.length + 1);
  const head = concatBytes([start, encoder.encode(`$${value.length}\r\n`)]);
  return { head, value, replies: 1 };
}

/** Requests without large arguments as one, which is answered as a whole. */
export function respBatch(requests: readonly RespRequest[]): RespRequest {
  return {
    head: concatBytes(requests.map(({ head }) => head)),
    replies: requests.reduce((sum, { replies }) => sum + replies, 0),
  };
}

function encodeWords(words: readonly (string | Uint8Array)[], count: number): Uint8Array {
  const parts: Uint8Array[] = [encoder.encode(`*${count}\r\n`)];
  for (const word of words) {
    const bytes = typeof word === "string" ? encoder.encode(word) : word;
    parts.push(encoder.encode(`$${bytes.length}\r\n`), bytes, LINE_END);
  }
  return concatBytes(parts);
}
