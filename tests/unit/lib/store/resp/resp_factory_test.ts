import assert from "node:assert/strict";
import { openStore } from "../../../../../lib/store/open_store.ts";
import { openRedisStore, openZdbStore } from "../../../../../lib/store/resp/resp_factory.ts";
import { RespStore } from "../../../../../lib/store/resp/resp_store.ts";

Deno.test("resp factory: opens each form of URL without its secrets, and connects to nothing that may be away", async () => {
  const urls: readonly (readonly [typeof openZdbStore, string, string])[] = [
    [openZdbStore, "zdb://me:pw@host:1/ns", "zdb://host:1/ns"],
    [openZdbStore, "zdb:///run/z?namespace=ns&password=pw", "zdb:///run/z?namespace=ns"],
    [openRedisStore, "redis://:pw@host", "redis://host"],
    [openRedisStore, "redis://host:1/15", "redis://host:1/15"],
    [openRedisStore, "rediss://host/2", "rediss://host/2"],
    [openRedisStore, "redis:///run/r.sock?db=2", "redis:///run/r.sock?db=2"],
  ];
  for (const [open, url, shown] of urls) {
    await using store = await open(url, { mayBeAway: true });
    assert.ok(store instanceof RespStore);
    assert.equal(store.url, shown);
  }
});

Deno.test("resp factory: a database of Redis is a number", async () => {
  for (const url of ["redis://host/name", "redis://host/-1", "redis:///3", "redis://host/01"]) {
    await assert.rejects(openRedisStore(url, {}), SyntaxError, url);
  }
});

Deno.test("resp factory: its schemes are kinds of store", async () => {
  for (const scheme of ["zdb", "redis", "rediss"]) {
    await assert.rejects(openStore([`${scheme}://host/a/b`]), /more than one name follows/);
  }
});
