/** Goal: good blocks go where they were missing or bad, nothing else does, and nothing fails. */

import assert from "node:assert/strict";
import {
  BlockCorruptError,
  BlockNotFoundError,
  StoreDeniedError,
  StoreUnavailableError,
} from "../../../../../lib/base/errors.ts";
import { checkEitherDigest } from "../../../../../lib/store/block_check.ts";
import { MemoryStore } from "../../../../../lib/store/memory_store.ts";
import { BlockHealer, type HealEvent } from "../../../../../lib/store/wrappers/block_healer.ts";
import type { ReplicaFailure } from "../../../../../lib/store/wrappers/replica_reader.ts";
import { ReplicaRecord } from "../../../../../lib/store/wrappers/replica_record.ts";
import { FakeClock } from "../../../../helpers/fake_clock.ts";
import { type Fault, FaultyStore } from "../../../../helpers/faulty_store.ts";
import { randomBlock } from "../../../../helpers/random_block.ts";

const { id, block } = randomBlock(100);
const missing = new BlockNotFoundError(id, "mem://");
const corrupt = new BlockCorruptError(id, "bad");
const away = new StoreUnavailableError("mem://", "away");

function failure(error: unknown, ...faults: Fault[]): ReplicaFailure & { inner: FaultyStore } {
  const inner = new FaultyStore(new MemoryStore(), faults);
  return { inner, replica: { store: inner, record: new ReplicaRecord() }, error };
}

function healer(): { healer: BlockHealer; events: HealEvent[] } {
  const events: HealEvent[] = [];
  const options = { check: checkEitherDigest, onHeal: (event: HealEvent) => events.push(event) };
  return { healer: new BlockHealer(options), events };
}

Deno.test("BlockHealer: writes what was missing, and replaces what was corrupt", async () => {
  const { healer: heals, events } = healer();
  const [lost, bad] = [failure(missing), failure(corrupt)];
  await bad.inner.put(id, new Uint8Array(100));
  await heals.heal(id, block, [lost, bad], {});
  for (const { inner } of [lost, bad]) assert.deepEqual(await inner.get(id), block);
  assert.deepEqual(events, [
    { id, store: "mem://", found: "missing" },
    { id, store: "mem://", found: "corrupt" },
  ]);
  await heals[Symbol.asyncDispose]();
  for (const { inner } of [lost, bad]) assert.equal(inner.calls.flush, 1);
});

Deno.test("BlockHealer: what cannot be written is told and does not fail", async () => {
  const denied = new StoreDeniedError("mem://", "read only");
  const { healer: heals, events } = healer();
  const [readOnly, gone, good] = [
    failure(missing, { call: "put", error: denied }),
    failure(away),
    failure(missing, { call: "flush", error: away }),
  ];
  await heals.heal(id, block, [readOnly, gone, good], {});
  assert.equal(gone.inner.calls.put, 0);
  assert.deepEqual(events.find(({ error }) => error === denied)?.found, "missing");
  assert.deepEqual(events.find(({ error }) => error === away)?.found, "unreachable");
  assert.equal(events.filter(({ error }) => error === undefined).length, 1);
  // What is not known to survive a power cut counts as not healed.
  await heals[Symbol.asyncDispose]();
  assert.equal(events.at(-1)!.error, away);
});

Deno.test("BlockHealer: writes nothing that is not the block", async () => {
  const { healer: heals, events } = healer();
  const lost = failure(missing);
  await assert.rejects(heals.heal(id, new Uint8Array(100), [lost], {}), BlockCorruptError);
  assert.equal(lost.inner.calls.put, 0);
  assert.deepEqual(events, []);
});

Deno.test("BlockHealer: writes a block once when several readers find it missing together", async () => {
  const { healer: heals, events } = healer();
  const lost = failure(missing, { call: "put", delayMs: 5 });
  await Promise.all([1, 2, 3].map(() => heals.heal(id, block, [lost], {})));
  assert.equal(lost.inner.calls.put, 1);
  assert.equal(events.length, 1);
});

Deno.test("BlockHealer: an abort ends it with the caller's reason, and is no failure to heal", async () => {
  const { healer: heals, events } = healer();
  const controller = new AbortController();
  const lost = failure(missing, { call: "put", delayMs: 60_000 });
  const healing = heals.heal(id, block, [lost], { signal: controller.signal });
  controller.abort(new Error("stop"));
  await assert.rejects(healing, /^Error: stop$/);
  assert.deepEqual(events, []);
});

Deno.test("BlockHealer: leaves a store that refused a block alone for a while", async () => {
  const clock = new FakeClock();
  const events: HealEvent[] = [];
  const heals = new BlockHealer({
    check: checkEitherDigest,
    onHeal: (event) => events.push(event),
    clock,
  });
  const refusing = failure(missing, { call: "put", nth: 1, error: away });
  for (let i = 0; i < 3; i++) await heals.heal(id, block, [refusing], {});
  assert.equal(refusing.inner.calls.put, 1);
  assert.deepEqual(events.map(({ error }) => error), [away, away, away]);
  await clock.advance(10_000);
  await heals.heal(id, block, [refusing], {});
  assert.deepEqual(await refusing.inner.get(id), block);
  assert.equal(events.at(-1)!.error, undefined);
});
