/** Goal: routing by prefix, and what happens when some of the replicas fail, for every call. */

import assert from "node:assert/strict";
import {
  BlockCorruptError,
  BlockNotFoundError,
  StoreDeniedError,
  StoreUnavailableError,
} from "../../../../../lib/base/errors.ts";
import { checkEitherDigest } from "../../../../../lib/store/block_check.ts";
import { MemoryStore } from "../../../../../lib/store/memory_store.ts";
import type { HealEvent } from "../../../../../lib/store/wrappers/block_healer.ts";
import { RoutedStore } from "../../../../../lib/store/wrappers/routed_store.ts";
import { VerifyingStore } from "../../../../../lib/store/wrappers/verifying_store.ts";
import { FakeClock } from "../../../../helpers/fake_clock.ts";
import { type Fault, FaultyStore } from "../../../../helpers/faulty_store.ts";
import { randomBlock } from "../../../../helpers/random_block.ts";

const LOW = { start: 0, end: 0x7f };
const HIGH = { start: 0x80, end: 0xff };
const ALL = { start: 0, end: 0xff };

const away = new StoreUnavailableError("mem://away", "Cannot reach mem://away", {
  retryable: true,
});
const denied = new StoreDeniedError("mem://denied", "Cannot enter mem://denied");

function faulty(...faults: Fault[]): FaultyStore {
  return new FaultyStore(new MemoryStore(crypto.randomUUID()), faults);
}

Deno.test("RoutedStore: sends each block to the stores of its range only", async () => {
  const [low, high, replica] = [faulty(), faulty(), faulty()];
  await using store = new RoutedStore([
    { ...LOW, store: low },
    { ...HIGH, store: high },
    { start: 0x80, end: 0x80, store: replica },
  ]);
  const first = randomBlock(100, 0x7f);
  const second = randomBlock(100, 0x80);
  const third = randomBlock(100, 0x81);
  for (const { id, block } of [first, second, third]) {
    assert.equal(await store.put(id, block), "stored");
    assert.equal(await store.put(id, block), "present");
  }
  const ids = [first.id, second.id, third.id];
  assert.deepEqual(await low.has(ids), [true, false, false]);
  assert.deepEqual(await high.has(ids), [false, true, true]);
  assert.deepEqual(await replica.has(ids), [false, true, false]);
});

Deno.test("RoutedStore: get takes the first replica and moves on when one is missing or fails", async () => {
  const { id, block } = randomBlock(100);
  const empty = faulty();
  const broken = faulty({ call: "get", error: away });
  const good = faulty();
  const spare = faulty();
  for (const store of [broken, good, spare]) await store.put(id, block);
  await using store = new RoutedStore(
    [empty, broken, good, spare].map((replica) => ({ ...ALL, store: replica })),
  );
  assert.deepEqual(await store.get(id), block);
  assert.deepEqual([empty, broken, good, spare].map(({ calls }) => calls.get), [1, 1, 1, 0]);
});

Deno.test("RoutedStore: get says missing only when all replicas say so", async () => {
  const { id } = randomBlock(100);
  await using empty = new RoutedStore([faulty(), faulty()].map((store) => ({ ...ALL, store })));
  await assert.rejects(empty.get(id), BlockNotFoundError);

  await using unsure = new RoutedStore(
    [faulty(), faulty({ call: "get", error: away })].map((store) => ({ ...ALL, store })),
  );
  await assert.rejects(unsure.get(id), (error) => {
    assert(error instanceof StoreUnavailableError);
    assert.equal(error.retryable, true);
    assert.match(error.message, /is not in mem:.*Cannot reach mem:\/\/away/);
    return true;
  });

  await using refused = new RoutedStore(
    [faulty(), faulty({ call: "get", error: denied })].map((store) => ({ ...ALL, store })),
  );
  await assert.rejects(refused.get(id), StoreDeniedError);
});

Deno.test("RoutedStore: a put that misses a replica fails with its name and serves the others", async () => {
  const { id, block } = randomBlock(100);
  const good = faulty();
  const broken = faulty({ call: "put", nth: 1, error: away });
  await using store = new RoutedStore(
    [broken, good].map((replica) => ({ ...ALL, store: replica })),
  );
  await assert.rejects(store.put(id, block), /Cannot reach mem:\/\/away/);
  assert.deepEqual(await good.has([id]), [true]);
  // Made again, it brings the block to where it was missing.
  assert.equal(await store.put(id, block), "stored");
  assert.deepEqual(await broken.has([id]), [true]);
  assert.equal(await store.put(id, block), "present");
});

Deno.test("RoutedStore: has is true for what any replica has, with each id asked no more than needed", async () => {
  const blocks = Array.from({ length: 6 }, () => randomBlock(100));
  const [first, second] = [faulty(), faulty()];
  for (const [index, { id, block }] of blocks.entries()) {
    if (index < 2) await first.put(id, block);
    if (index >= 2 && index < 4) await second.put(id, block);
  }
  await using store = new RoutedStore(
    [first, second].map((replica) => ({ ...ALL, store: replica })),
  );
  assert.deepEqual(
    await store.has(blocks.map(({ id }) => id)),
    [true, true, true, true, false, false],
  );
  assert.deepEqual([first.calls.has, second.calls.has], [1, 1]);
  await store.has([blocks[0]!.id]);
  assert.deepEqual([first.calls.has, second.calls.has], [2, 1]);
});

Deno.test("RoutedStore: has throws when nobody has a block and a replica could not be asked", async () => {
  const { id, block } = randomBlock(100);
  const missing = randomBlock(100).id;
  const good = faulty();
  await good.put(id, block);
  const broken = faulty({ call: "has", error: away });
  await using store = new RoutedStore(
    [broken, good].map((replica) => ({ ...ALL, store: replica })),
  );
  assert.deepEqual(await store.has([id]), [true]);
  await assert.rejects(store.has([id, missing]), StoreUnavailableError);
});

Deno.test("RoutedStore: an id that no route covers is a clear error, and simply not there", async () => {
  await using store = new RoutedStore([{ ...LOW, store: faulty() }]);
  const { id, block } = randomBlock(100, 0x80);
  const other = randomBlock(100, 0x00);
  await store.put(other.id, other.block);
  await assert.rejects(store.get(id), /prefix 80, only 00-7f/);
  await assert.rejects(store.put(id, block), /prefix 80, only 00-7f/);
  assert.deepEqual(await store.has([id, other.id]), [false, true]);
  assert.equal(await store.delete!(id), false);
});

Deno.test("RoutedStore: list gives what lies in the ranges, once", async () => {
  const [low, all] = [faulty(), faulty()];
  const inBoth = randomBlock(100, 0x10);
  const inAll = randomBlock(100, 0x90);
  const outside = randomBlock(100, 0x91);
  for (const { id, block } of [inBoth, outside]) await low.put(id, block);
  for (const { id, block } of [inBoth, inAll]) await all.put(id, block);
  await using store = new RoutedStore([{ ...LOW, store: low }, { ...ALL, store: all }]);
  assert.deepEqual(
    (await Array.fromAsync(store.list!())).sort(),
    [inBoth.id, inAll.id].sort(),
  );
});

Deno.test("RoutedStore: list fails when a store cannot list, rather than look complete", async () => {
  await using store = new RoutedStore([
    { ...ALL, store: faulty() },
    { ...ALL, store: faulty({ call: "list", error: away }) },
  ]);
  await assert.rejects(Array.fromAsync(store.list!()), StoreUnavailableError);
});

Deno.test("RoutedStore: lists and deletes only where all of its stores do", async () => {
  const bare = new MemoryStore();
  Object.defineProperties(bare, { list: { value: undefined }, delete: { value: undefined } });
  await using store = new RoutedStore([{ ...LOW, store: faulty() }, { ...HIGH, store: bare }]);
  assert.equal(store.list, undefined);
  assert.equal(store.delete, undefined);
});

Deno.test("RoutedStore: delete reaches every replica", async () => {
  const { id, block } = randomBlock(100);
  const replicas = [faulty(), faulty(), faulty()];
  await replicas[0]!.put(id, block);
  await replicas[2]!.put(id, block);
  await using store = new RoutedStore(replicas.map((replica) => ({ ...ALL, store: replica })));
  assert.equal(await store.delete!(id), true);
  assert.equal(await store.delete!(id), false);
  for (const replica of replicas) assert.deepEqual(await replica.has([id]), [false]);
});

Deno.test("RoutedStore: flush reaches every store, and fails when one does", async () => {
  const stores = [faulty(), faulty({ call: "flush", error: away }), faulty()];
  await using store = new RoutedStore(stores.map((replica) => ({ ...ALL, store: replica })));
  await assert.rejects(store.flush(), StoreUnavailableError);
  assert.deepEqual(stores.map(({ calls }) => calls.flush), [1, 1, 1]);
});

Deno.test("RoutedStore: disposes of each of its stores", async () => {
  const [shared, other] = [faulty(), faulty()];
  const store = new RoutedStore([
    { ...LOW, store: shared },
    { ...HIGH, store: shared },
    { ...ALL, store: other },
  ]);
  await store[Symbol.asyncDispose]();
  assert.deepEqual([shared.disposed, other.disposed], [true, true]);
});

Deno.test("RoutedStore: an abort ends a get instead of moving on to the next replica", async () => {
  const { id, block } = randomBlock(100);
  const slow = faulty({ call: "get", delayMs: 60_000 });
  const next = faulty();
  await next.put(id, block);
  await using store = new RoutedStore([slow, next].map((replica) => ({ ...ALL, store: replica })));
  const controller = new AbortController();
  const reason = new Error("stop");
  const got = store.get(id, { signal: controller.signal });
  controller.abort(reason);
  await assert.rejects(got, (error) => error === reason);
  assert.equal(next.calls.get, 0);
});

Deno.test("RoutedStore: its placement is that of its stores within their ranges, if all have one", async () => {
  const local = (path: string): MemoryStore => {
    const store = new MemoryStore();
    const directories = [{ start: 0x10, end: 0xff, path, durability: "each" }];
    return Object.defineProperty(store, "local", { value: { directories } });
  };
  await using store = new RoutedStore([
    { ...LOW, store: local("/a") },
    { start: 0, end: 5, store: local("/nothing") },
    { ...HIGH, store: local("/b") },
  ]);
  assert.deepEqual(store.local, {
    directories: [
      { start: 0x10, end: 0x7f, path: "/a", durability: "each" },
      { start: 0x80, end: 0xff, path: "/b", durability: "each" },
    ],
  });
  await using mixed = new RoutedStore([{ ...LOW, store: local("/a") }, {
    ...HIGH,
    store: faulty(),
  }]);
  assert.equal(mixed.local, undefined);
});

Deno.test("RoutedStore: refuses to be made of no routes or of impossible ones", () => {
  assert.throws(() => new RoutedStore([]), TypeError);
  assert.throws(() => new RoutedStore([{ start: 5, end: 4, store: faulty() }]), RangeError);
});

Deno.test("RoutedStore: get keeps to the replica that answers, and leaves alone one that failed", async () => {
  const { id, block } = randomBlock(100);
  const clock = new FakeClock();
  const broken = faulty({ call: "get", error: away });
  const good = faulty();
  for (const store of [broken, good]) await store.put(id, block);
  const routes = [broken, good].map((replica) => ({ ...ALL, store: replica }));
  await using store = new RoutedStore(routes, { clock });
  for (let i = 0; i < 10; i++) assert.deepEqual(await store.get(id), block);
  assert.deepEqual([broken.calls.get, good.calls.get], [1, 10]);
  // It is asked all the same when nobody else has the block.
  await good.delete!(id);
  await assert.rejects(store.get(id), StoreUnavailableError);
  assert.equal(broken.calls.get, 2);
});

Deno.test("RoutedStore: get races a second replica when the first hangs, and ends that call", async () => {
  const { id, block } = randomBlock(100);
  const clock = new FakeClock();
  const hung = faulty({ call: "get", delayMs: 60_000 });
  const good = faulty();
  for (const store of [hung, good]) await store.put(id, block);
  const routes = [hung, good].map((replica) => ({ ...ALL, store: replica }));
  await using store = new RoutedStore(routes, { clock });
  assert.deepEqual(await clock.run(store.get(id)), block);
  for (let i = 0; i < 10; i++) assert.deepEqual(await store.get(id), block);
  assert.deepEqual([hung.calls.get, good.calls.get], [1, 11]);
});

Deno.test("RoutedStore: has asks first who did not fail of late", async () => {
  const { id, block } = randomBlock(100);
  const clock = new FakeClock();
  const broken = faulty({ call: "has", error: away });
  const good = faulty();
  await good.put(id, block);
  const routes = [broken, good].map((replica) => ({ ...ALL, store: replica }));
  await using store = new RoutedStore(routes, { clock });
  for (let i = 0; i < 5; i++) assert.deepEqual(await store.has([id]), [true]);
  assert.deepEqual([broken.calls.has, good.calls.has], [1, 5]);
});

Deno.test("RoutedStore: heals what a read meets, and with every replica what it does not meet", async () => {
  for (const everyReplica of [false, true]) {
    const { id, block } = randomBlock(100);
    const [lost, good, bad] = [faulty(), faulty(), faulty()];
    await good.put(id, block);
    await bad.put(id, new Uint8Array(100));
    const routes = [lost, good, bad].map((inner) => ({
      ...ALL,
      store: new VerifyingStore(inner, { check: checkEitherDigest }),
    }));
    const events: HealEvent[] = [];
    const onHeal = (event: HealEvent): number => events.push(event);
    const heal = { check: checkEitherDigest, everyReplica, onHeal };
    await using store = new RoutedStore(routes, { heal });
    assert.equal(store.local, undefined);
    assert.deepEqual(await store.get(id), block);
    assert.deepEqual(await lost.get(id), block);
    const found = events.map((event) => event.found);
    assert.deepEqual(found, everyReplica ? ["missing", "corrupt"] : ["missing"]);
    assert.equal((await bad.get(id))[0] === 0, !everyReplica || block[0] === 0);
    assert.deepEqual(await store.get(id), block);
    assert.equal(events.length, found.length);
  }
});

Deno.test("RoutedStore: with none good, nothing is healed, and the error tells what each one said", async () => {
  const { id } = randomBlock(100);
  const [lost, bad] = [faulty(), faulty()];
  await bad.put(id, new Uint8Array(100));
  const routes = [lost, bad].map((inner) => ({
    ...ALL,
    store: new VerifyingStore(inner, { check: checkEitherDigest }),
  }));
  const heal = { check: checkEitherDigest, everyReplica: true };
  await using store = new RoutedStore(routes, { heal });
  await assert.rejects(store.get(id), (error) => {
    assert.ok(error instanceof BlockCorruptError);
    assert.match(error.message, /is not in mem:.*100 bytes digest to/);
    return true;
  });
  assert.equal(lost.calls.put, 0);
});
