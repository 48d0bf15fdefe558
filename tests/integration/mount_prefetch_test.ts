/**
 * Goal: a second mount starts with what the first one used, and all of an image comes when that is
 * asked for. Method: real mounts of a store that is not on a disk, each with a cache of its own.
 */

import assert from "node:assert/strict";
import { formatUseTrace, mountImage, packDirectory, parseUseTrace } from "myfs";
import { MemoryStore } from "../../lib/store/memory_store.ts";
import { requiringTest } from "../helpers/require.ts";
import { TempFolder } from "../helpers/temp_folder.ts";
import { until } from "../helpers/until.ts";

/** Bytes that do not compress, so that each file has chunks of its own. */
function noise(size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += 60_000) crypto.getRandomValues(bytes.subarray(at, at + 60_000));
  return bytes;
}

requiringTest(
  ["root", "fuse"],
  "mount prefetch: what one mount used is in the cache of the next before it is asked for",
  async () => {
    using folder = new TempFolder();
    const meta = folder.file("a.fl");
    const store = new MemoryStore("prefetch");
    const tree = folder.tree("tree", { a: noise(400_000), b: noise(400_000), c: noise(400_000) });
    await packDirectory(tree, { meta, store });
    const target = folder.tree("mnt", {});

    const first = await mountImage(meta, target, { store, cache: folder.file("cache-1") });
    await Deno.readFile(`${target}/c`);
    await Deno.readFile(`${target}/a`);
    await first.unmount();
    assert.equal(await first.finished, "unmounted");
    const used = parseUseTrace(formatUseTrace(first.firstUses()));
    assert.ok(used.length > 1);

    const cache = folder.file("cache-2");
    await using second = await mountImage(meta, target, { store, cache, prefetch: used });
    await until(() => second.statistics().prefetch?.running === false);
    const { blocks, failed } = second.statistics().prefetch!;
    assert.deepEqual([blocks, failed], [used.length, 0]);
    await second.unmount();
    await second.finished;

    await using third = await mountImage(meta, target, { store, cache, prefetch: "all" });
    await until(() => third.statistics().prefetch?.running === false);
    assert.ok(third.statistics().prefetch!.blocks > used.length);
    // From the cache alone: the store has nothing any more.
    for await (const id of store.list()) await store.delete(id);
    assert.deepEqual(await Deno.readFile(`${target}/b`), await Deno.readFile(`${tree}/b`));
  },
);

Deno.test("mount prefetch: without a cache it is refused", async () => {
  await assert.rejects(mountImage("a.fl", "/nowhere", { prefetch: "all" }), TypeError);
  const options = { prefetch: "all", cache: "/nowhere", prefetchRate: 0 } as const;
  await assert.rejects(mountImage("a.fl", "/nowhere", options), RangeError);
});
