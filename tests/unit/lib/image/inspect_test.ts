/** Goal: the summary counts what is there, and shows no secret. */

import assert from "node:assert/strict";
import { inspectImage } from "../../../../lib/image/inspect.ts";
import { digestOfFile } from "../../../../lib/image/own_flists.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";
import { blockRef, writeFlist, writeSample } from "../flist/flist_samples.ts";

Deno.test("inspectImage: counts entries by kind, each inode once", async () => {
  using folder = new TempFolder();
  const meta = folder.file("a.fl");
  writeSample(meta, "myfs");
  const summary = await inspectImage(meta);
  const { files, directories, symlinks, specials, hardLinks, contentBytes, chunks } = summary;
  // See fillSample: few, large, nothing, xattrs and zeros; four devices and such.
  assert.deepEqual({ files, directories, symlinks, specials, hardLinks }, {
    files: 5,
    directories: 2,
    symlinks: 1,
    specials: 4,
    hardLinks: 1,
  });
  assert.equal(contentBytes, 100 + 1_100_000 + 5_000_000_000);
  assert.equal(chunks, 4);
  const sizes = [4096, 524_288, 524_288, 1_100_000 - 2 * 524_288];
  const stored = sizes.map((size, i) => blockRef(i + 1, size).storedSize);
  assert.equal(summary.referencedBytes, stored.reduce((sum, size) => sum + size));
  assert.equal(summary.flistBytes, (await Deno.stat(meta)).size);
  assert.equal(summary.digest, await digestOfFile(meta));
  assert.deepEqual([summary.meta, summary.profile], [meta, "myfs"]);
  assert.equal(summary.tags.version, "1.0");
});

Deno.test("inspectImage: does not invent what rfs does not record", async () => {
  using folder = new TempFolder();
  writeSample(folder.file("a.fl"), "rfs");
  const { referencedBytes, profile } = await inspectImage(folder.file("a.fl"));
  assert.deepEqual([referencedBytes, profile], [undefined, "rfs"]);
});

Deno.test("inspectImage: shows routes without their secrets", async () => {
  using folder = new TempFolder();
  writeFlist(folder.file("a.fl"), "myfs", (writer) => {
    writer.addRoute({ start: 1, end: 9, url: "https://user:s3cr3t@host/x?token=s3cr3t" });
  });
  const { routes } = await inspectImage(folder.file("a.fl"));
  assert.deepEqual([routes[0]!.start, routes[0]!.end], [1, 9]);
  assert.ok(
    routes[0]!.url.includes("host/x") && !routes[0]!.url.includes("s3cr3t"),
    routes[0]!.url,
  );
});
