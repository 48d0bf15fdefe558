/** Goal: how a flist is named, and who may write under a name. */

import assert from "node:assert/strict";
import type { Caller } from "../../../../hub/accounts/caller.ts";
import {
  parseFlistReference,
  writableNamespace,
} from "../../../../hub/endpoints/flist_reference.ts";

Deno.test("flist reference: user, name and tag, which is latest where none is given", () => {
  const parsed = { user: "alice", name: "debian-12", tag: "latest" };
  assert.deepEqual(parseFlistReference("alice/debian-12"), parsed);
  assert.deepEqual(parseFlistReference("alice/debian-12:1.0"), { ...parsed, tag: "1.0" });
  for (
    const bad of [
      undefined,
      "",
      "alice",
      "alice/",
      "/debian",
      "alice/debian:",
      "alice/a/b",
      "alice/../b",
      "../alice/b",
      "alice/b:c:d",
      "alice/.b",
      "alice/b\u0000",
      `alice/${"b".repeat(200)}`,
    ]
  ) {
    assert.throws(() => parseFlistReference(bad), { status: 422 }, String(bad));
  }
});

Deno.test("flist reference: one writes under one's own name, administrators under any", () => {
  const can = (caller: Partial<Caller>, user: string): boolean => {
    try {
      writableNamespace({ user: "alice", role: "user", scopes: ["write"], ...caller }, user);
      return true;
    } catch (error) {
      assert.equal((error as { status?: number }).status, 403);
      return false;
    }
  };
  assert.equal(can({}, "alice"), true);
  assert.equal(can({}, "bob"), false);
  assert.equal(can({ namespace: "alice" }, "alice"), true);
  assert.equal(can({ namespace: "bob" }, "alice"), false);
  assert.equal(can({ namespace: "bob" }, "bob"), false);
  assert.equal(can({ role: "admin", scopes: ["admin"] }, "bob"), true);
  assert.equal(can({ role: "admin", scopes: ["write"] }, "bob"), false);
  assert.equal(can({ scopes: ["admin"] }, "bob"), false);
  assert.equal(can({ role: "admin", scopes: ["admin"], namespace: "carol" }, "bob"), false);
});
