/** Goal: threads agree on what has been seen, and on whose turn it is. */

import assert from "node:assert/strict";
import { ChunkClaims, FileDigests, Turns } from "../../../../lib/image/shared_digests.ts";
import { WorkerPool } from "../../../../lib/image/worker_pool.ts";
import type { PoolTask, PoolWorkerSetup } from "../../../helpers/pool_worker.ts";
import { SeededRandom } from "../../../helpers/seeded_random.ts";

const MODULE = new URL("../../../helpers/pool_worker.ts", import.meta.url);

/** More than memory for entries holds before it grows (8,192). */
const MANY = 20_000;

/** Digests in a row, each once. The first bytes repeat, so that many share a list. */
function makeDigests(count: number): Uint8Array {
  const digests = new SeededRandom(5).bytes(count * 32);
  const view = new DataView(digests.buffer);
  for (let i = 0; i < count; i++) {
    view.setUint16(i * 32, i % 5000);
    view.setUint8(i * 32 + 2, 0);
    view.setUint32(i * 32 + 28, i);
  }
  return digests;
}

Deno.test("FileDigests: gives the first value of each content, beyond the first growth of its memory", () => {
  const count = 10_000;
  const digests = makeDigests(count);
  const known = new FileDigests();
  // Another thread's view of the same memory.
  const other = new FileDigests(known.table);
  for (let i = 0; i < count; i++) {
    assert.equal((i % 2 === 0 ? known : other).firstValue(digests, i * 32, i + 1), i + 1);
  }
  for (let i = 0; i < count; i += 7) {
    assert.equal(other.firstValue(digests, i * 32, 999_999), i + 1);
    assert.equal(known.firstValue(digests, i * 32, -5), i + 1);
  }
});

Deno.test("FileDigests: values may be negative, as those of a base are", () => {
  const known = new FileDigests();
  const digests = makeDigests(1);
  assert.equal(known.firstValue(digests, 0, -12), -12);
  assert.equal(known.firstValue(digests, 0, 3), -12);
});

Deno.test("ChunkClaims: a digest that differs in any byte is another chunk", () => {
  const claims = new ChunkClaims();
  const digest = new Uint8Array(32).fill(1);
  assert.equal(claims.claim(digest), true);
  for (let i = 0; i < 32; i++) {
    const other = digest.slice();
    other[i]! ^= 0x80;
    assert.equal(claims.claim(other), true, `byte ${i}`);
    assert.equal(claims.claim(other), false, `byte ${i}`);
  }
  assert.equal(claims.claim(digest), false);
});

Deno.test("ChunkClaims: of threads that claim the same chunks, one gets each", async () => {
  const claims = new ChunkClaims();
  const digests = makeDigests(MANY);
  const setup: PoolWorkerSetup = { claims: claims.table };
  await using pool = new WorkerPool<PoolTask, number>(MODULE, { size: 2, setup });
  const claimed = await Promise.all(
    Array.from({ length: 2 }, () => pool.run({ kind: "claim", digests })),
  );
  assert.equal(claimed.reduce((sum, count) => sum + count), MANY, `${claimed}`);
  assert.equal(claims.claim(digests.subarray(0, 32)), false);
});

Deno.test("Turns: steps run in the order of their tasks, and go on when one throws", async () => {
  const log = new SharedArrayBuffer(400);
  const setup: PoolWorkerSetup = { log, turns: Turns.create().memory };
  await using pools = new AsyncDisposableStack();
  // A worker each, so that later turns can be asked for before earlier ones.
  const runs = [3, 1, 2, 0].map((turn) => {
    const pool = pools.use(new WorkerPool<PoolTask, number>(MODULE, { size: 1, setup }));
    return pool.run({ kind: "turn", turn, fails: turn === 1 });
  });
  const ended = await Promise.allSettled(runs);
  assert.deepEqual(ended.map(({ status }) => status), [
    "fulfilled",
    "rejected",
    "fulfilled",
    "fulfilled",
  ]);
  assert.deepEqual([...new Int32Array(log)].slice(0, 5), [4, 0, 1, 2, 3]);
});
