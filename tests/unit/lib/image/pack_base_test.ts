/** Goal: what surely did not change is known again, and nothing is believed that cannot be fetched. */

import assert from "node:assert/strict";
import { toHex } from "../../../../lib/base/bytes.ts";
import { UnsupportedError, UntrustedBaseError } from "../../../../lib/base/errors.ts";
import { FlistReader } from "../../../../lib/flist/flist_reader.ts";
import { rememberOwnFlist, SourceStamps } from "../../../../lib/image/own_flists.ts";
import { packDirectory } from "../../../../lib/image/pack.ts";
import { PackBase, type PackBaseOptions } from "../../../../lib/image/pack_base.ts";
import { ChunkClaims, FileDigests } from "../../../../lib/image/shared_digests.ts";
import { MemoryStore } from "../../../../lib/store/memory_store.ts";
import { scanDirectory, type ScannedEntry } from "../../../../lib/tree/directory_source.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";
import { SeededRandom } from "../../../helpers/seeded_random.ts";
import { writeFlist } from "../flist/flist_samples.ts";

const random = new SeededRandom(3);

interface Packed extends Disposable {
  readonly folder: TempFolder;
  readonly store: MemoryStore;
  /** Entries as they lie on disk, by name. */
  readonly entries: ReadonlyMap<string, ScannedEntry>;
  readonly open: (options?: PackBaseOptions) => Promise<PackBase>;
}

/** A tree that was packed, with stamps as if that had been long ago. */
async function packTree(): Promise<Packed> {
  const folder = new TempFolder();
  const source = folder.tree("tree", { "large": random.bytes(400_000), "small": "small" });
  await Deno.link(`${source}/small`, `${source}/twin`);
  const store = new MemoryStore();
  const meta = folder.file("base.fl");
  await packDirectory(source, { meta, store, jobs: 1 });
  const entries = new Map<string, ScannedEntry>();
  for await (const directory of scanDirectory(source, { onFailure: () => assert.fail() })) {
    for (const entry of directory.entries) entries.set(entry.name, entry);
  }
  const stamps = SourceStamps.create();
  {
    using flist = FlistReader.open(meta);
    for (const { ino, name, hardLinkTo } of flist.inodes()) {
      if (name !== "" && hardLinkTo === undefined) stamps.set(ino, entries.get(name)!);
    }
  }
  const stateFolder = folder.file("state");
  await rememberOwnFlist(meta, stateFolder, stamps.toBytes(10));
  const open = (options: PackBaseOptions = { stateFolder }): Promise<PackBase> =>
    PackBase.open(meta, "myfs", store, options);
  return { folder, store, entries, open, [Symbol.dispose]: () => folder[Symbol.dispose]() };
}

Deno.test("PackBase: knows files that are as they were, by further names too", async () => {
  using packed = await packTree();
  await using base = await packed.open();
  base.enterDirectory("");
  const [large, small, twin] = ["large", "small", "twin"].map((name) => packed.entries.get(name)!);
  const ino = base.findUnchanged(small!);
  assert.ok(ino !== undefined);
  assert.equal(base.findUnchanged(twin!), ino);
  assert.notEqual(base.findUnchanged(large!), ino);
  let length = 0;
  base.forEachExtent(base.findUnchanged(large!)!, (fileOffset, chunk, _, size) => {
    assert.equal(fileOffset, length);
    assert.equal(base.refOfKey(toHex(base.refOf(chunk).key.toBytes())), base.refOf(chunk));
    length += size;
  });
  assert.equal(length, 400_000);
});

Deno.test("PackBase: any difference makes a file unknown", async () => {
  using packed = await packTree();
  await using base = await packed.open();
  base.enterDirectory("");
  const small = packed.entries.get("small")!;
  for (
    const change of [
      { name: "other" },
      { size: small.size + 1 },
      { mtime: small.mtime + 1 },
      { ctime: small.ctime + 1 },
      { ctimeNsec: small.ctimeNsec + 1 },
      { inode: small.inode + 1 },
    ]
  ) {
    assert.equal(base.findUnchanged({ ...small, ...change }), undefined, JSON.stringify(change));
  }
  base.enterDirectory("not in the base");
  assert.equal(base.findUnchanged(small), undefined);
});

Deno.test("PackBase: without stamps no file is known, but contents and chunks are", async () => {
  using packed = await packTree();
  await using base = await packed.open({});
  base.enterDirectory("");
  assert.equal(base.findUnchanged(packed.entries.get("small")!), undefined);
  const [digests, claims] = [new FileDigests(), new ChunkClaims()];
  base.seed(digests, claims);
  assert.equal(base.digestCount, 2);
  for (const ino of [2, 3]) {
    assert.equal(digests.firstValue(base.digestOf(ino)!, 0, 77), -ino);
    base.forEachExtent(ino, (_, chunk) => {
      assert.equal(claims.claim(base.refOf(chunk).key.toBytes()), false);
    });
  }
});

Deno.test("PackBase: files with a block that the store has lost are packed again", async () => {
  using packed = await packTree();
  let chunks: number;
  {
    await using whole = await packed.open();
    chunks = whole.chunkCount;
    whole.enterDirectory("");
    const lost: number[] = [];
    whole.forEachExtent(whole.findUnchanged(packed.entries.get("small")!)!, (_, chunk) => {
      lost.push(chunk);
    });
    for (const chunk of lost) await packed.store.delete(whole.refOf(chunk).id);
    assert.equal(lost.length, 1);
  }
  await using base = await packed.open();
  base.enterDirectory("");
  assert.equal(base.chunkCount, chunks - 1);
  assert.equal(base.digestCount, 1);
  assert.equal(base.findUnchanged(packed.entries.get("small")!), undefined);
  assert.ok(base.findUnchanged(packed.entries.get("large")!));
});

Deno.test("PackBase: a base from elsewhere is refused, unless it is trusted and in order", async () => {
  using folder = new TempFolder();
  const meta = folder.file("foreign.fl");
  writeFlist(meta, "myfs", (writer) => writer.setTag("unique", crypto.randomUUID()));
  const store = new MemoryStore();
  await assert.rejects(PackBase.open(meta, "myfs", store, {}), UntrustedBaseError);
  await using base = await PackBase.open(meta, "myfs", store, { trustBase: true });
  assert.equal(base.chunkCount, 0);
  await assert.rejects(
    PackBase.open(meta, "rfs", store, { trustBase: true }),
    (error) => error instanceof UnsupportedError && /profile myfs, not rfs/.test(error.message),
  );
  await Deno.writeTextFile(meta, "no flist");
  await assert.rejects(PackBase.open(meta, "myfs", store, { trustBase: true }), {
    code: "flist_format",
  });
});

Deno.test("PackBase: tells whether a secret went into its keys", async () => {
  using packed = await packTree();
  await using plain = await packed.open();
  assert.equal(plain.hasSecretKeys, false);
  const meta = packed.folder.file("secret.fl");
  const { store } = packed;
  const domainSecret = new Uint8Array(32).fill(4);
  await packDirectory(packed.folder.file("tree"), { meta, store, domainSecret, jobs: 1 });
  await using secret = await PackBase.open(meta, "myfs", store, {});
  assert.equal(secret.hasSecretKeys, true);
});
