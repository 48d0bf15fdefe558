/**
 * Which names of flists lead elsewhere.
 */

import assert from "node:assert/strict";
import {
  flistToWrite,
  isRemoteFlist,
  localFlist,
  localFlists,
} from "../../../cli/flist_reference.ts";
import { UsageError } from "../../../cli/problem.ts";

Deno.test("flist reference: hubs and web addresses are elsewhere, and a path stays a path", async () => {
  for (const name of ["hub://h/a/b:1", "HUBS://h/a/b", "http://h/x.fl", "https://h/x.fl"]) {
    assert.equal(isRemoteFlist(name), true, name);
  }
  const { signal } = new AbortController();
  for (const path of ["tree.fl", "/hub://x", "./http:/x", "hub:x.fl", ""]) {
    assert.equal(isRemoteFlist(path), false, path);
    assert.equal(await localFlist(path, { signal }), path);
  }
  assert.deepEqual(await localFlists(["a.fl", "b.fl"], { signal }), ["a.fl", "b.fl"]);
  assert.equal(await localFlists(undefined, { signal }), undefined);
});

Deno.test("flist reference: what is written is a file here, and others are refused without their secrets", () => {
  assert.equal(flistToWrite("tree.fl"), "tree.fl");
  for (const name of ["hub://h/a/b:1?token=secret", "https://user:secret@h/x.fl"]) {
    assert.throws(() => flistToWrite(name), (error: UsageError) => {
      assert.match(error.hint ?? "", /myfs flist push/);
      assert.doesNotMatch(`${error.message} ${error.hint}`, /secret/);
      return error instanceof UsageError;
    });
  }
});
