/**
 * What differs between servers that keep blocks and speak RESP.
 *
 * @module
 */

import type { RespAddress } from "./resp_address.ts";
import type { RespPace } from "./resp_pool.ts";
import type { RespReply } from "./resp_reply.ts";
import type { RespRequest } from "./resp_request.ts";

/** Some of the keys that a server has. */
export interface KeyPage {
  /** The keys, of any length. */
  readonly keys: readonly Uint8Array[];
  /** What to ask for next; absent at the end. */
  readonly next?: Uint8Array;
}

/** A kind of server. */
export interface RespDialect {
  /** Largest value in bytes that the server takes. */
  readonly valueSizeMax: number;
  /** How requests share the connections to the server. */
  readonly pace: RespPace;
  /** What a connection begins with. */
  greeting(address: RespAddress): RespRequest;
  /**
   * Judges the replies to the greeting, of which the last may be missing.
   *
   * @throws a `MyfsError` when the server or the space cannot be used.
   */
  checkGreeting(address: RespAddress, replies: readonly RespReply[]): void;
  /** Asks to keep `value`; a server that has one under that key leaves it unless told to replace. */
  set(key: Uint8Array, value: Uint8Array, replace: boolean): RespRequest;
  /** Whether the value is new; undefined where the reply does not say so. */
  wasSet(reply: RespReply, replace: boolean): boolean | undefined;
  /** Whether there was something to delete; undefined where the reply does not say so. */
  wasDeleted(reply: RespReply): boolean | undefined;
  /** Asks for keys from the start, or from what the last page said. */
  scan(next: Uint8Array | undefined): RespRequest;
  /** The keys in a reply; undefined where it has none. */
  page(reply: RespReply): KeyPage | undefined;
}
