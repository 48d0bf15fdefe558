/**
 * Work that its caller stops: it ends soon, with the signal's reason, and leaves nothing behind.
 * Method: the signal is aborted at each phase that progress is reported of, and while stores hang.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  checkImage,
  cloneImage,
  commitOverlay,
  MemoryStore,
  openImage,
  packDirectory,
  type ProgressEvent,
  type ProgressPhase,
  unpackImage,
} from "../../mod.ts";
import { FaultyStore } from "../helpers/faulty_store.ts";
import { makeRandomTree } from "../helpers/random_tree.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";
import { TempFolder } from "../helpers/temp_folder.ts";

/** Longer than any step between two looks at the signal takes. */
const SOON_MS = 10_000;
const HANGS_MS = 600_000;

const REASON = new Error("The user changed his mind");

/** Options that stop the work when it comes to `phase`. */
function stopAt(phase: ProgressPhase): {
  signal: AbortSignal;
  onProgress: (event: ProgressEvent) => void;
} {
  const controller = new AbortController();
  const onProgress = (event: ProgressEvent): void => {
    if (event.phase === phase) controller.abort(REASON);
  };
  return { signal: controller.signal, onProgress };
}

/** Options that stop the work after a while. */
function stopAfter(ms: number): { signal: AbortSignal; timer: Disposable } {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(REASON), ms);
  return { signal: controller.signal, timer: { [Symbol.dispose]: () => clearTimeout(timer) } };
}

async function assertStops(work: Promise<unknown>, name = "the work"): Promise<void> {
  const startedMs = performance.now();
  await assert.rejects(work, (error) => error === REASON, `${name} did not stop`);
  assert.ok(performance.now() - startedMs < SOON_MS, `${name} went on for long`);
}

function makeTree(folder: TempFolder): string {
  const source = folder.file("tree");
  const sizes = [300_000, 2_500_000];
  makeRandomTree(source, new SeededRandom(17), { entries: 400, sizes, sizeMax: 5000 });
  return source;
}

Deno.test("abort: a pack that is stopped in any phase leaves no flist, and the next is whole", async () => {
  using folder = new TempFolder();
  const source = makeTree(folder);
  const meta = folder.file("a.fl");
  for (const store of [`dir://${folder.file("blocks")}`, new MemoryStore()]) {
    for (const phase of ["scan", "store", "finish"] as const) {
      await assertStops(packDirectory(source, { meta, store, jobs: 2, ...stopAt(phase) }));
      assert.deepEqual(folder.names().filter((name) => name.startsWith("a.fl")), [], phase);
    }
    if (typeof store === "string") {
      const unfinished = folder.names("blocks").flatMap((prefix) =>
        folder.names(`blocks/${prefix}`).filter((name) => name.length !== 64)
      );
      assert.deepEqual(unfinished, []);
    }
    const { chunks } = await packDirectory(source, { meta, store, jobs: 2 });
    assert.equal((await checkImage(meta, { store })).blocksOk, chunks);
    await Deno.remove(meta);
  }
});

Deno.test("abort: a commit that is stopped in any phase leaves no flist, and the next is whole", async () => {
  using folder = new TempFolder();
  const base = folder.file("base.fl");
  const meta = folder.file("a.fl");
  const store = `dir://${folder.file("blocks")}`;
  await packDirectory(folder.tree("base", { "a": "a", "d/b": "b" }), { meta: base, store });
  const upper = makeTree(folder);
  for (const phase of ["scan", "store", "finish"] as const) {
    const options = { base, meta, userXattrs: true, jobs: 2, ...stopAt(phase) };
    await assertStops(commitOverlay(upper, options), phase);
    assert.deepEqual(folder.names().filter((name) => name.startsWith("a.fl")), [], phase);
  }
  const { chunks } = await commitOverlay(upper, { base, meta, userXattrs: true });
  assert.equal((await checkImage(meta)).blocksOk, chunks);
});

Deno.test("abort: an unpack that is stopped in any phase leaves the target as it was", async () => {
  using folder = new TempFolder();
  const source = makeTree(folder);
  const meta = folder.file("a.fl");
  const memory = new MemoryStore();
  await packDirectory(source, { meta, store: memory });
  const local = `dir://${folder.file("blocks")}`;
  await cloneImage(meta, { target: folder.file("b.fl"), source: memory, store: local });
  for (const store of [local, memory]) {
    for (const phase of ["write", "finish"] as const) {
      const target = folder.file("out");
      await assertStops(unpackImage(meta, target, { store, jobs: 2, ...stopAt(phase) }));
      assert.ok(!folder.names().includes("out"), phase);
      folder.tree("out", { "mine": "mine" });
      await assertStops(unpackImage(meta, target, { store, jobs: 2, ...stopAt(phase) }));
      assert.deepEqual(folder.names("out"), ["mine"]);
      await Deno.remove(target, { recursive: true });
    }
  }
});

Deno.test("abort: a clone that is stopped leaves no flist, and the next goes on", async () => {
  using folder = new TempFolder();
  const source = makeTree(folder);
  const meta = folder.file("a.fl");
  const store = new MemoryStore();
  await packDirectory(source, { meta, store });
  const to = new MemoryStore();
  const target = folder.file("b.fl");
  const options = { target, source: store, store: to, concurrencyMax: 1, ...stopAt("store") };
  await assertStops(cloneImage(meta, options));
  assert.deepEqual(folder.names(), ["a.fl", "tree"]);
  const copied = (await Array.fromAsync(to.list())).length;
  const report = await cloneImage(meta, { target, source: store, store: to });
  assert.equal(report.blocksPresent, copied);
});

Deno.test("abort: stores that hang do not keep anybody waiting", async () => {
  using folder = new TempFolder();
  const source = makeTree(folder);
  const inner = new MemoryStore();
  const meta = folder.file("a.fl");
  await packDirectory(source, { meta, store: inner });
  const hanging = new FaultyStore(inner, [{ delayMs: HANGS_MS }]);
  const calls: Record<string, (signal: AbortSignal) => Promise<unknown>> = {
    pack: (signal) => packDirectory(source, { meta: folder.file("b.fl"), store: hanging, signal }),
    packOnBase: (signal) =>
      packDirectory(source, { meta: folder.file("b.fl"), store: hanging, base: meta, signal }),
    unpack: (signal) => unpackImage(meta, folder.file("out"), { store: hanging, signal }),
    check: (signal) => checkImage(meta, { store: hanging, signal }),
    presence: (signal) => checkImage(meta, { store: hanging, presenceOnly: true, signal }),
    clone: (signal) =>
      cloneImage(meta, {
        target: folder.file("b.fl"),
        source: hanging,
        store: new MemoryStore(),
        signal,
      }),
    cloneTo: (signal) =>
      cloneImage(meta, { target: folder.file("b.fl"), source: inner, store: hanging, signal }),
  };
  for (const [name, call] of Object.entries(calls)) {
    const { signal, timer } = stopAfter(150);
    using _timer = timer;
    await assertStops(call(signal), name);
    assert.deepEqual(folder.names(), ["a.fl", "tree"], name);
  }
});

Deno.test("abort: workers that wait for a slow store are ended too", async () => {
  using folder = new TempFolder();
  // More than may be under way to a store.
  const content = new Uint8Array(48 * 2 ** 20);
  for (let at = 0; at < content.length; at += 65_536) {
    crypto.getRandomValues(content.subarray(at, at + 65_536));
  }
  const source = folder.tree("tree", { "large": content, "small": "s" });
  const store = new FaultyStore(new MemoryStore(), [{ call: "put", delayMs: HANGS_MS }]);
  const { signal, timer } = stopAfter(1200);
  using _timer = timer;
  await assert.rejects(
    packDirectory(source, { meta: folder.file("a.fl"), store, signal, jobs: 2 }),
    (error) => error === REASON,
  );
  assert.ok(store.calls.put > 16);
});

Deno.test("abort: reading from an image ends with its signal, and the image goes on", async () => {
  using folder = new TempFolder();
  const source = folder.tree("tree", { "a": "a".repeat(1_000_000) });
  const inner = new MemoryStore();
  const meta = folder.file("a.fl");
  await packDirectory(source, { meta, store: inner });
  await using image = await openImage(meta, { store: inner });
  const signal = AbortSignal.abort(REASON);
  await assertStops(image.readFile("a", { signal }));
  await assertStops(image.readAt("a", 5, 5, { signal }));
  await assertStops(Array.fromAsync(image.readStream("a", { signal })));
  assert.equal((await image.readFile("a")).length, 1_000_000);
});

Deno.test("abort: a signal that was aborted before stops everything at once", async () => {
  using folder = new TempFolder();
  const source = makeTree(folder);
  const store = new MemoryStore();
  const meta = folder.file("a.fl");
  await packDirectory(source, { meta, store });
  const signal = AbortSignal.abort(REASON);
  const target = folder.file("b.fl");
  await assertStops(packDirectory(source, { meta: target, store, signal }));
  await assertStops(unpackImage(meta, folder.file("out"), { store, signal }));
  await assertStops(checkImage(meta, { store, signal }));
  await assertStops(cloneImage(meta, { target, source: store, store: new MemoryStore(), signal }));
  assert.deepEqual(folder.names(), ["a.fl", "tree"]);
});

Deno.test("abort: a signal outlives many calls without gathering listeners", async () => {
  using folder = new TempFolder();
  const source = folder.tree("tree", { "a": "a" });
  const controller = new AbortController();
  let listeners = 0;
  const { signal } = controller;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => (listeners++, add(...args));
  signal.removeEventListener = (
    ...args: Parameters<typeof remove>
  ) => (listeners--, remove(...args));
  const store = `dir://${folder.file("blocks")}`;
  const meta = folder.file("a.fl");
  await packDirectory(source, { meta, store, signal, jobs: 1 });
  await unpackImage(meta, folder.file("out"), { signal, jobs: 1 });
  await checkImage(meta, { signal, jobs: 1 });
  assert.equal(listeners, 0);
});

Deno.test("progress: a listener that throws stops the work with its error", async () => {
  using folder = new TempFolder();
  const source = makeTree(folder);
  const store = new MemoryStore();
  const meta = folder.file("a.fl");
  const throwAt = (phase: ProgressPhase) => ({
    onProgress: (event: ProgressEvent) => {
      if (event.phase === phase) throw REASON;
    },
  });
  for (const phase of ["scan", "store", "finish"] as const) {
    await assertStops(packDirectory(source, { meta, store, ...throwAt(phase) }));
  }
  await packDirectory(source, { meta, store });
  for (const phase of ["write", "finish"] as const) {
    await assertStops(unpackImage(meta, folder.file("out"), { store, ...throwAt(phase) }));
  }
  await assertStops(checkImage(meta, { store, ...throwAt("read") }));
  assert.deepEqual(folder.names(), ["a.fl", "tree"]);
});
