/**
 * Goal: blocks opened on other threads are what they are on this one, and faults come back as errors
 * of the library. Method: sealed chunks, whole and damaged.
 */

import assert from "node:assert/strict";
import { BlockCorruptError } from "../../../../lib/base/errors.ts";
import { createBlockCodec } from "../../../../lib/block/block_codec.ts";
import { ChunkOpeners } from "../../../../lib/mount/chunk_openers.ts";

const SETUP = { profile: "myfs", verifyKey: true } as const;
const codec = createBlockCodec("myfs");
const sealed = (text: string): ReturnType<typeof codec.seal> => {
  const chunk = new TextEncoder().encode(text.repeat(2000));
  return codec.seal(chunk, codec.keyOf(chunk));
};

Deno.test("chunk openers: open many blocks at once, each to its own chunk", async () => {
  await using openers = new ChunkOpeners(SETUP, 2);
  const texts = Array.from({ length: 20 }, (_, number) => `chunk ${number}; `);
  const plains = await Promise.all(texts.map((text) => {
    const { ref, block } = sealed(text);
    return openers.open(ref, block);
  }));
  const decoder = new TextDecoder();
  assert.deepEqual(
    plains.map((plain) => decoder.decode(plain)),
    texts.map((one) => one.repeat(2000)),
  );
});

Deno.test("chunk openers: a damaged block is told, and the next is opened all the same", async () => {
  await using openers = new ChunkOpeners(SETUP, 1);
  const { ref, block } = sealed("good");
  const damaged = block.slice();
  damaged[20]! ^= 1;
  await assert.rejects(openers.open(ref, damaged), BlockCorruptError);
  assert.equal((await openers.open(ref, block)).length, ref.size);
});

Deno.test("chunk openers: a part of a larger array is opened and leaves the array as it is", async () => {
  await using openers = new ChunkOpeners(SETUP, 1);
  const { ref, block } = sealed("part");
  const larger = new Uint8Array(block.length + 10);
  larger.set(block, 5);
  assert.equal((await openers.open(ref, larger.subarray(5, -5))).length, ref.size);
  assert.equal(larger.length, block.length + 10);
});

Deno.test("chunk openers: after the end nothing is opened", async () => {
  const openers = new ChunkOpeners(SETUP, 1);
  await openers[Symbol.asyncDispose]();
  const { ref, block } = sealed("late");
  await assert.rejects(openers.open(ref, block), TypeError);
});
