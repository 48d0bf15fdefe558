/**
 * Redis, and what speaks as Redis does: Valkey, KeyDB, Dragonfly.
 *
 * @module
 */

import { StoreUnavailableError } from "../../base/errors.ts";
import { BLOCK_SIZE_MAX } from "../../base/limits.ts";
import type { RespAddress } from "./resp_address.ts";
import type { KeyPage, RespDialect } from "./resp_dialect.ts";
import { respFault } from "./resp_fault.ts";
import { RespError, type RespReply } from "./resp_reply.ts";
import { respBatch, type RespRequest, respRequest, respRequestWithValue } from "./resp_request.ts";

/** Keys that the server looks at for one page. */
const KEYS_A_PAGE = "1000";

const FIRST_CURSOR = new TextEncoder().encode("0");

/** How to talk to Redis. */
export const redisDialect: RespDialect = {
  // Redis takes 512 MB.
  valueSizeMax: BLOCK_SIZE_MAX,

  pace: {},

  greeting({ user, password, space }: RespAddress): RespRequest {
    const requests: RespRequest[] = [];
    if (password !== "") {
      requests.push(
        user === "" ? respRequest("AUTH", password) : respRequest("AUTH", user, password),
      );
    }
    if (space !== "") requests.push(respRequest("SELECT", space));
    // Tells whether a password is wanted, and whether the server is ready.
    requests.push(respRequest("PING"));
    return respBatch(requests);
  },

  checkGreeting(address: RespAddress, replies: readonly RespReply[]): void {
    for (const reply of replies) {
      if (reply instanceof RespError) throw respFault(address, "open the store", reply);
      if (typeof reply === "string") continue;
      throw new StoreUnavailableError(
        address.url,
        `Cannot open the store: ${address.url} does not answer as Redis does`,
        { hint: "Check the host and the port." },
      );
    }
  },

  // SET has an option for that too, but it stands behind the value.
  set: (key, value, replace) => respRequestWithValue([replace ? "SET" : "SETNX", key], value),

  wasSet(reply: RespReply): boolean | undefined {
    if (reply === "OK" || reply === 1) return true;
    return reply === 0 ? false : undefined;
  },

  wasDeleted: (reply) => typeof reply === "number" ? reply > 0 : undefined,

  scan: (next = FIRST_CURSOR) => respRequest("SCAN", next, "COUNT", KEYS_A_PAGE),

  page(reply: RespReply): KeyPage | undefined {
    if (!Array.isArray(reply)) return undefined;
    const [next, keys] = reply as readonly RespReply[];
    if (!(next instanceof Uint8Array) || !Array.isArray(keys)) return undefined;
    if (!keys.every((key) => key instanceof Uint8Array)) return undefined;
    const isLast = next.length === 1 && next[0] === FIRST_CURSOR[0];
    return isLast ? { keys } : { keys, next };
  },
};
