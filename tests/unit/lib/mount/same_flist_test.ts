/**
 * Goal: who serves a mount reads the flist that was mounted, or none. Method: flists that take each
 * other's place.
 */

import assert from "node:assert/strict";
import { FlistFormatError, FlistNotFoundError } from "../../../../lib/base/errors.ts";
import { flistStamp, openSameFlist } from "../../../../lib/mount/same_flist.ts";
import { TestFolder, writeFlist } from "../flist/flist_samples.ts";

Deno.test("same flist: the file itself under any name, and no other under its name", () => {
  using folder = new TestFolder();
  const [one, other] = [folder.file("one.fl"), folder.file("other.fl")];
  for (const path of [one, other]) writeFlist(path, "myfs", () => {});
  const stamp = flistStamp(one);
  openSameFlist(one, stamp)[Symbol.dispose]();
  Deno.linkSync(one, folder.file("link.fl"));
  openSameFlist(folder.file("link.fl"), stamp)[Symbol.dispose]();
  assert.throws(() => openSameFlist(other, stamp), FlistFormatError);
  Deno.renameSync(other, one);
  assert.throws(() => openSameFlist(one, stamp), /it was replaced/);
  assert.throws(() => openSameFlist(other, flistStamp(other)), FlistNotFoundError);
});
