/** Goal: who may do more may do less, and nobody else. */

import assert from "node:assert/strict";
import { type Caller, permits } from "../../../../hub/accounts/caller.ts";
import type { Scope } from "../../../../lib/hub_api/messages/mod.ts";

Deno.test("caller: administration permits writing, writing reading, and not the other way", () => {
  const all: readonly Scope[] = ["read", "write", "admin"];
  const permitted = (scopes: readonly Scope[]): Scope[] => {
    const caller: Caller = { user: "alice", role: "admin", scopes };
    return all.filter((scope) => permits(caller, scope));
  };
  assert.deepEqual(permitted([]), []);
  assert.deepEqual(permitted(["read"]), ["read"]);
  assert.deepEqual(permitted(["write"]), ["read", "write"]);
  assert.deepEqual(permitted(["admin"]), ["read", "write", "admin"]);
  assert.deepEqual(permitted(["read", "write"]), ["read", "write"]);
});
