/** Goal: failures cost time, by user and by address; success and time make good for them. */

import assert from "node:assert/strict";
import { SignInLimit } from "../../../../hub/accounts/sign_in_limit.ts";
import { openDatabase } from "../../../../hub/database/open_database.ts";
import { HubProblem } from "../../../../lib/hub_api/problem.ts";

const MINUTE_MS = 60_000;

/** A limit, its clock, and what it answers: seconds to wait, or 0. */
async function open(): Promise<{
  limit: SignInLimit;
  clock: { now: number };
  attempt: (user: string, address?: string) => Promise<number>;
  count: () => Promise<number>;
  close: () => Promise<void>;
}> {
  const clock = { now: Date.parse("2026-01-01T00:00:00Z") };
  const database = await openDatabase(":memory:");
  const limit = new SignInLimit(database, () => clock.now);
  return {
    limit,
    clock,
    attempt: async (user, address) => {
      try {
        await limit.begin(user, address);
        return 0;
      } catch (error) {
        assert.ok(error instanceof HubProblem && error.status === 429);
        return error.retryAfterSeconds!;
      }
    },
    count: async () => (await database.selectFrom("sign_in_attempt").selectAll().execute()).length,
    close: () => database.destroy(),
  };
}

Deno.test("sign-in limit: the wait doubles, ends at a quarter of an hour, and is forgotten then", async () => {
  const { clock, attempt, close } = await open();
  for (let tries = 0; tries < 5; tries++) assert.equal(await attempt("alice"), 0);
  const waits: number[] = [];
  for (let tries = 0; tries < 11; tries++) {
    const wait = await attempt("alice");
    waits.push(wait);
    clock.now += wait * 1000;
    assert.equal(await attempt("alice"), 0, `after ${wait} s`);
  }
  // After the longest wait nothing is held against anybody.
  assert.deepEqual(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900]);
  assert.equal(await attempt("alice"), 0);
  await close();
});

Deno.test("sign-in limit: attempts while waiting do not make it longer", async () => {
  const { clock, attempt, close } = await open();
  for (let tries = 0; tries < 5; tries++) await attempt("alice");
  for (let tries = 0; tries < 50; tries++) assert.equal(await attempt("alice"), 1);
  clock.now += 1000;
  assert.equal(await attempt("alice"), 0);
  await close();
});

Deno.test("sign-in limit: success forgets the user's failures, but not all of the address's", async () => {
  const { limit, attempt, close } = await open();
  const address = "192.0.2.1";
  for (let tries = 0; tries < 4; tries++) await attempt("alice", address);
  await attempt("alice", address);
  await limit.succeed("alice", address);
  for (let tries = 0; tries < 5; tries++) assert.equal(await attempt("alice", address), 0);
  for (let user = 0; user < 21; user++) assert.equal(await attempt(`user${user}`, address), 0);
  assert.ok(await attempt("one more", address) > 0);
  assert.equal(await attempt("one more", "192.0.2.2"), 0);
  await close();
});

Deno.test("sign-in limit: many at once count as many", async () => {
  const { attempt, close } = await open();
  const waits = await Promise.all(Array.from({ length: 20 }, () => attempt("alice")));
  assert.equal(waits.filter((wait) => wait === 0).length, 5);
  await close();
});

Deno.test("sign-in limit: what is forgotten is removed", async () => {
  const { limit, clock, attempt, count, close } = await open();
  await attempt("alice", "192.0.2.1");
  clock.now += 16 * MINUTE_MS;
  await attempt("bob");
  await limit.clean();
  assert.equal(await count(), 1);
  await close();
});
