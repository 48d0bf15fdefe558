/** Goal: an edit happens whole or not at all, and a flist of one's own stays so. */

import assert from "node:assert/strict";
import { editFlist } from "../../../../lib/image/edit.ts";
import { inspectImage } from "../../../../lib/image/inspect.ts";
import { isOwnFlist, rememberOwnFlist } from "../../../../lib/image/own_flists.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";
import { writeFlist } from "../flist/flist_samples.ts";

function makeFlist(folder: TempFolder): string {
  const meta = folder.file("a.fl");
  writeFlist(meta, "myfs", (writer) => {
    writer.setTag("unique", crypto.randomUUID());
    writer.addRoute({ start: 0, end: 255, url: "mem://a" });
  });
  return meta;
}

Deno.test("editFlist: does all that is asked in one step", async () => {
  using folder = new TempFolder();
  const meta = makeFlist(folder);
  await editFlist(meta, (flist) => {
    flist.setTag("author", "me");
    flist.deleteTag("unique");
    flist.addRoute({ start: 0, end: 15, url: "mem://b" });
  });
  const { tags, routes } = await inspectImage(meta);
  assert.deepEqual(tags, { author: "me" });
  assert.deepEqual(routes.map(({ url }) => url).sort(), ["mem://a", "mem://b"]);
  assert.deepEqual(folder.names(), ["a.fl"]);
});

Deno.test("editFlist: changes nothing when the edit throws", async () => {
  using folder = new TempFolder();
  const meta = makeFlist(folder);
  const before = await Deno.readFile(meta);
  const edit = editFlist(meta, (flist) => {
    flist.setTag("author", "me");
    throw new RangeError("no");
  });
  await assert.rejects(edit, RangeError);
  assert.deepEqual(await Deno.readFile(meta), before);
  assert.deepEqual(folder.names(), ["a.fl"]);
});

Deno.test("editFlist: what is one's own stays one's own, and what is foreign does not become it", async () => {
  using folder = new TempFolder();
  const meta = makeFlist(folder);
  const options = { stateFolder: folder.file("state") };
  await editFlist(meta, (flist) => flist.setTag("a", "1"), options);
  assert.equal(await isOwnFlist(meta, options.stateFolder), false);
  await rememberOwnFlist(meta, options.stateFolder);
  await editFlist(meta, (flist) => flist.setTag("a", "2"), options);
  assert.equal(await isOwnFlist(meta, options.stateFolder), true);
  assert.equal(folder.names("state/own").length, 2);
});
