/** Goal: stores are opened once, and again after a failure. Method: an opening that fails as told. */

import assert from "node:assert/strict";
import { LateStore } from "../../../../lib/mount/late_store.ts";
import { MemoryStore } from "../../../../lib/store/memory_store.ts";

Deno.test("late store: those who ask at once get one opening, and a failed one is repeated", async () => {
  const results: (Error | "opens")[] = [new Error("away"), "opens"];
  let opened = 0;
  let closed = 0;
  const store = new MemoryStore("late");
  const late = new LateStore(() => {
    opened++;
    const result = results.shift()!;
    if (result !== "opens") return Promise.reject(result);
    return Promise.resolve({
      store,
      [Symbol.asyncDispose]: () => {
        closed++;
        return Promise.resolve();
      },
    });
  });
  assert.equal(opened, 0);
  const first = await Promise.allSettled([late.get(), late.get()]);
  assert.deepEqual(first.map(({ status }) => status), ["rejected", "rejected"]);
  assert.equal(opened, 1);
  assert.deepEqual(await Promise.all([late.get(), late.get()]), [store, store]);
  assert.equal(opened, 2);
  await late[Symbol.asyncDispose]();
  assert.equal(closed, 1);
  await assert.rejects(late.get(), TypeError);
});
