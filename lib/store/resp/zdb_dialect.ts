/**
 * 0-db, which speaks a part of Redis's language and means some words differently: `SET` answers the
 * key, or nothing where nothing changed; `DEL` answers `OK` or an error; `SCAN` has cursors of bytes
 * and ends with an error; `SELECT` takes a name and its password.
 *
 * Two habits of 0-db 2.0.7 decide how fast it may be talked to:
 *
 * - It reads a connection in pieces of 8 KiB, and is woken by new bytes only. Where a request ends with
 *   a piece it goes to sleep, although more may have arrived; where the way to it is full by then,
 *   nothing wakes it ever again. A stream of requests of 160 bytes hangs within a thousand of them. So
 *   no more than one piece is sent until all of it is answered, and a larger block travels alone.
 * - It leaves Nagle's algorithm on: the second of two small answers waits until our system confirms
 *   the first, 40 ms. So a request has a connection to itself, of which there may be many, and follows
 *   others on theirs only when it has waited as long. Batches are as large as a piece.
 *
 * @module
 */

import { StoreUnavailableError, UnsupportedError } from "../../base/errors.ts";
import type { RespAddress } from "./resp_address.ts";
import type { KeyPage, RespDialect } from "./resp_dialect.ts";
import { respFault } from "./resp_fault.ts";
import { RespError, type RespReply } from "./resp_reply.ts";
import { respBatch, type RespRequest, respRequest, respRequestWithValue } from "./resp_request.ts";

/** The namespace that a connection is in before it asks for another. */
const DEFAULT_NAMESPACE = "default";

const decoder = new TextDecoder();

/** Bytes that the server reads at once: REDIS_BUFFER_SIZE of 0-db. */
const PIECE_SIZE = 8192;

/** How long the second of two answers is late, in milliseconds. */
const NAGLE_DELAY_MS = 40;

/** With a block of 512 KiB each, enough for 800 MB/s over a network with a round trip of 20 ms. */
const CONNECTIONS_MAX = 32;

/** How to talk to 0-db. */
export const zdbDialect: RespDialect = {
  // REDIS_MAX_PAYLOAD of 0-db.
  valueSizeMax: 8 * 1024 * 1024,

  pace: {
    connectionsMax: CONNECTIONS_MAX,
    sharedLoadMax: 0,
    burstSizeMax: PIECE_SIZE,
    joinAfterMs: NAGLE_DELAY_MS,
  },

  greeting(address: RespAddress): RespRequest {
    const info = respRequest("NSINFO", namespaceOf(address));
    return needsSelect(address) ? respBatch([selectRequest(address), info]) : info;
  },

  checkGreeting(address: RespAddress, replies: readonly RespReply[]): void {
    for (const reply of replies) {
      if (reply instanceof RespError) throw respFault(address, "open the store", reply);
    }
    const info = replies.at(needsSelect(address) ? 1 : 0);
    if (info === undefined) return;
    const text = info instanceof Uint8Array ? decoder.decode(info) : "";
    const mode = /^mode:\s*(\S+)/m.exec(text)?.[1];
    if (mode === undefined) {
      throw new StoreUnavailableError(
        address.url,
        `Cannot open the store: ${address.url} does not answer as 0-db does`,
        { hint: "Check the host and the port." },
      );
    }
    if (mode !== "userkey") {
      throw new UnsupportedError(
        `Cannot open the store: the namespace of ${address.url} makes its own keys (mode ` +
          `${mode.slice(0, 20)}), so blocks cannot lie there under their ids`,
        { hint: "Name a namespace in the mode userkey." },
      );
    }
  },

  set: (key, value) => respRequestWithValue(["SET", key], value),

  wasSet(reply: RespReply, replace: boolean): boolean | undefined {
    if (reply instanceof Uint8Array) return true;
    if (reply === null) return false;
    // What may not be overwritten is there.
    const isKept = reply instanceof RespError && /protected by worm mode/.test(reply.text);
    return isKept && !replace ? false : undefined;
  },

  wasDeleted(reply: RespReply): boolean | undefined {
    if (reply === "OK") return true;
    return reply instanceof RespError && reply.text === "Key not found" ? false : undefined;
  },

  scan: (next) => next === undefined ? respRequest("SCAN") : respRequest("SCAN", next),

  page(reply: RespReply): KeyPage | undefined {
    if (reply instanceof RespError) return reply.text === "No more data" ? { keys: [] } : undefined;
    if (!Array.isArray(reply)) return undefined;
    const [next, entries] = reply as readonly RespReply[];
    if (!(next instanceof Uint8Array) || !Array.isArray(entries)) return undefined;
    const keys = (entries as readonly RespReply[]).map((entry) =>
      Array.isArray(entry) ? entry[0] : undefined
    );
    return keys.every((key) => key instanceof Uint8Array) ? { keys, next } : undefined;
  },
};

function namespaceOf({ space }: RespAddress): string {
  return space === "" ? DEFAULT_NAMESPACE : space;
}

/** A password is also that of the default namespace, where the server protects that one. */
function needsSelect(address: RespAddress): boolean {
  return namespaceOf(address) !== DEFAULT_NAMESPACE || address.password !== "";
}

function selectRequest(address: RespAddress): RespRequest {
  const namespace = namespaceOf(address);
  const { password } = address;
  return password === ""
    ? respRequest("SELECT", namespace)
    : respRequest("SELECT", namespace, password);
}
