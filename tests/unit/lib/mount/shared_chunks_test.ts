/**
 * Goal: chunks are there or not, never half or another's, and memory stays as large as it was made.
 * Method: two views of one memory, as two threads have them, and real threads for the waiting.
 */

import assert from "node:assert/strict";
import { SharedChunks } from "../../../../lib/mount/shared_chunks.ts";

const filled = (size: number, value: number) => new Uint8Array(size).fill(value);

Deno.test("shared chunks: what one thread put, another copies", () => {
  const memory = SharedChunks.allocate(1000);
  const [one, other] = [new SharedChunks(memory), new SharedChunks(memory)];
  const large = 5_000_000_000;
  one.put(7, Uint8Array.from({ length: 100 }, (_, index) => index));
  one.put(large, filled(10, 9));
  const target = new Uint8Array(12);
  assert.ok(other.copy(7, 40, 50, target, 1));
  assert.deepEqual([...target], [0, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 0]);
  assert.ok(other.copy(large, 0, 10, target, 0));
  assert.deepEqual([...target.subarray(0, 10)], [...filled(10, 9)]);
  assert.equal(other.copy(8, 0, 1, target, 0), false);
  // The same number in 32 bits.
  assert.equal(other.has(large % 2 ** 32), false);
  assert.equal(other.usedBytes, 110);
});

Deno.test("shared chunks: the oldest make room, and what is left is whole", () => {
  const chunks = new SharedChunks(SharedChunks.allocate(1000));
  for (let chunk = 1; chunk <= 500; chunk++) {
    const size = 1 + (chunk * 37) % 300;
    chunks.put(chunk, filled(size, chunk % 251));
    assert.ok(chunks.usedBytes <= 1000);
    for (let old = Math.max(1, chunk - 10); old <= chunk; old++) {
      const bytes = new Uint8Array(1 + (old * 37) % 300);
      const isThere = chunks.copy(old, 0, bytes.length, bytes, 0);
      if (isThere) assert.deepEqual(bytes, filled(bytes.length, old % 251));
      assert.ok(isThere || old !== chunk);
    }
  }
});

Deno.test("shared chunks: what is larger than the memory is not kept, and nobody waits for it", () => {
  const chunks = new SharedChunks(SharedChunks.allocate(100));
  assert.equal(chunks.claim(1), "claimed");
  chunks.put(1, filled(101, 1));
  assert.equal(chunks.has(1), false);
  assert.equal(chunks.claim(1), "claimed");
});

Deno.test("shared chunks: a claim that was given up is free for the next", () => {
  const chunks = new SharedChunks(SharedChunks.allocate(100));
  assert.equal(chunks.claim(1), "claimed");
  chunks.release(1);
  assert.equal(chunks.claim(1), "claimed");
  chunks.put(1, filled(10, 1));
  assert.equal(chunks.claim(1), "present");
});

Deno.test("shared chunks: more chunks than there are places", () => {
  const chunks = new SharedChunks(SharedChunks.allocate(100_000));
  for (let chunk = 1; chunk <= 5000; chunk++) chunks.put(chunk, filled(1, chunk % 256));
  const byte = new Uint8Array(1);
  assert.ok(chunks.copy(5000, 0, 1, byte, 0));
  assert.equal(byte[0], 5000 % 256);
  assert.equal(chunks.has(1), false);
});

Deno.test("shared chunks: a thread waits for the one that opens the chunk", async () => {
  const memory = SharedChunks.allocate(1000);
  const chunks = new SharedChunks(memory);
  assert.equal(chunks.claim(3), "claimed");
  const module = new URL("../../../../lib/mount/shared_chunks.ts", import.meta.url).href;
  const source = `import { SharedChunks } from ${JSON.stringify(module)};
    self.onmessage = ({ data }) => {
      self.postMessage("waits");
      self.postMessage(new SharedChunks(data).claim(3));
    };
    self.postMessage("loaded");`;
  const url = URL.createObjectURL(new Blob([source], { type: "application/typescript" }));
  const worker = new Worker(url, { type: "module" });
  try {
    const said: string[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    worker.onmessage = ({ data }) => {
      said.push(data);
      if (data === "loaded") worker.postMessage(memory);
      if (data === "waits") {
        setTimeout(() => {
          said.push("put");
          chunks.put(3, filled(5, 5));
        }, 50);
      }
      if (data === "present" || data === "claimed") resolve();
    };
    await promise;
    assert.deepEqual(said, ["loaded", "waits", "put", "present"]);
  } finally {
    worker.terminate();
    URL.revokeObjectURL(url);
  }
});
