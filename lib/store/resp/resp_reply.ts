/**
 * What a server says in RESP, version 2: the protocol of Redis, and of others that speak a part of it.
 *
 * @module
 */

import type { Bytes } from "../../base/bytes.ts";

/** A line of text (`+`), a number (`:`), bytes (`$`), nothing (`$-1`), an error (`-`), or several (`*`). */
export type RespReply = string | number | Bytes | null | RespError | readonly RespReply[];

/** A request that the server refused. It is an answer like others: the connection goes on. */
export class RespError {
  /** What the server said, untouched: made safe to show only where it is shown. */
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What came is not RESP, or more than was agreed: nothing that follows can be understood. */
export class RespProtocolError extends Error {
  /** Name of the class. */
  override readonly name = "RespProtocolError";
}
