/** Goal: SQLite through Kysely, with transactions that take turns and undo themselves. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { Kysely, sql } from "kysely";
import { SqliteDialect } from "../../../../hub/database/sqlite_dialect.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";

interface Tables {
  readonly item: { readonly name: string; readonly count: number | null };
}

async function open(): Promise<Kysely<Tables>> {
  const database = new Kysely<Tables>({ dialect: new SqliteDialect(":memory:") });
  await database.schema.createTable("item").addColumn("name", "text", (name) => name.primaryKey())
    .addColumn("count", "integer").execute();
  return database;
}

Deno.test("sqlite dialect: rows go in and come out, and changes are counted", async () => {
  const database = await open();
  const inserted = await database.insertInto("item")
    .values([{ name: "a", count: 1 }, { name: "b", count: null }]).executeTakeFirstOrThrow();
  assert.equal(inserted.numInsertedOrUpdatedRows, 2n);
  const changed = await database.updateTable("item").set({ count: 7 }).where("name", "=", "b")
    .returning("count").executeTakeFirst();
  assert.deepEqual({ ...changed }, { count: 7 });
  const { numUpdatedRows } = await database.updateTable("item").set({ count: 0 })
    .where("name", "=", "c").executeTakeFirst();
  assert.equal(numUpdatedRows, 0n);
  const { rows } = await sql<{ n: number }>`with x as (select 3 as n) select n from x`
    .execute(database);
  assert.equal(rows[0]?.n, 3);
  await database.destroy();
});

Deno.test("sqlite dialect: a transaction that fails has done nothing, and the next one goes on", async () => {
  const database = await open();
  const failing = database.transaction().execute(async (transaction) => {
    await transaction.insertInto("item").values({ name: "a", count: 1 }).execute();
    throw new Error("changed my mind");
  });
  await assert.rejects(failing, /changed my mind/);
  await assert.rejects(
    database.transaction().execute((transaction) =>
      transaction.insertInto("item").values([{ name: "a", count: 1 }, { name: "a", count: 2 }])
        .execute()
    ),
    /UNIQUE/,
  );
  assert.deepEqual(await database.selectFrom("item").selectAll().execute(), []);
  await database.destroy();
});

Deno.test("sqlite dialect: transactions at the same time do not see into each other", async () => {
  const database = await open();
  await database.insertInto("item").values({ name: "a", count: 0 }).execute();
  const addOne = (): Promise<void> =>
    database.transaction().execute(async (transaction) => {
      const { count } = await transaction.selectFrom("item").select("count")
        .executeTakeFirstOrThrow();
      await new Promise((resolve) => setTimeout(resolve, 1));
      await transaction.updateTable("item").set({ count: count! + 1 }).execute();
    });
  await Promise.all(Array.from({ length: 20 }, addOne));
  const { count } = await database.selectFrom("item").select("count").executeTakeFirstOrThrow();
  assert.equal(count, 20);
  await database.destroy();
});

Deno.test("sqlite dialect: more statements than stay prepared", async () => {
  const database = await open();
  for (let index = 0; index < 450; index++) {
    const { rows } = await sql<{ n: number }>`select ${sql.lit(index)} as n`.execute(database);
    assert.equal(rows[0]?.n, index);
  }
  await database.destroy();
});

Deno.test("sqlite dialect: another process's write is waited for, and holds up nothing else", async () => {
  using folder = new TempFolder();
  const path = folder.file("a.sqlite");
  const database = new Kysely<Tables>({ dialect: new SqliteDialect(path, 60_000) });
  await database.schema.createTable("item").addColumn("name", "text")
    .addColumn("count", "integer").execute();
  using other = new DatabaseSync(path);
  other.exec("BEGIN IMMEDIATE");
  let isWritten = false;
  const writing = database.insertInto("item").values({ name: "a", count: 1 }).execute()
    .then(() => isWritten = true);
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(isWritten, false);
  other.exec("COMMIT");
  await writing;
  await database.destroy();
});

Deno.test("sqlite dialect: where the wait was in vain, those who come then do not wait again", async () => {
  using folder = new TempFolder();
  const path = folder.file("a.sqlite");
  const database = new Kysely<Tables>({ dialect: new SqliteDialect(path, 150) });
  await database.schema.createTable("item").addColumn("name", "text")
    .addColumn("count", "integer").execute();
  using other = new DatabaseSync(path);
  other.exec("BEGIN IMMEDIATE");
  const add = (): Promise<unknown> =>
    database.transaction().execute((transaction) =>
      transaction.insertInto("item").values({ name: "a", count: 1 }).execute()
    );
  const start = performance.now();
  const results = await Promise.allSettled(Array.from({ length: 20 }, add));
  const spent = performance.now() - start;
  for (const result of results) {
    assert.match(String((result as PromiseRejectedResult).reason), /database is locked/);
  }
  // Each for itself would have taken 3 s.
  assert.ok(spent >= 150 && spent < 1500, `${spent} ms`);
  other.exec("ROLLBACK");
  await add();
  const { length } = await database.selectFrom("item").selectAll().execute();
  assert.equal(length, 1);
  await database.destroy();
});
