/** Goal: a place to try a store in lies within the store where it can, and disappears. */

import assert from "node:assert/strict";
import { StoreDeniedError } from "../../../../lib/base/errors.ts";
import { MemoryStore } from "../../../../lib/store/memory_store.ts";
import { openScratch, ScratchStore, scratchUrl } from "../../../../lib/store/scratch_store.ts";
import { FaultyStore } from "../../../helpers/faulty_store.ts";
import { randomBlock } from "../../../helpers/random_block.ts";

Deno.test("scratchUrl: lies within directories, key prefixes and names", () => {
  const name = String.raw`\.myfs-check-[0-9a-f]{16}`;
  const cases: Record<string, string> = {
    "dir:///srv/blocks": `dir:///srv/blocks/${name}`,
    "dir:///srv/a%20b/": `dir:///srv/a%20b/${name}`,
    "dir:///": `dir:///${name}`,
    "mem://a": `mem://a/${name}`,
    "s3://k:s@host:9000/bucket": `s3://k:s@host:9000/bucket/${name}`,
    "s3s://host/bucket/prefix/?region=eu": String.raw`s3s://host/bucket/prefix/${name}\?region=eu`,
    "s3+tls://host/bucket": String.raw`s3\+tls://host/bucket/${name}`,
  };
  for (const [url, expected] of Object.entries(cases)) {
    assert.match(scratchUrl(url)!, new RegExp(`^${expected}$`), url);
    assert.notEqual(scratchUrl(url), scratchUrl(url));
  }
  for (const url of ["zdb://host/space", "redis://host", "http://host/blocks", "hub://host"]) {
    assert.equal(scratchUrl(url), undefined);
  }
});

Deno.test("openScratch: what was put into a store is gone after, and what was there is not", async () => {
  const name = `mem://${crypto.randomUUID()}`;
  const store = new MemoryStore(name.slice("mem://".length));
  const [kept, tried] = [randomBlock(10), randomBlock(10)];
  await store.put(kept.id, kept.block);
  for (const [place, kind] of [[name, "within"], [store, "among"]] as const) {
    const scratch = await openScratch(place);
    assert.equal(scratch.kind, kind);
    await scratch.store.put(tried.id, tried.block);
    assert.deepEqual(await store.has([tried.id]), [kind === "among"]);
    assert.equal(await scratch.cleanUp(), 0);
    assert.deepEqual(await Array.fromAsync(store.list()), [kept.id]);
  }
});

Deno.test("ScratchStore: its signal ends every call, but not the removal", async () => {
  const inner = new MemoryStore();
  const controller = new AbortController();
  const scratch = new ScratchStore(inner, controller.signal);
  const { id, block } = randomBlock(10);
  await scratch.put(id, block);
  const reason = new Error("stop");
  controller.abort(reason);
  const calls = [
    () => scratch.get(id),
    () => scratch.put(id, block),
    () => scratch.has([id]),
    () => scratch.flush(),
    () => scratch.delete!(id),
    () => Array.fromAsync(scratch.list!()),
  ];
  for (const call of calls) await assert.rejects(call(), (error) => error === reason);
  assert.equal(await scratch.removeAll(), 0);
  assert.deepEqual(await inner.has([id]), [false]);
});

Deno.test("ScratchStore: counts what it cannot remove, and asks again", async () => {
  const inner = new MemoryStore();
  const error = new StoreDeniedError("mem://", "no");
  const scratch = new ScratchStore(new FaultyStore(inner, [{ call: "delete", nth: 1, error }]));
  const { id, block } = randomBlock(10);
  await scratch.put(id, block);
  assert.equal(await scratch.removeAll(), 1);
  assert.equal(await scratch.removeAll(), 0);
});
