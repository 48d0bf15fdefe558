/**
 * Which names of flists lead elsewhere.
 */

import assert from "node:assert/strict";
import { isRemoteFlist, localFlist } from "../../../cli/flist_reference.ts";

Deno.test("flist reference: hubs and web addresses are elsewhere, and a path stays a path", async () => {
  for (const name of ["hub://h/a/b:1", "HUBS://h/a/b", "http://h/x.fl", "https://h/x.fl"]) {
    assert.equal(isRemoteFlist(name), true, name);
  }
  const { signal } = new AbortController();
  for (const path of ["tree.fl", "/hub://x", "./http:/x", "hub:x.fl", ""]) {
    assert.equal(isRemoteFlist(path), false, path);
    assert.equal(await localFlist(path, { signal }), path);
  }
});
