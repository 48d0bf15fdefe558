/** Goal: a prepared query asks with the values of each call, inside the bounds of its kind. */

import assert from "node:assert/strict";
import { openDatabase } from "../../../../hub/database/open_database.ts";
import { preparedQuery } from "../../../../hub/database/prepared_query.ts";

Deno.test("prepared query: each call has its own values, in the order of the query's", async () => {
  const database = await openDatabase(":memory:");
  try {
    for (const [owner, bytes] of [["alice", 1], ["bob", 2]] as const) {
      await database.insertInto("usage").values({ owner, bytes, objects: 7 }).execute();
    }
    const ask = preparedQuery(
      database,
      database.selectFrom("usage").select("bytes").where("owner", "=", "").where("objects", "=", 0),
    );
    assert.deepEqual((await ask("alice", 7)).map(({ bytes }) => Number(bytes)), [1]);
    assert.deepEqual((await ask("bob", 7)).map(({ bytes }) => Number(bytes)), [2]);
    assert.deepEqual(await ask("bob", 8), []);
    await assert.rejects(async () => await ask("bob"), TypeError);
  } finally {
    await database.destroy();
  }
});
