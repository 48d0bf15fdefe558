/**
 * Goal: a layer that was packed before is found again, and only where what is found would be made again.
 * Method: a folder, a store that has some blocks, and a part made by hand.
 */

import assert from "node:assert/strict";
import { parseBlockId } from "../../../../lib/block/block_ref.ts";
import type { AssembledEntry } from "../../../../lib/image/assembled_tree.ts";
import { describePart } from "../../../../lib/image/packed_part.ts";
import {
  type LayerEntry,
  LayerRecords,
  type LayerRecordSettings,
  type ReadLayerRecord,
} from "../../../../lib/oci/layer_records.ts";
import { MemoryStore } from "../../../../lib/store/memory_store.ts";
import { packedParts } from "../../../helpers/packed_parts.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";

const DIFF_ID = `sha256:${"a".repeat(64)}`;
const SETTINGS: LayerRecordSettings = {
  profile: "myfs",
  level: undefined,
  exclude: [],
  domainSecret: undefined,
};
const METADATA = { mode: 0o100644, uid: 1, gid: 2, mtime: 3, mtimeNsec: 4, rdev: 0 };

function entry(path: string, more: Partial<AssembledEntry>, content?: number): LayerEntry {
  const made: AssembledEntry = { kind: "file", size: 0, ...METADATA, ...more };
  return { path, hardLinkTo: undefined, index: path.length, content, entry: made };
}

const READ: ReadLayerRecord = {
  entries: [
    entry("a", { size: 5 }, 0),
    entry("hidden", { size: 7 }),
    entry("b\udcff", { size: 5, xattrs: new Map([["user.x", Uint8Array.of(0, 255)]]) }, 1),
    entry("link", { kind: "symlink", size: 1, linkTarget: "a" }),
    { ...entry("hard", { size: 5 }), hardLinkTo: "a" },
    entry("large", { size: 2 ** 33 + 300_000 }, 2),
  ],
  whiteouts: [{ path: "gone", isOpaque: false }, { path: "", isOpaque: true }],
  count: 9,
  plainBytes: 2 ** 34,
};

const hides = (path: string): boolean => path === "hidden";

/** Records of one layer, whose blocks are there. */
async function kept(folder: TempFolder): Promise<{ records: LayerRecords; store: MemoryStore }> {
  const { part, refs } = packedParts();
  const store = new MemoryStore();
  const described = describePart(part, (key) => refs.get(key));
  for (const { id } of described.refs) await store.put(parseBlockId(id), new Uint8Array(8));
  const records = new LayerRecords(folder.file("state"), SETTINGS, store, undefined);
  assert.equal(await records.find(DIFF_ID, hides), undefined);
  await records.keep(DIFF_ID, READ, described);
  return { records, store };
}

Deno.test("layer records: a layer comes back as it was, for its owner only", async () => {
  using folder = new TempFolder();
  const { records } = await kept(folder);
  assert.ok(await records.mayKnow(DIFF_ID));
  const { read, part } = (await records.find(DIFF_ID, hides))!;
  assert.deepEqual(read, READ);
  assert.equal(part.units.length, 2);
  for (const name of folder.names("state/layers")) {
    const { mode } = await Deno.stat(folder.file(`state/layers/${name}`));
    assert.equal(mode! & 0o777, 0o600);
  }
});

Deno.test("layer records: not where other files are hidden, or a block is gone", async () => {
  using folder = new TempFolder();
  const { records, store } = await kept(folder);
  assert.equal(await records.find(DIFF_ID, () => false), undefined);
  assert.equal(await records.find(DIFF_ID, (path) => path === "a"), undefined);
  // What has no content of its own may be hidden or not.
  assert.ok(await records.find(DIFF_ID, (path) => hides(path) || path === "hard"));
  const { refs } = (await records.find(DIFF_ID, hides))!.part;
  await store.delete(parseBlockId(refs[1]!.id));
  assert.equal(await records.find(DIFF_ID, hides), undefined);
});

Deno.test("layer records: not for another layer, or one that is packed in another way", async () => {
  using folder = new TempFolder();
  const { records, store } = await kept(folder);
  assert.ok(!await records.mayKnow(DIFF_ID.replaceAll("a", "b")));
  const others: Partial<LayerRecordSettings>[] = [
    { profile: "rfs" },
    { level: 4 },
    { exclude: ["*.o"] },
    { domainSecret: new Uint8Array(32) },
  ];
  for (const other of others) {
    const settings = { ...SETTINGS, ...other };
    const found = new LayerRecords(folder.file("state"), settings, store, undefined);
    assert.equal(await found.find(DIFF_ID, hides), undefined, JSON.stringify(other));
  }
});

Deno.test("layer records: one that is damaged counts as none", async () => {
  using folder = new TempFolder();
  const { records } = await kept(folder);
  for (const name of folder.names("state/layers")) {
    const path = folder.file(`state/layers/${name}`);
    const whole = await Deno.readFile(path);
    for (const damaged of [whole.subarray(0, whole.length - 1), whole.with(50, whole[50]! ^ 1)]) {
      await Deno.writeFile(path, damaged);
      assert.equal(await records.find(DIFF_ID, hides), undefined);
    }
    await Deno.writeFile(path, whole);
  }
  assert.ok(await records.find(DIFF_ID, hides));
});

Deno.test("layer records: a folder that cannot be written ends nothing", async () => {
  using folder = new TempFolder();
  await Deno.writeTextFile(folder.file("state"), "a file");
  const { part, refs } = packedParts();
  const store = new MemoryStore();
  const records = new LayerRecords(folder.file("state"), SETTINGS, store, undefined);
  await records.keep(DIFF_ID, READ, describePart(part, (key) => refs.get(key)));
  assert.ok(!await records.mayKnow(DIFF_ID));
});
