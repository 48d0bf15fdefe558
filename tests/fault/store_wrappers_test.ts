/**
 * A store on the network that fails or hangs at every few calls: pack, unpack, check and clone get
 * through, and where it stays so, each fails in time with an error that says what to do. Method:
 * memory with all that `openStore` puts around such a store, and with short deadlines.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  checkImage,
  cloneImage,
  MemoryStore,
  packDirectory,
  type Store,
  StoreMetricsCollector,
  StoreUnavailableError,
  unpackImage,
} from "../../mod.ts";
import { wrapLeaf } from "../../lib/store/wrappers/leaf_wrappers.ts";
import { SingleFlightStore } from "../../lib/store/wrappers/single_flight_store.ts";
import { type Fault, FaultyStore } from "../helpers/faulty_store.ts";
import { TempFolder } from "../helpers/temp_folder.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";

const PLACE = { isRemote: true, isAlone: true, rate: undefined };
const JOBS = { jobs: 2 };
/** So many that none of a few hundred calls meets a fault in all of them. */
const ATTEMPTS_MANY = 20;
const HOUR_MS = 3_600_000;

const refused = new StoreUnavailableError("mem://", "Connection refused", { retryable: true });

function wrapped(
  inner: Store,
  faults: readonly Fault[],
  metrics: StoreMetricsCollector,
  attempts: number,
): Store {
  const faulty = new FaultyStore(inner, faults);
  const tuning = { deadlineMs: 100, attempts, concurrency: 4, metrics };
  return new SingleFlightStore(wrapLeaf(faulty, PLACE, tuning));
}

function makeTree(folder: TempFolder): string {
  const random = new SeededRandom(78);
  return folder.tree("tree", { "large": random.bytes(600_000), "small": random.bytes(3000) });
}

const FAULTS: Readonly<Record<string, readonly Fault[]>> = {
  "every third call fails": [{ every: 3, error: refused }],
  "every fourth call hangs": [{ every: 4, delayMs: HOUR_MS }],
  "calls are slow, and some fail or hang": [
    { delayMs: 20 },
    { every: 4, error: refused },
    { every: 5, delayMs: HOUR_MS },
  ],
};

for (const [what, faults] of Object.entries(FAULTS)) {
  Deno.test(`stores on the network: ${what}, and all gets through`, async () => {
    using folder = new TempFolder();
    const source = makeTree(folder);
    const [inner, target] = [new MemoryStore(), new MemoryStore()];
    const metrics = new StoreMetricsCollector();
    await using store = wrapped(inner, faults, metrics, ATTEMPTS_MANY);
    const meta = folder.file("a.fl");
    const { chunks } = await packDirectory(source, { meta, store, ...JOBS });
    const check = await checkImage(meta, { store, ...JOBS });
    assert.deepEqual([check.blocksOk, check.blocks], [chunks, chunks]);
    const presence = await checkImage(meta, { store, presenceOnly: true });
    assert.equal(presence.blocksOk, chunks);
    const report = await unpackImage(meta, folder.file("out"), { store, ...JOBS });
    assert.deepEqual(report.failures, []);
    for (const name of ["large", "small"]) {
      const content = await Deno.readFile(folder.file(`out/${name}`));
      assert.deepEqual(content, await Deno.readFile(`${source}/${name}`), name);
    }
    await using to = wrapped(target, faults, metrics, ATTEMPTS_MANY);
    await cloneImage(meta, { target: folder.file("b.fl"), source: store, store: to });
    assert.deepEqual(
      (await Array.fromAsync(to.list!())).sort(),
      (await Array.fromAsync(inner.list())).sort(),
    );
    const failed = metrics.snapshot()[0]!.operations.get!.errors["store_unavailable"] ?? 0;
    assert.ok(failed > 0, "nothing went wrong, so nothing was shown");
  });
}

const LASTING: Readonly<Record<string, { faults: readonly Fault[]; message: RegExp }>> = {
  "refuses": {
    faults: [{ error: refused }],
    message: /Connection refused \(tried 5 times in [\d.]+ s\)$/,
  },
  "never answers": {
    faults: [{ delayMs: HOUR_MS }],
    message: /^Cannot .*: mem:\/\/ did not answer within 0\.1 s \(tried 5 times in [\d.]+ s\)$/,
  },
};

for (const [what, { faults, message }] of Object.entries(LASTING)) {
  Deno.test(`stores on the network: one that always ${what} is an error, in time`, async () => {
    using folder = new TempFolder();
    const source = makeTree(folder);
    const inner = new MemoryStore();
    const meta = folder.file("a.fl");
    await packDirectory(source, { meta, store: inner, ...JOBS });
    const metrics = new StoreMetricsCollector();
    await using store = wrapped(inner, faults, metrics, 5);
    const target = folder.file("out");
    const startedMs = performance.now();
    const outcomes = await Promise.allSettled([
      packDirectory(source, { meta: folder.file("b.fl"), store, ...JOBS }),
      unpackImage(meta, target, { store, ...JOBS }),
      checkImage(meta, { store, ...JOBS }),
      checkImage(meta, { store, presenceOnly: true }),
      cloneImage(meta, { target: folder.file("b.fl"), source: inner, store }),
    ]);
    const passedMs = performance.now() - startedMs;
    for (const outcome of outcomes) {
      assert.equal(outcome.status, "rejected");
      if (outcome.status !== "rejected") continue;
      assert.ok(outcome.reason instanceof StoreUnavailableError, String(outcome.reason));
      assert.match(outcome.reason.message, message);
    }
    assert.deepEqual(folder.names(), ["a.fl", "tree"]);
    assert.ok(passedMs < 15_000, `took ${passedMs} ms`);
  });
}
