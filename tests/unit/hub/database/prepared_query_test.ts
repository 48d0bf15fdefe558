/** Goal: a prepared query asks with the values of each call, inside the bounds of its kind. */

import assert from "node:assert/strict";
import { openDatabase } from "../../../../hub/database/open_database.ts";
import { preparedIdQuery, preparedQuery } from "../../../../hub/database/prepared_query.ts";

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

Deno.test("prepared query: rows are found by any number of ids, and by none that fills up", async () => {
  const database = await openDatabase(":memory:");
  try {
    const owners = Array.from({ length: 1203 }, (_, index) => `user${index}`);
    for (const owner of owners) {
      await database.insertInto("usage").values({ owner, bytes: 1, objects: owner.length })
        .execute();
    }
    const ask = preparedIdQuery(
      database,
      (ids) =>
        database.selectFrom("usage").select("owner").where("bytes", "=", 0)
          .where("owner", "in", ids),
    );
    for (const count of [0, 1, 2, 4, 5, 63, 64, 65, 499, 500, 501, 1203]) {
      const wanted = owners.slice(0, count);
      const rows = await ask([...wanted, "nobody"], 1);
      assert.deepEqual(rows.map(({ owner }) => owner).sort(), wanted.toSorted());
    }
    assert.deepEqual(await ask([], 1), []);
    assert.deepEqual(await ask(owners, 2), []);
  } finally {
    await database.destroy();
  }
});
