/** Goal: all rows arrive, in order, however many they are. Method: a database in memory. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { RowBatch } from "../../../../lib/flist/row_batch.ts";

Deno.test("row batch: every row arrives once, in order, for any number of rows", () => {
  for (const count of [0, 1, 15, 16, 17, 100]) {
    using database = new DatabaseSync(":memory:");
    database.exec("CREATE TABLE t(number INTEGER, bytes BLOB, missing INTEGER)");
    const batch = new RowBatch((sql) => database.prepare(sql), "t", 3);
    for (let i = 0; i < count; i++) batch.add(i, new Uint8Array([i]), null);
    batch.flush();
    batch.flush();
    const rows = database.prepare("SELECT number, hex(bytes) AS hex, missing FROM t ORDER BY rowid")
      .all();
    assert.deepEqual(
      rows.map(({ number, hex, missing }) => [number, hex, missing]),
      Array.from({ length: count }, (_, i) => [i, new Uint8Array([i]).toHex().toUpperCase(), null]),
    );
  }
});
