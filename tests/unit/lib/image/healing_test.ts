/** Goal: what was healed is told copy by copy, and what was not, store by store. */

import assert from "node:assert/strict";
import { HealCounter } from "../../../../lib/image/healing.ts";
import type { HealEvent } from "../../../../lib/store/wrappers/block_healer.ts";

Deno.test("HealCounter: tells what was healed, and for each other store the first reason", () => {
  const heals = new HealCounter();
  assert.deepEqual(heals.report(), { healed: [], unhealed: [] });
  heals.add({ id: "01", store: "mem://a", found: "missing" });
  heals.add({ id: "02", store: "mem://b", found: "corrupt", error: new Error("denied") });
  heals.add({ id: "03", store: "mem://b", found: "unreachable", error: "gone" });
  heals.add({ id: "03", store: "mem://c", found: "unreachable", error: "gone" });
  assert.deepEqual(heals.report(), {
    healed: [{ id: "01", store: "mem://a", found: "missing" }],
    unhealed: [
      { store: "mem://b", count: 2, reason: "denied" },
      { store: "mem://c", count: 1, reason: "gone" },
    ],
  });
});

Deno.test("HealCounter: listens without taking the events from the caller", () => {
  const seen: HealEvent[] = [];
  const heals = new HealCounter();
  const options = { heal: true, onHeal: (event: HealEvent) => seen.push(event) };
  const listening = heals.listening(options);
  assert.equal(listening.heal, true);
  const event = { id: "01", store: "mem://a", found: "missing" } as const;
  listening.onHeal(event);
  heals.listening({}).onHeal(event);
  assert.deepEqual(seen, [event]);
  assert.equal(heals.report().healed.length, 2);
});
