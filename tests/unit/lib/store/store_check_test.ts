/**
 * Goal: a check tells what a store can do and which promises it breaks, whatever kind of store it is,
 * and leaves it as it was, also when it is stopped. Method: sound stores, and stores with one fault.
 */

import assert from "node:assert/strict";
import {
  StoreDeniedError,
  StoreUnavailableError,
  UnsupportedError,
} from "../../../../lib/base/errors.ts";
import type { BlockId } from "../../../../lib/block/block_ref.ts";
import { MemoryStore } from "../../../../lib/store/memory_store.ts";
import { openStore } from "../../../../lib/store/open_store.ts";
import type { Store, StoreCallOptions } from "../../../../lib/store/store.ts";
import { checkStore, type StoreCheckReport } from "../../../../lib/store/store_check.ts";
import { STORE_CONTRACT } from "../../../../lib/store/store_contract.ts";
import { STORE_READ_CONTRACT } from "../../../../lib/store/store_read_contract.ts";
import { FaultyStore } from "../../../helpers/faulty_store.ts";
import { randomBlock } from "../../../helpers/random_block.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";

const QUICK = { speedLimitMs: 0 };
const denied = new StoreDeniedError("mem://", "Cannot do that: you may not");

function answers({ abilities }: StoreCheckReport): Record<string, string> {
  return Object.fromEntries(
    Object.entries(abilities).map(([name, { answer }]) => [name, answer]),
  );
}

function count(report: StoreCheckReport, outcome: string): number {
  return report.promises.filter((promise) => promise.outcome === outcome).length;
}

/** A store with members replaced, or taken away. */
function changed(members: Partial<Record<keyof Store, unknown>>, sound = new MemoryStore()): Store {
  const store = new FaultyStore(sound);
  Object.assign(store, members);
  return store;
}

async function contentsOf(store: MemoryStore): Promise<BlockId[]> {
  return await Array.fromAsync(store.list());
}

Deno.test("checkStore: tries a directory within, measures it, and leaves it as it was", async () => {
  using folder = new TempFolder();
  folder.tree("blocks");
  await using store = await openStore([`dir://${folder.file("blocks")}`]);
  const { id, block } = randomBlock(100);
  await store.put(id, block);
  const before = folder.names("blocks");
  const progress: number[] = [];
  const report = await checkStore(`00-0f=dir://${folder.file("blocks")}`, {
    ...QUICK,
    onProgress: ({ entries }) => progress.push(entries),
  });
  assert.deepEqual([report.scratch, report.brokenCount, report.blocksLeft], ["within", 0, 0]);
  assert.deepEqual(new Set(Object.values(answers(report))), new Set(["yes"]));
  assert.equal(count(report, "kept"), STORE_CONTRACT.length + STORE_READ_CONTRACT.length - 2);
  assert.deepEqual(report.speed.map((figure) => [figure.operation, figure.concurrency]), [
    ...[["put", 1], ["get", 1], ["put", 16], ["get", 16]],
    ...[["put", 1], ["get", 1], ["has", 1], ["put", 16], ["get", 16], ["has", 16]],
  ]);
  assert.ok(report.speed.every(({ requests, latencyP95Ms }) => requests > 0 && latencyP95Ms > 0));
  assert.deepEqual(folder.names("blocks"), before);
  assert.equal(progress.at(-1), report.promises.length + report.speed.length);
});

Deno.test("checkStore: a directory that is missing is an error, and stays missing", async () => {
  using folder = new TempFolder();
  await assert.rejects(checkStore(`dir://${folder.file("none")}`), StoreUnavailableError);
  assert.deepEqual(folder.names(), []);
});

Deno.test("checkStore: tries an open store among its blocks, and takes back what it put", async () => {
  for (const profile of ["myfs", "rfs"] as const) {
    const store = new MemoryStore();
    const { id, block } = randomBlock(100);
    await store.put(id, block);
    const report = await checkStore(store, { ...QUICK, profile });
    assert.deepEqual([report.scratch, report.brokenCount, report.blocksLeft], ["among", 0, 0]);
    const skipped = report.promises.filter(({ outcome }) => outcome === "skipped");
    assert.ok(skipped.some(({ name, reason }) => name.includes("empty") && reason !== undefined));
    assert.deepEqual(await contentsOf(store), [id]);
  }
});

Deno.test("checkStore: names the promises that are broken, and goes on", async () => {
  const sound = new MemoryStore();
  const forgets = changed({
    delete: (id: BlockId, options: StoreCallOptions) => sound.has([id], options).then(() => true),
  }, sound);
  const report = await checkStore(forgets, { speed: false });
  const broken = report.promises.filter(({ outcome }) => outcome === "broken");
  assert.deepEqual(broken.map(({ name }) => name), [
    "delete: removes a block and tells whether it was there",
  ]);
  assert.match(broken[0]!.reason!, /still there/);
  assert.equal(report.brokenCount, 1);
});

Deno.test("checkStore: a store that fails under many calls breaks a promise", async () => {
  const sound = new MemoryStore();
  const weak = changed({
    get: (id: BlockId, options: StoreCallOptions) =>
      sound.get(id, options).then((block) => {
        if (block.length === 512 * 1024) throw new StoreUnavailableError("mem://", "too large");
        return block;
      }),
  }, sound);
  const report = await checkStore(weak, QUICK);
  assert.deepEqual(
    report.promises.filter(({ outcome }) => outcome === "broken").map(({ reason }) => reason),
    ["too large", "too large"],
  );
  assert.deepEqual(await contentsOf(sound), []);
});

Deno.test("checkStore: a store that goes away ends the check with its error", async () => {
  const error = new StoreUnavailableError("mem://", "gone");
  const sound = new MemoryStore();
  let calls = 0;
  const dies = changed({
    has: (ids: BlockId[]) => calls++ < 3 ? sound.has(ids) : Promise.reject(error),
    get: (id: BlockId) => calls < 3 ? sound.get(id) : Promise.reject(error),
  }, sound);
  await assert.rejects(checkStore(dies, { speed: false }), (thrown) => thrown === error);
  assert.deepEqual(await contentsOf(sound), []);
});

Deno.test("checkStore: reads what a store lists that takes no blocks", async () => {
  const sound = new MemoryStore();
  for (let i = 0; i < 10; i++) {
    const { id, block } = randomBlock(100);
    await sound.put(id, block);
  }
  for (const error of [denied, new UnsupportedError("Cannot write to a web server")]) {
    const readOnly = changed({ put: () => Promise.reject(error) }, sound);
    const report = await checkStore(readOnly, QUICK);
    assert.deepEqual([report.scratch, report.brokenCount], ["none", 0]);
    assert.deepEqual(answers(report), {
      ...{ read: "yes", list: "yes", write: "no" },
      ...{ skipPresent: "untried", flush: "untried", delete: "untried" },
    });
    assert.equal(report.abilities.write.reason, error.message);
    assert.equal(count(report, "kept"), STORE_READ_CONTRACT.length);
    assert.equal(count(report, "skipped"), STORE_CONTRACT.length);
    assert.deepEqual(report.speed.map(({ operation }) => operation), ["get", "has", "get", "has"]);
  }
});

Deno.test("checkStore: reads the blocks that are named, and finds those that are bad", async () => {
  const sound = new MemoryStore();
  const good = randomBlock(100);
  const bad = randomBlock(100);
  await sound.put(good.id, good.block);
  await sound.put(bad.id, good.block);
  const store = new FaultyStore(sound);
  Object.assign(store, { list: undefined });
  const check = async (ids: BlockId[]): Promise<string[]> => {
    const report = await checkStore(store, { ids, readOnly: true, speed: false });
    return report.promises.filter(({ outcome }) => outcome === "broken").map(({ name }) => name);
  };
  assert.deepEqual(await check([good.id]), []);
  assert.deepEqual(await check([good.id, bad.id]), [
    "read: get gives blocks whose digest is their id",
  ]);
  assert.equal((await check([good.id, randomBlock(10).id])).length, 2);
  assert.equal(store.calls.put, 0);
});

Deno.test("checkStore: writes only one block where it cannot delete, unless it is told to", async () => {
  const sound = new MemoryStore();
  const store = changed({ delete: undefined }, sound);
  const report = await checkStore(store, { speed: false });
  assert.equal(report.abilities.delete.answer, "no");
  assert.deepEqual([report.blocksLeft, (await contentsOf(sound)).length], [1, 1]);
  assert.ok(count(report, "skipped") >= STORE_CONTRACT.length);
  const bold = await checkStore(store, { speed: false, leaveBlocks: true });
  assert.equal(bold.brokenCount, 0);
  assert.equal(bold.blocksLeft, (await contentsOf(sound)).length - 1);
  assert.ok(bold.blocksLeft > 1000);

  const refuses = changed({ delete: () => Promise.reject(denied) });
  const refused = await checkStore(refuses, { speed: false });
  assert.deepEqual([refused.abilities.delete.reason, refused.blocksLeft], [denied.message, 1]);
});

Deno.test("checkStore: stopped at any call, it ends with the reason and leaves nothing", async () => {
  const reason = new Error("stop");
  for (const stopAt of [1, 5, 40, 900]) {
    const sound = new MemoryStore();
    const controller = new AbortController();
    let calls = 0;
    const store = changed({
      put: (id: BlockId, block: Uint8Array, options: { signal?: AbortSignal }) => {
        if (++calls === stopAt) controller.abort(reason);
        return sound.put(id, block, options);
      },
    }, sound);
    await assert.rejects(
      checkStore(store, { signal: controller.signal, ...QUICK }),
      (error) => error === reason,
      `stopped at ${stopAt}`,
    );
    assert.deepEqual(await contentsOf(sound), [], `stopped at ${stopAt}`);
  }
  using folder = new TempFolder();
  folder.tree("blocks");
  const controller = new AbortController();
  const check = checkStore(`dir://${folder.file("blocks")}`, {
    signal: controller.signal,
    onProgress: ({ entries }) => entries === 8 && controller.abort(reason),
  });
  await assert.rejects(check, (error) => error === reason);
  assert.deepEqual(folder.names("blocks"), []);
});
