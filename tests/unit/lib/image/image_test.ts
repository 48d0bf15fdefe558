/** Goal: an image reads like the tree it was made of, in any part, and names what is wrong. */

import assert from "node:assert/strict";
import {
  BlockNotFoundError,
  PathNotFoundError,
  UnsafePathError,
} from "../../../../lib/base/errors.ts";
import { FlistReader } from "../../../../lib/flist/flist_reader.ts";
import { type Image, openImage, pathOf } from "../../../../lib/image/image.ts";
import { packDirectory } from "../../../../lib/image/pack.ts";
import { MemoryStore } from "../../../../lib/store/memory_store.ts";
import type { Store } from "../../../../lib/store/store.ts";
import { FaultyStore } from "../../../helpers/faulty_store.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";
import { SeededRandom } from "../../../helpers/seeded_random.ts";

const LARGE = new SeededRandom(8).bytes(1_500_000);
const SPARSE_SIZE = 700_000;
/** Where the sparse file has bytes: "data" in the middle, a hole before and after it. */
const SPARSE_AT = 300_000;

/** Packs a small tree of every kind and runs `use` on its image. */
async function withImage(
  use: (image: Image, meta: string, store: MemoryStore) => Promise<void> | void,
  readFrom: (store: MemoryStore) => Store = (store) => store,
): Promise<void> {
  using folder = new TempFolder();
  const source = folder.tree("tree", {
    "large": LARGE,
    "d/small": "small",
    "empty": "",
    "d-e": "x",
  });
  await Deno.link(`${source}/d/small`, `${source}/twin`);
  await Deno.symlink("d/small", `${source}/link`);
  {
    using sparse = await Deno.open(`${source}/sparse`, { write: true, create: true });
    sparse.seekSync(SPARSE_AT, Deno.SeekMode.Start);
    sparse.writeSync(new TextEncoder().encode("data"));
    sparse.truncateSync(SPARSE_SIZE);
  }
  const [meta, store] = [folder.file("a.fl"), new MemoryStore()];
  const tags = { "author": "me" };
  const { failures } = await packDirectory(source, { meta, store, tags, jobs: 1 });
  assert.deepEqual(failures, []);
  await using image = await openImage(meta, { store: readFrom(store) });
  await use(image, meta, store);
}

Deno.test("Image: reads any part of a file, over chunks and at its end", async () => {
  await withImage(async (image) => {
    assert.deepEqual(await image.readFile("large"), LARGE);
    const random = new SeededRandom(1);
    for (let i = 0; i < 30; i++) {
      const offset = random.below(LARGE.length + 1000);
      const length = random.below(i % 3 === 0 ? LARGE.length : 100);
      const part = await image.readAt("large", offset, length);
      assert.deepEqual(part, LARGE.slice(offset, offset + length), `${offset} ${length}`);
    }
    assert.equal((await image.readFile("empty")).length, 0);
    assert.equal((await image.readAt("large", LARGE.length, 10)).length, 0);
    for (const [offset, length] of [[-1, 1], [0, -1], [NaN, 1]] as const) {
      await assert.rejects(image.readAt("large", offset, length), RangeError);
    }
  });
});

Deno.test("Image: holes read as zeros", async () => {
  await withImage(async (image) => {
    const expected = new Uint8Array(SPARSE_SIZE);
    expected.set(new TextEncoder().encode("data"), SPARSE_AT);
    assert.deepEqual(await image.readFile("sparse"), expected);
    const around = await image.readAt("sparse", SPARSE_AT - 2, 8);
    assert.deepEqual(around, expected.slice(SPARSE_AT - 2, SPARSE_AT + 6));
  });
});

Deno.test("Image: a stream gives the whole content, and ends", async () => {
  await withImage(async (image) => {
    assert.deepEqual(await new Response(image.readStream("large")).bytes(), LARGE);
    assert.deepEqual(await Array.fromAsync(image.readStream("empty")), []);
    const parts = await Array.fromAsync(image.readStream("sparse"));
    assert.equal(parts.reduce((sum, { length }) => sum + length, 0), SPARSE_SIZE);
  });
});

Deno.test("Image: walks every directory before what is in it, sorted by name bytes", async () => {
  await withImage(async (image) => {
    const walk = async (path?: string): Promise<string[]> =>
      (await Array.fromAsync(image.walk(path))).map(({ path }) => path);
    const all = ["", "d", "d/small", "d-e", "empty", "large", "link", "sparse", "twin"];
    assert.deepEqual(new Set(await walk()), new Set(all));
    const order = await walk();
    assert.equal(order[0], "");
    assert.equal(order[order.indexOf("d") + 1], "d/small");
    assert.deepEqual(
      order.filter((path) => !path.includes("/")),
      all.filter((path) => !path.includes("/")).sort(),
    );
    assert.deepEqual(await walk("/d/"), ["d", "d/small"]);
    assert.deepEqual(await walk("empty"), ["empty"]);
    assert.deepEqual(image.readDirectory("d").map(({ path }) => path), ["d/small"]);
  });
});

Deno.test("Image: further names tell the first, and have its metadata and content", async () => {
  await withImage(async (image) => {
    const [first, further] = [image.stat("d/small"), image.stat("twin")];
    const links = [first, further].filter(({ hardLinkTo }) => hardLinkTo !== undefined);
    assert.equal(links.length, 1);
    const other = links[0] === first ? "twin" : "d/small";
    assert.equal(links[0]!.hardLinkTo, other);
    assert.equal(first.ino, further.ino);
    assert.deepEqual([first.size, first.mtime, first.digest], [
      further.size,
      further.mtime,
      further.digest,
    ]);
    assert.equal(new TextDecoder().decode(await image.readFile("twin")), "small");
  });
});

Deno.test("Image: tells metadata, links, tags and profile from the flist alone", async () => {
  await withImage((image, meta) => {
    const { kind, mode, size } = image.stat("./d/small");
    assert.deepEqual([kind, mode & 0o170000, size], ["file", 0o100000, 5]);
    assert.equal(image.stat("/").kind, "directory");
    assert.equal(image.readLink("link"), "d/small");
    assert.equal(image.tags.get("author"), "me");
    assert.deepEqual([image.profile, image.meta], ["myfs", meta]);
    assert.equal(image.xattrs("empty").size, 0);
    using flist = FlistReader.open(meta);
    for (const path of ["d/small", "d"]) {
      const { ino } = image.stat(path);
      const at = pathOf(flist, flist.inode(ino)!);
      assert.ok(at === path || at === "twin");
    }
  }, () => new FaultyStore(new MemoryStore(), [{ error: new Error("the store was asked") }]));
});

Deno.test("Image: what is not there or of another kind is a PathNotFoundError; .. is unsafe", async () => {
  await withImage(async (image) => {
    const calls: readonly (() => unknown)[] = [
      () => image.stat("none"),
      () => image.readDirectory("empty"),
      () => image.readLink("empty"),
      () => image.readStream("d"),
      () => image.stat("link/small"),
    ];
    for (const call of calls) assert.throws(call, PathNotFoundError);
    for (const path of ["d", "link", "none"]) {
      await assert.rejects(image.readFile(path), PathNotFoundError);
    }
    assert.throws(() => image.stat("d/../large"), UnsafePathError);
    await assert.rejects(image.readFile("../a"), UnsafePathError);
  });
});

Deno.test("Image: a missing block is named with the file that needs it, and may come back", async () => {
  await withImage(async (image, _meta, store) => {
    const blocks = [];
    for await (const id of store.list()) blocks.push({ id, block: await store.get(id) });
    for (const { id } of blocks) await store.delete(id);
    await assert.rejects(image.readFile("d/small"), (error) => {
      assert.ok(error instanceof BlockNotFoundError);
      assert.match(error.message, /; d\/small needs it$/);
      return true;
    });
    for (const { id, block } of blocks) await store.put(id, block);
    assert.equal(new TextDecoder().decode(await image.readFile("d/small")), "small");
  });
});

Deno.test("Image: a reading that is stopped rejects with the reason", async () => {
  await withImage(async (image) => {
    const reason = new Error("stop");
    await assert.rejects(
      image.readFile("large", { signal: AbortSignal.abort(reason) }),
      (error) => error === reason,
    );
  });
});

Deno.test("openImage: rejects where there is no flist", async () => {
  using folder = new TempFolder();
  await assert.rejects(openImage(folder.file("none.fl")), { code: "flist_not_found" });
  await Deno.writeTextFile(folder.file("text"), "text");
  await assert.rejects(openImage(folder.file("text")), { code: "flist_format" });
});
