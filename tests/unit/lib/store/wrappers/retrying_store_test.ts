/** Goal: what may succeed later is tried again, as often and as long as said, and nothing else is. */

import assert from "node:assert/strict";
import {
  BlockNotFoundError,
  StoreDeniedError,
  StoreUnavailableError,
} from "../../../../../lib/base/errors.ts";
import { MemoryStore } from "../../../../../lib/store/memory_store.ts";
import {
  RetryingStore,
  type RetryOptions,
} from "../../../../../lib/store/wrappers/retrying_store.ts";
import { FakeClock } from "../../../../helpers/fake_clock.ts";
import { type Fault, FaultyStore } from "../../../../helpers/faulty_store.ts";
import { randomBlock } from "../../../../helpers/random_block.ts";

function away(message = "Cannot reach it", retryAfterMs?: number): StoreUnavailableError {
  return new StoreUnavailableError("mem://", message, {
    retryable: true,
    hint: "Wait.",
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

/** Fails the first calls, one fault each. */
function failing(call: "get" | "put" | "list", errors: readonly Error[]): FaultyStore {
  // A fault does not see the calls that those before it failed.
  const faults = errors.map((error): Fault => ({ call, nth: 1, error }));
  return new FaultyStore(new MemoryStore(), faults);
}

/** The longest waits: what is random is left out. */
function retrying(
  inner: FaultyStore,
  options: RetryOptions = {},
): { store: RetryingStore; clock: FakeClock } {
  const clock = new FakeClock();
  return { clock, store: new RetryingStore(inner, { clock, random: () => 1, ...options }) };
}

Deno.test("RetryingStore: goes on until a call succeeds, with waits that double up to a bound", async () => {
  const inner = failing("put", Array.from({ length: 5 }, () => away()));
  const { store, clock } = retrying(inner, { delayMs: 100, delayMaxMs: 500 });
  const { id, block } = randomBlock(100);
  assert.equal(await clock.run(store.put(id, block)), "stored");
  assert.equal(inner.calls.put, 6);
  assert.equal(clock.now(), 100 + 200 + 400 + 500 + 500);
});

Deno.test("RetryingStore: waits a random share of the longest wait", async () => {
  const inner = failing("get", [away()]);
  const { store, clock } = retrying(inner, { delayMs: 100, random: () => 0.25 });
  await assert.rejects(clock.run(store.get(randomBlock(10).id)), BlockNotFoundError);
  assert.equal(clock.now(), 25);
});

Deno.test("RetryingStore: gives up after the last attempt, with the last error, and the first as its cause", async () => {
  const errors = [away("first"), away("second"), away("third")];
  const inner = failing("get", errors);
  const { store, clock } = retrying(inner, { attempts: 3, delayMs: 100 });
  await assert.rejects(clock.run(store.get(randomBlock(10).id)), (error) => {
    assert.ok(error instanceof StoreUnavailableError);
    assert.equal(error.message, "third (tried 3 times in 0.3 s)");
    assert.equal(error.cause, errors[0]);
    assert.equal(error.retryable, true);
    assert.equal(error.hint, "Wait.");
    return true;
  });
  assert.equal(inner.calls.get, 3);
  assert.equal(clock.timerCount, 0);
});

Deno.test("RetryingStore: begins no attempt after the time for all is over", async () => {
  const inner = failing("get", Array.from({ length: 100 }, () => away()));
  const { store, clock } = retrying(inner, { attempts: 100, delayMs: 100, totalMs: 1000 });
  await assert.rejects(clock.run(store.get(randomBlock(10).id)), /tried 4 times in 0\.7 s/);
});

Deno.test("RetryingStore: what cannot succeed later fails at once, as it is", async () => {
  for (
    const error of [
      new StoreUnavailableError("mem://", "gone for good"),
      new StoreDeniedError("mem://", "denied"),
      new BlockNotFoundError("00", "mem://"),
      new TypeError("bug"),
    ]
  ) {
    const inner = failing("get", [error]);
    const { store } = retrying(inner);
    await assert.rejects(store.get(randomBlock(10).id), (thrown) => thrown === error);
    assert.equal(inner.calls.get, 1);
  }
  const once = failing("get", [away()]);
  const { store } = retrying(once, { attempts: 1 });
  await assert.rejects(store.get(randomBlock(10).id), { message: "Cannot reach it" });
});

Deno.test("RetryingStore: never comes back before the store wants it, nor waits longer than it may", async () => {
  const patient = failing("get", [away("busy", 5000)]);
  const { store, clock } = retrying(patient, { delayMs: 100 });
  await assert.rejects(clock.run(store.get(randomBlock(10).id)), BlockNotFoundError);
  assert.equal(clock.now(), 5000);
  const never = failing("get", [away("busy", 3_600_000)]);
  const impatient = retrying(never);
  await assert.rejects(impatient.store.get(randomBlock(10).id), { message: "busy" });
});

Deno.test("RetryingStore: an abort ends the waiting at once", async () => {
  const { store, clock } = retrying(failing("get", [away()]));
  const controller = new AbortController();
  const got = store.get(randomBlock(10).id, { signal: controller.signal });
  await clock.advance(10);
  controller.abort(new Error("stop"));
  await assert.rejects(got, /^Error: stop$/);
  assert.equal(clock.timerCount, 0);
});

/** Lists a few ids and then breaks off, in the first `failures` lists. */
class BreakingStore extends MemoryStore {
  lists = 0;
  readonly #failures: number;
  readonly #idsBefore: (list: number) => number;

  constructor(failures: number, idsBefore: (list: number) => number) {
    super();
    this.#failures = failures;
    this.#idsBefore = idsBefore;
  }

  override async *list(): ReturnType<MemoryStore["list"]> {
    const list = ++this.lists;
    let count = 0;
    for await (const id of super.list()) {
      if (list <= this.#failures && count++ === this.#idsBefore(list)) throw away();
      yield id;
    }
  }
}

async function filled<Inner extends MemoryStore>(store: Inner): Promise<Inner> {
  for (let i = 0; i < 20; i++) {
    const { id, block } = randomBlock(10);
    await store.put(id, block);
  }
  return store;
}

Deno.test("RetryingStore: a list that breaks off begins again and gives each id once", async () => {
  const clock = new FakeClock();
  // Each time it comes further, so it may fail more often than a call that does not.
  const inner = await filled(new BreakingStore(10, (list) => list));
  await using store = new RetryingStore(inner, { attempts: 2, clock, random: () => 1 });
  const listed = await clock.run(Array.fromAsync(store.list!()));
  assert.equal(inner.lists, 11);
  assert.equal(listed.length, 20);
  assert.equal(new Set(listed).size, 20);
});

Deno.test("RetryingStore: a list that does not come any further gives up", async () => {
  const clock = new FakeClock();
  const inner = await filled(new BreakingStore(Infinity, () => 5));
  await using store = new RetryingStore(inner, { attempts: 3, clock });
  await assert.rejects(clock.run(Array.fromAsync(store.list!())), /tried 3 times/);
  // The first one came further than nothing, so it does not count.
  assert.equal(inner.lists, 3);
});

Deno.test("RetryingStore: a list too long to be remembered fails instead of giving an id twice", async () => {
  const clock = new FakeClock();
  const inner = await filled(new BreakingStore(1, () => 12));
  await using store = new RetryingStore(inner, { listedIdsMax: 10, clock });
  await assert.rejects(
    clock.run(Array.fromAsync(store.list!())),
    /\(after more than 10 ids, too many to begin again\)/,
  );
  assert.equal(inner.lists, 1);
  assert.equal((await clock.run(Array.fromAsync(store.list!()))).length, 20);
});
