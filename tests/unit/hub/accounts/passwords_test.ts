/** Goal: argon2id with today's parameters, the same effort for users that are not there, and a bound. */

import assert from "node:assert/strict";
import { Algorithm, hash } from "@node-rs/argon2";
import { PasswordHasher } from "../../../../hub/accounts/passwords.ts";
import { HubProblem } from "../../../../lib/hub_api/problem.ts";

Deno.test("passwords: a hash is argon2id, with a salt of its own, and good for its password alone", async () => {
  const hasher = new PasswordHasher();
  const stored = await hasher.hash("pässword");
  assert.match(stored, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  assert.notEqual(stored, await hasher.hash("pässword"));
  assert.equal(await hasher.matches(stored, "pässword"), true);
  assert.equal(await hasher.matches(stored, "password"), false);
  assert.equal(await hasher.matches(stored, ""), false);
  assert.equal(await hasher.matches(undefined, "pässword"), false);
});

Deno.test("passwords: weaker hashes are outdated, today's are not", async () => {
  const hasher = new PasswordHasher();
  // The enum is declared const, and is not there at run time.
  const old = await hash("x", { algorithm: 2 as Algorithm, memoryCost: 8192, timeCost: 1 });
  assert.ok(hasher.isOutdated(old));
  assert.ok(!hasher.isOutdated(await hasher.hash("x")));
});

Deno.test("passwords: who is not there takes as long as who is", async () => {
  const hasher = new PasswordHasher();
  const stored = await hasher.hash("right");
  await hasher.matches(undefined, "warm up");
  const median = async (against: string | undefined): Promise<number> => {
    const times: number[] = [];
    for (let count = 0; count < 9; count++) {
      const start = performance.now();
      await hasher.matches(against, "wrong");
      times.push(performance.now() - start);
    }
    return times.sort((one, other) => one - other)[4]!;
  };
  const [there, nobody] = [await median(stored), await median(undefined)];
  // Without the dummy hash it would be a thousandth.
  assert.ok(nobody > there / 4, `${nobody} ms against ${there} ms`);
});

Deno.test("passwords: too many at once are told to come back, the others are served", async () => {
  const hasher = new PasswordHasher();
  const stored = await hasher.hash("right");
  const results = await Promise.allSettled(
    Array.from({ length: 110 }, () => hasher.matches(stored, "right")),
  );
  const refused = results.filter(({ status }) => status === "rejected");
  assert.equal(refused.length, 8);
  for (const { reason } of refused as PromiseRejectedResult[]) {
    assert.ok(reason instanceof HubProblem && reason.status === 429);
  }
  assert.equal(await hasher.matches(stored, "right"), true);
});
