/** Goal: what a store can do is found out, refusals are told from failures, and the probe goes. */

import assert from "node:assert/strict";
import { StoreDeniedError, StoreUnavailableError } from "../../../../lib/base/errors.ts";
import { MemoryStore } from "../../../../lib/store/memory_store.ts";
import {
  attempt,
  type StoreAbility,
  tryReading,
  tryWriting,
} from "../../../../lib/store/store_abilities.ts";
import { type Fault, FaultyStore } from "../../../helpers/faulty_store.ts";
import { randomBlock } from "../../../helpers/random_block.ts";

const error = new StoreDeniedError("mem://", "no");

function answers(abilities: Readonly<Record<string, StoreAbility>>): string {
  return Object.entries(abilities).map(([name, { answer }]) => `${name} ${answer}`).join(", ");
}

Deno.test("tryReading: tells what is refused and what there is no call for", async () => {
  const read = async (...faults: Fault[]): Promise<string> =>
    answers(await tryReading(new FaultyStore(new MemoryStore(), faults), randomBlock(10).id));
  assert.equal(await read(), "read yes, list yes");
  assert.equal(await read({ call: "list", error }), "read yes, list no");
  assert.equal(await read({ error }), "read no, list no");
  const store = new FaultyStore(new MemoryStore());
  Object.assign(store, { list: undefined });
  assert.match((await tryReading(store, randomBlock(10).id)).list.reason!, /cannot say/);
});

Deno.test("tryWriting: tells what is refused, and leaves nothing", async () => {
  const inner = new MemoryStore();
  const write = async (...faults: Fault[]): Promise<string> =>
    answers(await tryWriting(new FaultyStore(inner, faults), randomBlock(10)));
  assert.equal(await write(), "write yes, skipPresent yes, flush yes, delete yes");
  assert.deepEqual(await Array.fromAsync(inner.list()), []);
  assert.equal(
    await write({ call: "put", error }),
    "write no, skipPresent untried, flush untried, delete untried",
  );
  assert.equal(
    await write({ call: "flush", error }, { call: "delete", error }),
    "write yes, skipPresent yes, flush no, delete no",
  );
});

Deno.test("attempt: what is no refusal passes through", async () => {
  const away = new StoreUnavailableError("mem://", "away");
  await assert.rejects(attempt(() => Promise.reject(away)), (thrown) => thrown === away);
});
