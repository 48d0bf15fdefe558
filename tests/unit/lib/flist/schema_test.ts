/**
 * Goal: exactly the two schemas are recognised, whatever their wording, and nothing is added to
 * them. Method: databases in memory, made from varied SQL.
 */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import type { Profile } from "../../../../lib/block/profile.ts";
import { schemaFault, schemaOf } from "../../../../lib/flist/schema.ts";
import { BOTH } from "./flist_samples.ts";

function faultOf(profile: Profile, sql: readonly string[]): string | undefined {
  using database = new DatabaseSync(":memory:") as DatabaseSync & Disposable;
  for (const statement of sql) database.exec(statement);
  return schemaFault(
    profile,
    (query) => database.prepare(query).all().map((row) => Object.values(row)),
  );
}

function sqlOf(profile: Profile): string[] {
  const { tables, indexes } = schemaOf(profile);
  return [...tables, ...indexes];
}

for (const profile of BOTH) {
  Deno.test(`schema (${profile}): its own SQL is recognised, the other profile's is not`, () => {
    const other = profile === "myfs" ? "rfs" : "myfs";
    assert.equal(faultOf(profile, sqlOf(profile)), undefined);
    assert.match(faultOf(profile, sqlOf(other))!, /unexpected|not as expected|has the columns/);
    assert.match(faultOf(profile, [])!, /it has no table/);
  });

  Deno.test(`schema (${profile}): white space and case do not matter`, () => {
    const varied = sqlOf(profile).map((sql) =>
      sql.replace(/\s+/g, "\n\t").replace(/\(/g, " ( ").replace(/INTEGER/g, "integer")
    );
    assert.equal(faultOf(profile, varied), undefined);
  });

  Deno.test(`schema (${profile}): every table and index is needed`, () => {
    for (const missing of sqlOf(profile)) {
      if (profile === "rfs" && missing.includes("names")) continue;
      const rest = sqlOf(profile).filter((sql) => {
        const table = /TABLE (\w+)/.exec(missing)?.[1];
        return sql !== missing && (table === undefined || !sql.includes(`ON ${table}`));
      });
      assert.match(faultOf(profile, rest)!, /it has no (table|index)/, missing);
    }
  });

  Deno.test(`schema (${profile}): anything more is refused`, () => {
    for (
      const [more, message] of [
        ["CREATE VIEW v AS SELECT 1", /unexpected view "v"/],
        ["CREATE TABLE t(a)", /unexpected table "t"/],
        ["CREATE VIRTUAL TABLE f USING fts5(a)", /unexpected/],
        ["CREATE TRIGGER g AFTER INSERT ON tag BEGIN SELECT 1; END", /unexpected trigger "g"/],
        ["CREATE INDEX i ON inode(abs(size))", /unexpected index "i"/],
        ["CREATE INDEX i ON inode(size)", /unexpected index "i"/],
        ["CREATE INDEX i ON inode(name) WHERE size > 1", /unexpected index "i"/],
        ["CREATE INDEX i ON inode(name COLLATE NOCASE)", /unexpected index "i"/],
        ["CREATE INDEX i ON inode(name DESC)", /unexpected index "i"/],
        ["CREATE INDEX i ON route(url)", /unexpected index "i"/],
      ] as const
    ) {
      assert.match(faultOf(profile, [...sqlOf(profile), more])!, message);
    }
  });
}

const variants: [why: string, from: string, to: string, message: RegExp][] = [
  [
    "a computed column",
    "mtime INTEGER)",
    "mtime AS (size))",
    /"mtime" of its table "inode" is computed/,
  ],
  ["a column too many", "mtime INTEGER)", "mtime INTEGER, x)", /has the columns/],
  ["another name", "gid INTEGER", "grp INTEGER", /has the columns/],
  [
    "a key that is no row number",
    "ino INTEGER PRIMARY KEY AUTOINCREMENT",
    "ino INT PRIMARY KEY",
    /is not an integer/,
  ],
  [
    "no row numbers",
    "value VARCHAR(255))",
    "value VARCHAR(255)) WITHOUT ROWID",
    /has no row numbers/,
  ],
];
for (const [why, from, to, message] of variants) {
  Deno.test(`schema (rfs): refuses a table with ${why}`, () => {
    const sql = sqlOf("rfs").map((statement) =>
      statement.replaceAll(/\s+/g, " ").replace(from, to)
    );
    assert.notDeepEqual(sql, sqlOf("rfs"));
    assert.match(faultOf("rfs", sql)!, message);
  });
}
