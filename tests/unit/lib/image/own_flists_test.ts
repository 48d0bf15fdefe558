/** Goal: one's own flists are known again, stamps come back exactly, and damage is worth nothing. */

import assert from "node:assert/strict";
import {
  digestOfFile,
  isOwnFlist,
  rememberOwnFlist,
  SourceStamps,
} from "../../../../lib/image/own_flists.ts";
import type { ExpectedStatus } from "../../../../lib/image/pack_plan.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";

function status(changes: Partial<ExpectedStatus> = {}): ExpectedStatus {
  return { size: 1, mtime: 2, mtimeNsec: 3, ctime: 4, ctimeNsec: 5, inode: 6, ...changes };
}

Deno.test("digestOfFile: is BLAKE3 of the content", async () => {
  using folder = new TempFolder();
  await Deno.writeTextFile(folder.file("abc"), "abc");
  // From the test vectors of the BLAKE3 team's b3sum: `printf abc | b3sum`.
  assert.equal(
    await digestOfFile(folder.file("abc")),
    "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85",
  );
});

Deno.test("stamps: match exactly what was recorded, also after a growth", () => {
  const stamps = SourceStamps.create();
  stamps.set(3, status());
  stamps.set(5000, status({ inode: 2 ** 52 }));
  assert.ok(stamps.matches(3, status()));
  // Size and mtime are the flist's to compare.
  assert.ok(stamps.matches(3, status({ size: 9, mtime: 9 })));
  for (const other of [{ inode: 7 }, { ctime: 5 }, { ctimeNsec: 6 }]) {
    assert.ok(!stamps.matches(3, status(other)));
  }
  assert.ok(stamps.matches(5000, status({ inode: 2 ** 52 })));
  assert.ok(!stamps.matches(4, status()));
  assert.ok(!stamps.matches(1_000_000, status()));
  stamps.clear(3);
  assert.ok(!stamps.matches(3, status()));
});

Deno.test("stamps: come back from their folder, and only for their flist", async () => {
  using folder = new TempFolder();
  const state = folder.file("state");
  const meta = folder.file("a.fl");
  await Deno.writeTextFile(meta, "a flist");
  const stamps = SourceStamps.create();
  stamps.set(1, status());
  stamps.set(7, status({ ctime: -3 }));
  await rememberOwnFlist(meta, state, stamps.toBytes(7));
  const loaded = await SourceStamps.load(state, await digestOfFile(meta));
  assert.ok(loaded!.matches(1, status()) && loaded!.matches(7, status({ ctime: -3 })));
  assert.ok(!loaded!.matches(2, status()) && !loaded!.matches(8, status()));
  assert.equal(await SourceStamps.load(state, "0".repeat(64)), undefined);
  assert.equal(await SourceStamps.load(folder.file("none"), await digestOfFile(meta)), undefined);
});

Deno.test("stamps: damaged files are as good as none", async () => {
  using folder = new TempFolder();
  folder.tree("stamps");
  const good = SourceStamps.create().toBytes(4);
  const wrongMagic = good.slice();
  wrongMagic[7]! ^= 1;
  for (
    const bad of [
      good.subarray(1),
      good.subarray(0, good.length - 1),
      wrongMagic,
      good.subarray(0, 3),
    ]
  ) {
    await Deno.writeFile(folder.file("stamps/x"), bad);
    assert.equal(await SourceStamps.load(folder.path, "x"), undefined);
  }
  await Deno.writeFile(folder.file("stamps/x"), good);
  assert.ok(await SourceStamps.load(folder.path, "x"));
});

Deno.test("stamps: 32 files are kept, the newest", async () => {
  using folder = new TempFolder();
  const state = folder.file("state");
  const stamps = folder.tree("state/stamps");
  for (let i = 0; i < 40; i++) {
    await Deno.writeTextFile(`${stamps}/${i}`, "");
    await Deno.utime(`${stamps}/${i}`, 0, 1000 + i);
  }
  await Deno.writeTextFile(folder.file("a.fl"), "a flist");
  await rememberOwnFlist(folder.file("a.fl"), state, SourceStamps.create().toBytes(1));
  const left = folder.names("state/stamps");
  const digest = await digestOfFile(folder.file("a.fl"));
  const expected = [digest, ...Array.from({ length: 31 }, (_, i) => `${39 - i}`)];
  assert.deepEqual(left, expected.sort());
});

Deno.test("isOwnFlist: knows what was remembered by its content, wherever it lies", async () => {
  using folder = new TempFolder();
  const state = folder.file("state");
  const [meta, copy, other] = ["a.fl", "copy.fl", "other.fl"].map((name) => folder.file(name));
  const content = crypto.randomUUID();
  await Deno.writeTextFile(meta!, content);
  await Deno.writeTextFile(copy!, content);
  await Deno.writeTextFile(other!, crypto.randomUUID());
  assert.equal(await isOwnFlist(meta!, state), false);
  await rememberOwnFlist(meta!, state);
  assert.deepEqual(folder.names("state/own"), [await digestOfFile(meta!)]);
  // This process made it: no folder is needed.
  for (const where of [undefined, state]) {
    assert.equal(await isOwnFlist(meta!, where), true);
    assert.equal(await isOwnFlist(copy!, where), true);
    assert.equal(await isOwnFlist(other!, where), false);
  }
  await Deno.writeTextFile(meta!, `${content} edited`);
  assert.equal(await isOwnFlist(meta!, state), false);
});

Deno.test("isOwnFlist: believes the folder about what another process made", async () => {
  using folder = new TempFolder();
  const meta = folder.file("a.fl");
  await Deno.writeTextFile(meta, crypto.randomUUID());
  const own = folder.tree("state/own");
  // A link may have been put there by whoever can write to the folder's neighbours.
  await Deno.symlink(meta, `${own}/${await digestOfFile(meta)}`);
  assert.equal(await isOwnFlist(meta, folder.file("state")), false);
  await Deno.remove(`${own}/${await digestOfFile(meta)}`);
  await Deno.writeTextFile(`${own}/${await digestOfFile(meta)}`, "");
  assert.equal(await isOwnFlist(meta, folder.file("state")), true);
});

Deno.test("rememberOwnFlist: a folder that cannot be written fails nothing", async () => {
  using folder = new TempFolder();
  await Deno.writeTextFile(folder.file("a.fl"), crypto.randomUUID());
  await rememberOwnFlist(folder.file("a.fl"), folder.file("a.fl"));
  assert.equal(await isOwnFlist(folder.file("a.fl"), undefined), true);
});
