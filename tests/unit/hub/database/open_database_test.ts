/** Goal: tables are there whole or not at all, and only the database's owner may read it. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { sql } from "kysely";
import { checkDatabase, openDatabase } from "../../../../hub/database/open_database.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";

function tablesOf(path: string): unknown[] {
  using database = new DatabaseSync(path, { readOnly: true });
  return database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all()
    .map(({ name }) => name);
}

Deno.test("hub database: it is made with its folder, for its owner alone, and opened again", async () => {
  using folder = new TempFolder();
  const path = folder.file("deep/er/hub.sqlite");
  await (await openDatabase(path)).destroy();
  const tables = tablesOf(path);
  assert.ok(tables.includes("account") && tables.includes("audit"));
  const again = await openDatabase(path);
  await checkDatabase(again);
  for (const name of ["hub.sqlite", "hub.sqlite-wal"]) {
    const { mode } = await Deno.stat(folder.file(`deep/er/${name}`));
    assert.equal(mode! & 0o077, 0, name);
  }
  await again.destroy();
  assert.deepEqual(tablesOf(path), tables);
});

Deno.test("hub database: a change of tables that fails in its middle leaves nothing", async () => {
  using folder = new TempFolder();
  const path = folder.file("hub.sqlite");
  {
    using database = new DatabaseSync(path);
    // The first migration makes other tables before it comes to this one.
    database.exec("CREATE TABLE session (x)");
  }
  await assert.rejects(openDatabase(path), /session/);
  assert.ok(!tablesOf(path).includes("account"));
  {
    using database = new DatabaseSync(path);
    database.exec("DROP TABLE session");
  }
  const database = await openDatabase(path);
  await checkDatabase(database);
  await database.destroy();
});

Deno.test("hub database: what is no database is left as it is", async () => {
  using folder = new TempFolder();
  const path = folder.file("hub.sqlite");
  const text = "no database, but somebody's notes\n".repeat(100);
  await Deno.writeTextFile(path, text);
  await assert.rejects(openDatabase(path), /not a database/);
  assert.equal(await Deno.readTextFile(path), text);
});

Deno.test("hub database: blocks are looked up by their ids, not by whether they are garbage", async () => {
  const database = await openDatabase(":memory:");
  try {
    const ids = Array.from({ length: 500 }, (_, index) => String(index));
    for (const isGarbage of [false, true]) {
      const query = database.selectFrom("block").select("id").where("id", "in", ids)
        .where("garbage_since", isGarbage ? "is not" : "is", null);
      const plan = await query.explain<{ detail: string }>(undefined, sql`query plan`);
      assert.deepEqual(plan.map(({ detail }) => detail), [
        "SEARCH block USING INDEX sqlite_autoindex_block_1 (id=?)",
      ]);
    }
    const old = await database.selectFrom("block").select("id").where("garbage_since", "<", "2026")
      .explain<{ detail: string }>(undefined, sql`query plan`);
    assert.match(old[0]!.detail, /USING INDEX block_garbage_since/);
  } finally {
    await database.destroy();
  }
});
