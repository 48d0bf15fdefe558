/** Goal: nobody sees a block that is not what its id says; a mangled answer is asked for again. */

import assert from "node:assert/strict";
import type { Bytes } from "../../../../../lib/base/bytes.ts";
import { BlockCorruptError, BlockNotFoundError } from "../../../../../lib/base/errors.ts";
import type { BlockId } from "../../../../../lib/block/block_ref.ts";
import { checkEitherDigest } from "../../../../../lib/store/block_check.ts";
import { MemoryStore } from "../../../../../lib/store/memory_store.ts";
import { VerifyingStore } from "../../../../../lib/store/wrappers/verifying_store.ts";
import { randomBlock } from "../../../../helpers/random_block.ts";

/** Gives wrong bytes in the first answers. */
class ManglingStore extends MemoryStore {
  gets = 0;
  readonly #count: number;

  constructor(count: number) {
    super("mangling");
    this.#count = count;
  }

  override async get(id: BlockId): Promise<Bytes> {
    const block = await super.get(id);
    if (this.gets++ < this.#count) block[0]! ^= 1;
    return block;
  }
}

const check = checkEitherDigest;

Deno.test("VerifyingStore: a damaged block is an error that names store and block", async () => {
  const { id, block } = randomBlock(100);
  const inner = new ManglingStore(Infinity);
  await inner.put(id, block);
  await using store = new VerifyingStore(inner, { check });
  await assert.rejects(store.get(id), (error) => {
    assert.ok(error instanceof BlockCorruptError);
    assert.equal(error.id, id);
    assert.match(error.message, /100 bytes digest to .*mem:\/\/mangling/);
    return true;
  });
  assert.equal(inner.gets, 1);
});

Deno.test("VerifyingStore: asks again for what came damaged, as often as it may", async () => {
  const { id, block } = randomBlock(100);
  for (const [mangled, repeats, gets] of [[0, 2, 1], [1, 2, 2], [2, 2, 3]] as const) {
    const inner = new ManglingStore(mangled);
    await inner.put(id, block);
    await using store = new VerifyingStore(inner, { check, repeats });
    assert.deepEqual(await store.get(id), block);
    assert.equal(inner.gets, gets);
  }
  const inner = new ManglingStore(3);
  await using store = new VerifyingStore(inner, { check, repeats: 2 });
  await assert.rejects(store.get(id), BlockCorruptError);
  assert.equal(inner.gets, 3);
});

Deno.test("VerifyingStore: other errors pass at once, and an abort ends the asking", async () => {
  const { id, block } = randomBlock(100);
  const inner = new ManglingStore(Infinity);
  await using store = new VerifyingStore(inner, { check, repeats: 5 });
  await assert.rejects(store.get(randomBlock(100).id), BlockNotFoundError);
  await inner.put(id, block);
  const controller = new AbortController();
  const got = store.get(id, { signal: controller.signal });
  controller.abort(new Error("stop"));
  await assert.rejects(got, /stop/);
  assert.equal(inner.gets, 1);
});

Deno.test("VerifyingStore: leaves a local store local", () => {
  const local = { directories: [] };
  const inner = Object.defineProperty(new MemoryStore(), "local", { value: local });
  assert.equal(new VerifyingStore(inner, { check }).local, local);
  assert.equal(new VerifyingStore(new MemoryStore(), { check }).local, undefined);
});
