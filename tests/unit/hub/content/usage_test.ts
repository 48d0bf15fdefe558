/** Goal: what users take is counted right, and never gets past what they may take. */

import assert from "node:assert/strict";
import { expectRoom, giveRoom, takeRoom, usageOf } from "../../../../hub/content/usage.ts";
import { HubContent } from "../../../helpers/hub_content.ts";

Deno.test("usage: bytes and objects, each up to its own limit, to the last", async () => {
  await using hub = await HubContent.open();
  const { database } = hub;
  const take = (bytes: number, objects: number): Promise<boolean> =>
    takeRoom(database, "alice", { bytes, objects });
  assert.equal(await take(10 ** 12, 10 ** 6), true);
  await giveRoom(database, "alice", { bytes: 10 ** 12, objects: 10 ** 6 });
  await hub.limit("alice", { bytes: 100, objects: 3 });
  assert.equal(await take(101, 1), false);
  assert.equal(await take(60, 2), true);
  assert.equal(await take(41, 1), false);
  assert.equal(await take(0, 2), false);
  assert.deepEqual(await usageOf(database, "alice"), { bytes: 60, objects: 2 });
  assert.equal(await take(40, 1), true);
  assert.equal(await take(0, 0), true);
  await assert.rejects(expectRoom(database, "alice", 0), { status: 507, code: "quota_exceeded" });
  await giveRoom(database, "alice", { bytes: 50, objects: 1 });
  await expectRoom(database, "alice", 50);
  await assert.rejects(expectRoom(database, "alice", 51), { status: 507 });
  // Others are not concerned.
  assert.equal(await takeRoom(database, "bob", { bytes: 10 ** 9, objects: 10 ** 5 }), true);
  assert.deepEqual(await usageOf(database, "nobody"), { bytes: 0, objects: 0 });
});

Deno.test("usage: many at once never get past the limit", async () => {
  await using hub = await HubContent.open();
  await hub.limit("alice", { bytes: 100 });
  const results = await Promise.all(
    Array.from({ length: 50 }, () => takeRoom(hub.database, "alice", { bytes: 7, objects: 1 })),
  );
  assert.equal(results.filter((isTaken) => isTaken).length, 14);
  assert.deepEqual(await usageOf(hub.database, "alice"), { bytes: 98, objects: 14 });
});
