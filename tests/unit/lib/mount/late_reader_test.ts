/**
 * Goal: a read that waits is answered once: with its bytes, or with an error in time, whatever the
 * store does. Method: a packed tree, a store that does as told, and a writer that records answers.
 */

import assert from "node:assert/strict";
import type { BlockId } from "../../../../lib/block/block_ref.ts";
import type { Bytes } from "../../../../lib/base/bytes.ts";
import { FlistReader } from "../../../../lib/flist/flist_reader.ts";
import { codecSetupOf, openFlistCodec } from "../../../../lib/image/flist_codec.ts";
import { packDirectory } from "../../../../lib/image/pack.ts";
import { EINTR, EIO } from "../../../../lib/linux/errno.ts";
import { LateReader } from "../../../../lib/mount/late_reader.ts";
import { LateStore } from "../../../../lib/mount/late_store.ts";
import { MOUNT_COUNTER, MountCounters } from "../../../../lib/mount/mount_counters.ts";
import { SharedChunks } from "../../../../lib/mount/shared_chunks.ts";
import { MemoryStore } from "../../../../lib/store/memory_store.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";

const CONTENT = new Uint8Array(9_000_000);
for (let at = 0; at < CONTENT.length; at += 60_000) {
  crypto.getRandomValues(CONTENT.subarray(at, at + 60_000));
}

/** What the writer was given: bytes, or the number of an error. */
interface Answer {
  readonly fd: number;
  readonly unique: number;
  readonly outcome: number | Uint8Array;
}

/** A reader, and all that happens around it. */
interface Place extends Disposable {
  readonly reader: LateReader;
  /** What the store was asked for. */
  readonly gets: readonly BlockId[];
  /** What the store does with a block before it gives it. */
  readonly behaviour: { get: (block: Promise<Bytes>) => Promise<Bytes> };
  readonly answers: readonly Answer[];
  readonly faults: readonly unknown[];
  readonly counters: MountCounters;
  readonly chunkCount: number;
  /** Reads from the one file that there is. */
  readonly read: (unique: number, offset: number, length: number) => Promise<void>;
}

/** A reader whose store answers when it is told to. */
async function place(deadlineMs: number): Promise<Place> {
  const folder = new TempFolder();
  const store = new MemoryStore("late-reader");
  const meta = folder.file("a.fl");
  await packDirectory(folder.tree("tree", { file: CONTENT }), { meta, store });
  const flist = FlistReader.open(meta);
  const gets: BlockId[] = [];
  const behaviour: Place["behaviour"] = { get: (block) => block };
  const answers: Answer[] = [];
  const content = new Uint8Array(1024 * 1024);
  const faults: unknown[] = [];
  const counters = new MountCounters(MountCounters.allocate());
  const chunks = new SharedChunks(SharedChunks.allocate(16 * 1024 * 1024));
  const late = new LateStore(() =>
    Promise.resolve({
      store: Object.assign(Object.create(store), {
        get: (id: BlockId) => {
          gets.push(id);
          return behaviour.get(store.get(id));
        },
      }),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    })
  );
  const codec = openFlistCodec(codecSetupOf(flist));
  const reader = new LateReader({
    flist,
    // deno-lint-ignore require-await -- what it throws is to be a rejection
    open: async (ref, block) => codec.open(ref, block),
    chunks,
    counters,
    store: late,
    replies: {
      content,
      answer: (fd, unique, _high, length) =>
        answers.push({ fd, unique, outcome: content.slice(0, length) }),
      fail: (fd, unique, _high, error) => answers.push({ fd, unique, outcome: error }),
    },
    deadlineMs,
    onFault: (error) => faults.push(error),
  });
  const ino = flist.child(1, "file")!.ino;
  return {
    reader,
    gets,
    behaviour,
    answers,
    faults,
    counters,
    chunkCount: flist.counts().chunks,
    read: (unique: number, offset: number, length: number) =>
      reader.read(3, { ino, offset, length, uniqueLow: unique, uniqueHigh: 0 }),
    [Symbol.dispose]: () => {
      flist[Symbol.dispose]();
      folder[Symbol.dispose]();
    },
  };
}

Deno.test("late reader: reads of one chunk at once ask the store once, and all get their bytes", async () => {
  using at = await place(5000);
  await Promise.all([at.read(1, 10, 1000), at.read(2, 500, 100), at.read(3, 0, 1_000_000)]);
  assert.deepEqual(at.answers.map(({ unique }) => unique).toSorted(), [1, 2, 3]);
  for (const { fd, unique, outcome } of at.answers) {
    const [offset, length] = [[10, 1000], [500, 100], [0, 1_000_000]][unique - 1]!;
    assert.equal(fd, 3);
    assert.deepEqual(outcome, CONTENT.subarray(offset, offset! + length!));
  }
  assert.equal(new Set(at.gets).size, at.gets.length);
  assert.equal(at.counters.get(MOUNT_COUNTER.readsWaited), 3);
  assert.deepEqual(at.faults, []);
  assert.equal(at.reader.waitingCount, 0);
});

Deno.test("late reader: a store that hangs fails the read at the deadline, and the next may succeed", async () => {
  using at = await place(50);
  at.behaviour.get = () => new Promise(() => {});
  await at.read(1, 0, 100);
  assert.deepEqual(at.answers, [{ fd: 3, unique: 1, outcome: EIO }]);
  assert.match(String(at.faults[0]), /did not give it within 0.05 s/);
  at.behaviour.get = (block) => block;
  await at.read(2, 0, 100);
  assert.deepEqual(at.answers[1]!.outcome, CONTENT.subarray(0, 100));
});

Deno.test("late reader: an interrupted read ends at once, and is answered once", async () => {
  using at = await place(5000);
  const held = Promise.withResolvers<void>();
  at.behaviour.get = (block) => held.promise.then(() => block);
  const reading = at.read(9, 0, 100);
  at.reader.interrupt(8, 0);
  at.reader.interrupt(9, 0);
  at.reader.interrupt(9, 0);
  assert.deepEqual(at.answers, [{ fd: 3, unique: 9, outcome: EINTR }]);
  held.resolve();
  await reading;
  assert.equal(at.answers.length, 1);
});

Deno.test("late reader: a damaged block fails the reads that need it, with a reason", async () => {
  using at = await place(5000);
  at.behaviour.get = async (block) => {
    const bytes = new Uint8Array(await block);
    bytes[20]! ^= 1;
    return bytes;
  };
  await at.read(1, 0, 100);
  assert.equal(at.answers[0]!.outcome, EIO);
  assert.equal((at.faults[0] as { code?: string }).code, "block_corrupt");
  assert.equal(at.counters.get(MOUNT_COUNTER.errors), 1);
});

Deno.test("late reader: the end of the mount ends what waits", async () => {
  using at = await place(5000);
  at.behaviour.get = () => new Promise(() => {});
  const reading = at.read(1, 0, 100);
  at.reader.close();
  // At once: the descriptor is closed next, and its number may be another file's a moment later.
  assert.deepEqual(at.answers, [{ fd: 3, unique: 1, outcome: EIO }]);
  await reading;
  await at.read(2, 0, 100);
  assert.equal(at.answers.length, 1);
  assert.deepEqual(at.faults, []);
});

Deno.test("late reader: one who reads on finds the next chunks under way", async () => {
  using at = await place(5000);
  await at.read(1, 0, 4096);
  const before = at.gets.length;
  assert.equal(before, 1);
  await at.read(2, 300_000, 300_000);
  assert.ok(at.gets.length > before + 3, String(at.gets.length));
});

Deno.test("late reader: chunks that are of use keep the next ones coming", async () => {
  using at = await place(5000);
  await at.read(1, 0, 150_000);
  await at.read(2, 150_000, 150_000);
  const before = new Set(at.gets).size;
  assert.ok(before < at.chunkCount);
  // All that there is, in the end, though nobody waited for it.
  for (let chunk = 2; chunk <= at.chunkCount; chunk++) {
    at.reader.used(chunk);
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  assert.equal(new Set(at.gets).size, at.chunkCount);
  assert.equal(at.gets.length, at.chunkCount);
  assert.equal(at.answers.length, 2);
});
