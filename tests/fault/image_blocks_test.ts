/**
 * Blocks that are missing or damaged: the files that need them and the block are named, all other
 * files are there, and nothing that looks complete is not. Method: every block of a small image is
 * removed, cut, flipped and exchanged.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  BlockCorruptError,
  BlockNotFoundError,
  checkImage,
  cloneImage,
  inspectImage,
  MemoryStore,
  openImage,
  packDirectory,
  type Profile,
  unpackImage,
} from "../../mod.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";
import { TempFolder } from "../helpers/temp_folder.ts";

const PROFILES: readonly Profile[] = ["myfs", "rfs"];

/** An image of a few blocks on disk. */
class SmallImage implements Disposable {
  readonly folder = new TempFolder();
  readonly meta: string;
  readonly files = new Map<string, Uint8Array>();
  readonly #store: string;

  private constructor(profile: Profile) {
    this.meta = this.folder.file(`${profile}.fl`);
    this.#store = `dir://${this.folder.file("blocks")}`;
  }

  static async create(profile: Profile): Promise<SmallImage> {
    const image = new SmallImage(profile);
    const random = new SeededRandom(5);
    const content = random.bytes(900_000);
    image.files.set("large", content);
    image.files.set("large too", content.slice(0, 700_000));
    for (let i = 0; i < 4; i++) image.files.set(`small ${i}`, random.bytes(2000 + i));
    image.files.set("words", random.runs(400_000));
    const source = image.folder.tree("tree", Object.fromEntries(image.files));
    if (profile === "myfs") await Deno.link(`${source}/large`, `${source}/second name`);
    await packDirectory(source, { meta: image.meta, store: image.#store, profile, jobs: 1 });
    return image;
  }

  /** Paths of all blocks. */
  blocks(): string[] {
    const folder = this.folder;
    return folder.names("blocks").flatMap((prefix) =>
      folder.names(`blocks/${prefix}`).map((id) => folder.file(`blocks/${prefix}/${id}`))
    );
  }

  /** Files that need the block with this id, from the image's check of a store without it. */
  async needing(id: string): Promise<readonly string[]> {
    const { missing, corrupt } = await checkImage(this.meta, { jobs: 1 });
    const faults = [...missing, ...corrupt].filter((each) => each.id === id);
    for (const fault of faults) assert.equal(fault.pathCount, fault.paths.length);
    return faults.flatMap(({ paths }) => paths);
  }

  /** Unpacks, and checks that exactly the files of `damaged` are left out. */
  async expectDamage(id: string, damaged: readonly string[], reason: RegExp): Promise<void> {
    const target = this.folder.file(`out ${crypto.randomUUID()}`);
    const report = await unpackImage(this.meta, target, { jobs: 1 });
    // With the first name of a file, its others go too.
    const furtherNames = (await inspectImage(this.meta)).hardLinks === 0 ? [] : ["second name"];
    const expected = damaged.includes("large") ? [...damaged, ...furtherNames] : damaged;
    assert.deepEqual(report.failures.map(({ path }) => path).sort(), expected.toSorted());
    for (const failure of report.failures) {
      if (failure.path === "second name") continue;
      assert.ok(failure.reason.includes(id), failure.reason);
      assert.match(failure.reason, reason);
      assert.match(failure.code, /^block_(not_found|corrupt)$/);
    }
    const names = Array.from(Deno.readDirSync(target), ({ name }) => name).sort();
    const all = [...this.files.keys(), ...furtherNames];
    assert.deepEqual(names, all.filter((name) => !expected.includes(name)).sort());
    for (const name of names) {
      const content = await Deno.readFile(`${target}/${name}`);
      assert.deepEqual(content, this.files.get(name === "second name" ? "large" : name), name);
    }
    assert.equal(report.files, this.files.size - damaged.length);
    await Deno.remove(target, { recursive: true });
  }

  [Symbol.dispose](): void {
    this.folder[Symbol.dispose]();
  }
}

for (const profile of PROFILES) {
  Deno.test(`blocks of the ${profile} profile: each that is missing is named with its files`, async () => {
    using image = await SmallImage.create(profile);
    const blocks = image.blocks();
    assert.ok(blocks.length >= 4);
    const touched = new Set<string>();
    for (const path of blocks) {
      const id = path.slice(-64);
      const block = await Deno.readFile(path);
      await Deno.remove(path);
      for (const presenceOnly of [false, true]) {
        const check = await checkImage(image.meta, { presenceOnly, jobs: 1 });
        assert.deepEqual(new Set(check.missing.map((fault) => fault.id)), new Set([id]));
        assert.deepEqual(check.corrupt, []);
        assert.equal(check.blocksOk, check.blocks - check.missing.length);
      }
      const damaged = await image.needing(id);
      for (const name of damaged) touched.add(name);
      await image.expectDamage(id, damaged, /is not in dir:/);
      await using opened = await openImage(image.meta);
      await assert.rejects(opened.readFile(damaged[0]!), (error) => {
        assert.ok(error instanceof BlockNotFoundError);
        assert.equal(error.id, id);
        assert.ok(error.message.includes(`; ${damaged[0]} needs it`), error.message);
        return true;
      });
      await Deno.writeFile(path, block);
    }
    assert.deepEqual([...touched].sort(), [...image.files.keys()].sort());
    assert.equal((await checkImage(image.meta)).missing.length, 0);
  });

  Deno.test(`blocks of the ${profile} profile: each that is cut, longer or another's is damaged`, async () => {
    using image = await SmallImage.create(profile);
    const blocks = image.blocks();
    for (const [index, path] of blocks.entries()) {
      const id = path.slice(-64);
      const block = await Deno.readFile(path);
      const another = await Deno.readFile(blocks[(index + 1) % blocks.length]!);
      const damages: Record<string, Uint8Array> = {
        "one byte short": block.subarray(0, -1),
        "one byte": block.subarray(0, 1),
        "one byte more": Uint8Array.from([...block, 0]),
        "another block": another,
        "zeros": new Uint8Array(block.length),
        "half": block.subarray(0, block.length / 2),
      };
      await Deno.writeFile(path, damages["half"]!);
      const check = await checkImage(image.meta, { jobs: 1 });
      assert.deepEqual(check.missing, []);
      assert.deepEqual(new Set(check.corrupt.map((fault) => fault.id)), new Set([id]));
      const damaged = await image.needing(id);
      await image.expectDamage(id, damaged, /is damaged/);
      for (const [damage, bytes] of Object.entries(damages)) {
        await Deno.writeFile(path, bytes);
        await using opened = await openImage(image.meta);
        await assert.rejects(opened.readFile(damaged[0]!), BlockCorruptError, damage);
      }
      // An empty file is what a crash leaves: it counts as not there.
      await Deno.writeFile(path, new Uint8Array());
      assert.equal((await checkImage(image.meta, { jobs: 1 })).missing[0]!.id, id);
      await Deno.writeFile(path, block);
    }
  });

  Deno.test(`blocks of the ${profile} profile: a flip of any byte is noticed`, async (t) => {
    using image = await SmallImage.create(profile);
    const seed = 1 + Math.floor(Math.random() * 2 ** 30);
    await t.step(`SEED=${seed}`, async () => {
      const random = new SeededRandom(seed);
      for (const path of image.blocks()) {
        const block = await Deno.readFile(path);
        const { corrupt } = await damagedCheck(image, path, block);
        const name = corrupt[0]!.paths[0]!;
        // The first and last bytes, where nonce and tag lie, and some between.
        const ends = Array.from({ length: 30 }, (_, i) => i < 15 ? i : block.length - 30 + i);
        const some = Array.from({ length: 10 }, () => random.below(block.length));
        for (const at of [...ends, ...some]) {
          const flipped = block.slice();
          flipped[at]! ^= 1 << random.below(8);
          await Deno.writeFile(path, flipped);
          await using opened = await openImage(image.meta);
          await assert.rejects(opened.readFile(name), BlockCorruptError, `byte ${at} of ${path}`);
        }
        await Deno.writeFile(path, block);
      }
    });
  });
}

async function damagedCheck(
  image: SmallImage,
  path: string,
  block: Uint8Array,
): Promise<{ corrupt: readonly { readonly paths: readonly string[] }[] }> {
  const flipped = block.slice();
  flipped[0]! ^= 1;
  await Deno.writeFile(path, flipped);
  return await checkImage(image.meta, { jobs: 1 });
}

Deno.test("blocks: a replica takes the place of what is missing or damaged", async () => {
  using folder = new TempFolder();
  const content = new SeededRandom(8).bytes(900_000);
  const source = folder.tree("tree", { "large": content, "small": "small" });
  const meta = folder.file("a.fl");
  const store = [`dir://${folder.file("one")}`, `dir://${folder.file("two")}`];
  await packDirectory(source, { meta, store, jobs: 1 });
  // Of the first copies, one is removed and the others are damaged.
  const copies = folder.names("one").flatMap((prefix) =>
    folder.names(`one/${prefix}`).map((id) => folder.file(`one/${prefix}/${id}`))
  );
  await Deno.remove(copies[0]!);
  for (const path of copies.slice(1)) {
    using file = await Deno.open(path, { write: true });
    await file.write(new TextEncoder().encode("damaged"));
  }
  const report = await unpackImage(meta, folder.file("out"), { jobs: 1 });
  assert.deepEqual(report.failures, []);
  assert.deepEqual(await Deno.readFile(folder.file("out/large")), content);
  assert.equal((await checkImage(meta)).blocksOk, (await inspectImage(meta)).chunks);
});

Deno.test("blocks: a large file that lacks any block of a store elsewhere is not left in part", async () => {
  using folder = new TempFolder();
  const random = new SeededRandom(9);
  const source = folder.tree("tree", { "large": random.bytes(9_000_000), "z": "z" });
  await Deno.link(`${source}/large`, `${source}/linked`);
  const meta = folder.file("a.fl");
  const store = new MemoryStore();
  await packDirectory(source, { meta, store });
  const ids = await Array.fromAsync(store.list());
  for (const id of [ids[0]!, ids.at(-2)!, ids[Math.floor(ids.length / 2)]!]) {
    const block = await store.get(id);
    await store.delete(id);
    const target = folder.file("out");
    const report = await unpackImage(meta, target, { store, jobs: 2 });
    const damaged = report.failures.map(({ path }) => path).sort();
    const expected = damaged.includes("z") ? ["z"] : ["large", "linked"];
    assert.deepEqual(damaged, expected);
    assert.deepEqual(
      folder.names("out"),
      ["large", "linked", "z"].filter((name) => !expected.includes(name)),
    );
    await Deno.remove(target, { recursive: true });
    await store.put(id, block);
  }
});

Deno.test("blocks: a clone copies nothing damaged and makes no flist of it", async () => {
  using image = await SmallImage.create("myfs");
  const path = image.blocks()[1]!;
  const block = await Deno.readFile(path);
  const target = image.folder.file("clone.fl");
  const store = `dir://${image.folder.file("elsewhere")}`;
  await Deno.writeFile(path, block.subarray(1));
  await assert.rejects(cloneImage(image.meta, { target, store }), (error) => {
    assert.ok(error instanceof BlockCorruptError);
    assert.equal(error.id, path.slice(-64));
    return true;
  });
  await Deno.remove(path);
  await assert.rejects(cloneImage(image.meta, { target, store }), BlockNotFoundError);
  assert.ok(!image.folder.names().some((name) => name.startsWith("clone.fl")));
  await Deno.writeFile(path, block);
  const report = await cloneImage(image.meta, { target, store });
  assert.ok(report.blocksPresent > 0, "what was copied before was copied again");
  assert.equal((await checkImage(target)).corrupt.length, 0);
});
