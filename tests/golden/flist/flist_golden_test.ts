/**
 * Goal: flists that were not made by myfs are read as FORMAT.md says. Method: files made by
 * make_flists.py, which shares nothing with lib/flist, and the text it says they stand for. The
 * numbers in the names of the tests are FORMAT.md's sentences.
 */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { FlistEditor } from "../../../lib/flist/flist_editor.ts";
import { FlistReader } from "../../../lib/flist/flist_reader.ts";
import { FlistWriter } from "../../../lib/flist/flist_writer.ts";
import { dumpFlist } from "../../../lib/flist/text_dump.ts";
import { parseFlistText } from "../../../lib/flist/text_parse.ts";
import { TestFolder, writeSample } from "../../unit/lib/flist/flist_samples.ts";

const here = import.meta.dirname!;

const goldens: [file: string, text: string, sentences: string][] = [
  ["myfs.fl", "myfs.txt", "F1–F43, F61–F67, F69"],
  ["rfs.fl", "rfs.txt", "F44, F45, F47–F52, F54, F55, F61–F66, F68"],
  ["rfs-early.fl", "rfs.txt", "F45"],
];

for (const [file, text, sentences] of goldens) {
  const lines = Deno.readTextFileSync(`${here}/${text}`).trimEnd().split("\n");

  Deno.test(`flist golden: ${file} is valid and reads as ${text} [${sentences}]`, () => {
    using reader = FlistReader.open(`${here}/${file}`);
    reader.validate();
    assert.deepEqual([...dumpFlist(reader, { includeKeys: true })], lines);
  });

  Deno.test(`flist golden: every lookup in ${file} agrees with the listing`, () => {
    using reader = FlistReader.open(`${here}/${file}`);
    for (const inode of reader.inodes()) {
      if (inode.ino > 1) assert.deepEqual(reader.child(inode.parent, inode.name), inode);
      assert.deepEqual(reader.inode(inode.ino), inode);
    }
  });

  Deno.test(`flist golden: ${text} becomes a flist that dumps as ${text} [F61–F69]`, () => {
    using folder = new TestFolder();
    parseFlistText(lines, folder.file("a.fl"));
    using reader = FlistReader.open(folder.file("a.fl"));
    reader.validate();
    assert.deepEqual([...dumpFlist(reader, { includeKeys: true })], lines);
  });

  Deno.test(`flist golden: ${file} can be edited [F7]`, () => {
    using folder = new TestFolder();
    const path = folder.file("a.fl");
    Deno.copyFileSync(`${here}/${file}`, path);
    {
      using editor = FlistEditor.open(path);
      editor.setTag("version", "3.0");
      editor.finish();
    }
    using reader = FlistReader.open(path);
    reader.validate();
    const isVersion = (line: string) => line.startsWith("tag version=");
    const after = [...dumpFlist(reader, { includeKeys: true })];
    assert.deepEqual(
      after.filter((line) => !isVersion(line)),
      lines.filter((line) => !isVersion(line)),
    );
    assert.deepEqual(after.filter(isVersion), ["tag version=3.0"]);
  });
}

Deno.test("flist golden: what we write in the rfs profile has the tables and indexes of rfs [F44, F45]", () => {
  using folder = new TestFolder();
  writeSample(folder.file("a.fl"), "rfs");
  assert.deepEqual(describeSchema(folder.file("a.fl")), describeSchema(`${here}/rfs.fl`));
});

Deno.test("flist golden: what we write in the myfs profile is told by its header [F2, F11, F12]", () => {
  using folder = new TestFolder();
  writeSample(folder.file("a.fl"), "myfs");
  for (const path of [folder.file("a.fl"), `${here}/myfs.fl`]) {
    const bytes = Deno.readFileSync(path);
    const view = new DataView(bytes.buffer);
    assert.equal(new TextDecoder().decode(bytes.subarray(0, 16)), "SQLite format 3\0");
    assert.deepEqual([bytes[18], bytes[19]], [1, 1]);
    assert.equal(view.getUint32(28) * view.getUint16(16), bytes.length);
    assert.equal(view.getUint32(60), 1);
    assert.equal(new TextDecoder().decode(bytes.subarray(68, 72)), "myfs");
  }
});

Deno.test("flist golden: FORMAT.md shows the schema that is written [F15]", () => {
  using folder = new TestFolder();
  writeSample(folder.file("a.fl"), "myfs");
  using database = new DatabaseSync(folder.file("a.fl"), { readOnly: true });
  const rows = database.prepare("SELECT sql FROM sqlite_schema").all();
  const plain = (sql: string) => sql.replace(/\s+/g, " ").trim();
  const format = Deno.readTextFileSync(`${here}/../../../lib/flist/FORMAT.md`);
  const shown = /```sql\n([^`]*)```/.exec(format)![1]!.split(";").map(plain).filter((sql) =>
    sql !== ""
  );
  assert.deepEqual(shown.sort(), rows.map((row) => plain(String(row.sql))).sort());
});

Deno.test("flist golden: an entry takes as many bytes as FORMAT.md says, and no more [section 5]", () => {
  using folder = new TestFolder();
  const path = folder.file("a.fl");
  const count = 6000;
  {
    using writer = FlistWriter.create(path, { profile: "myfs" });
    const metadata = { uid: 0, gid: 0, mtime: 1_700_000_000, rdev: 0 };
    writer.addInode({
      parent: 0,
      name: "",
      mode: 0o40755,
      size: 0,
      mtimeNsec: 0,
      ...metadata,
    });
    for (let i = 0; i < count; i++) {
      const mtimeNsec = (i * 104_729_003) % 1_000_000_000;
      const ino = writer.addInode({
        parent: 1,
        name: `some-name-${10_000 + i}.ts`,
        mode: 0o100644,
        size: 0,
        mtimeNsec,
        ...metadata,
      });
      writer.setDigest(ino, new Uint8Array(32).fill(i));
    }
    writer.finish();
  }
  const bytesPerEntry = Deno.statSync(path).size / count;
  assert.ok(bytesPerEntry < 103, `${bytesPerEntry}`);
});

/** Tables with their columns, types and keys, and indexes with their columns. */
function describeSchema(path: string): unknown {
  using database = new DatabaseSync(path, { readOnly: true });
  const rows = (sql: string) => database.prepare(sql).all().map((row) => Object.values(row).join());
  return {
    tables: rows(`SELECT t.name, c.cid, lower(c.name), lower(c.type), c.pk, c."notnull", c.hidden
      FROM pragma_table_list t, pragma_table_xinfo(t.name) c
      WHERE t.schema = 'main' AND t.name <> 'sqlite_schema' ORDER BY 1, 2`),
    indexes: rows(`SELECT t.name, i.name, i."unique", i.origin, i.partial, c.name, c."desc", c.coll
      FROM pragma_table_list t, pragma_index_list(t.name) i, pragma_index_xinfo(i.name) c
      WHERE c.key = 1 ORDER BY 1, 2`),
  };
}
