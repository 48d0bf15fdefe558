/**
 * Flists that somebody made to do harm, or that came to harm: each with what must be said of it.
 * Every fault that is ever found goes here. They are made when the test runs, from the sample flist,
 * by SQL with SQLite's own checks turned off, or by changing bytes.
 *
 * @module
 */

import { DatabaseSync } from "node:sqlite";
import type { Profile } from "../../../../lib/block/profile.ts";
import {
  fileRecord,
  metadata,
  writeFlist,
  writeSample,
} from "../../../unit/lib/flist/flist_samples.ts";

/** One hostile flist. */
export interface HostileFlist {
  /** What is wrong with it. */
  readonly name: string;
  /** What opening and validating it must say. */
  readonly message: RegExp;
  /** Makes it. */
  readonly make: (path: string) => void;
}

/*
 * Inodes of the samples: 1 root, 2 directory/, 3 few (100 bytes), 4 "large é" (1,100,000 bytes),
 * 5 nothing, 6 block, 7 character, 8 fifo, 9 link, 10 socket; myfs has 11 as another name of 3, 12
 * xattrs and 13 zeros (5,000,000,000 bytes). 6 to 13 are in 2. Chunk 1 is few's, and zeros' in
 * part; 2 to 4 are large's.
 */

/** SQL on the sample of a profile. In `myfs`, tables take any value meanwhile. */
function bySql(profile: Profile, name: string, message: RegExp, ...sql: string[]): HostileFlist {
  const make = (path: string) => {
    writeSample(path, profile);
    forge(path, sql);
  };
  return { name: `${profile}: ${name}`, message, make };
}

/** Runs `sql` on a flist without the checks that its schema asks for. */
function forge(path: string, sql: readonly string[]): void {
  const original = withSchema(path, (database) => {
    const rows = database.prepare("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL")
      .all();
    database.exec(`UPDATE sqlite_schema SET sql =
      replace(replace(replace(replace(sql, ' STRICT, WITHOUT', ' WITHOUT'), ' STRICT', ''),
        'CREATE UNIQUE INDEX', 'CREATE INDEX'), ' NOT NULL', '')`);
    return rows;
  });
  {
    using database = openForWriting(path);
    // The unique index is not unique now, and has to be told.
    database.exec("REINDEX");
    for (const statement of sql) database.exec(statement);
  }
  withSchema(path, (database) => {
    const restore = database.prepare("UPDATE sqlite_schema SET sql = ? WHERE name = ?");
    for (const row of original) restore.run(row.sql!, row.name!);
  });
}

/** Changes the schema itself. */
function withSchema<Result>(path: string, change: (database: DatabaseSync) => Result): Result {
  using database = openForWriting(path);
  database.exec("PRAGMA writable_schema = ON");
  return change(database);
}

function openForWriting(path: string): DatabaseSync {
  const options = { defensive: false, enableForeignKeyConstraints: false };
  const database = new DatabaseSync(path, options);
  // No journal and no waiting for the disk: these files need not outlive anything.
  database.exec("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF");
  return database;
}

/** Changes bytes of the sample of a profile. */
function byBytes(
  profile: Profile,
  name: string,
  message: RegExp,
  change: (bytes: Uint8Array) => Uint8Array,
): HostileFlist {
  const make = (path: string) => {
    writeSample(path, profile);
    Deno.writeFileSync(path, change(Deno.readFileSync(path)));
  };
  return { name: `${profile}: ${name}`, message, make };
}

/** What can be wrong with an inode in both profiles. */
function wrongInodes(profile: Profile): HostileFlist[] {
  const myfs = profile === "myfs";
  const bytes = (hex: string) => myfs ? `x'${hex}'` : `CAST(x'${hex}' AS TEXT)`;
  const named = (name: string, hex: string, message: RegExp) =>
    bySql(profile, name, message, `UPDATE inode SET name = ${bytes(hex)} WHERE ino = 5`);
  const set = (name: string, change: string, message: RegExp, ino = 5) =>
    bySql(profile, name, message, `UPDATE inode SET ${change} WHERE ino = ${ino}`);
  return [
    named("a name ..", "2e2e", /inode 5 "\.\.": its name is "\.\."/),
    named("a name .", "2e", /inode 5 "\.": its name is "\."/),
    named("a name with a slash", "612f62", /inode 5 "a\/b": its name holds "\/"/),
    named("an absolute name", "2f657463", /inode 5 "\/etc": its name holds "\/"/),
    named("a name that is a slash", "2f", /its name holds "\/"/),
    named("a name with a NUL", "6100622e", /inode 5 "a\\x00b\.": its name holds a NUL byte/),
    named("a name with a NUL after other letters", "c3a90078", /its name holds a NUL byte/),
    named("a name with a NUL at its end", "6100", /its name holds a NUL byte/),
    named("no name", "", /its name is empty/),
    named("a name of 256 bytes", "61".repeat(256), /its name has 256 bytes, more than 255/),
    named(
      "a name twice",
      "666577",
      /inode 5 "few": directory 1 has its name twice|non-unique/,
    ),
    set(
      "a name of the wrong class",
      myfs ? "name = 'text'" : "name = x'61'",
      /inode 5: its name is not text|BLOB value in inode\.name/,
    ),
    set("a name that is missing", "name = NULL", /inode 5: its name is not text|BLOB value in inode\.name/),
    set("a size below zero", "size = -1", /inode 5 "nothing": its size -1 is not/),
    set("a size beyond numbers", "size = 9007199254740993", /too large/),
    set(
      "a size that is text",
      "size = 'many'",
      /inode 5 "nothing": its size is text instead of a number/,
    ),
    set("a size that is no whole number", "size = 1.5", /its size is 1\.5/),
    set("a size that is infinite", "size = 9e999", /its size is Infinity/),
    set("an owner below zero", "uid = -1", /its owner -1/),
    set("an owner that is missing", "uid = NULL", /its uid is missing/),
    set("a group beyond 32 bits", "gid = 4294967296", /its group 4294967296/),
    set("a mode without a type", "mode = 420", /its mode 420 is not one/),
    set("a mode beyond 16 bits", "mode = 98724", /its mode 98724 is not one/),
    set("a mode that is a BLOB", "mode = x'00'", /its mode is a BLOB instead of a number/),
    set("a time that is text", "mtime = 'now'", /its mtime is text instead of a number/),
    set("a device number below zero", "rdev = -1", /its device number -1/, 6),
    set("a parent that does not exist", "parent = 4", /its parent 4 is no directory/),
    set("a parent that is itself", "parent = 5", /its parent 5 is not an earlier inode/),
    set("a parent that comes later", "parent = 6", /its parent 6 is not an earlier inode/),
    set("a parent below zero", "parent = -1", /its parent -1 is not an earlier inode/),
    set("a parent that is text", "parent = 'up'", /its parent is text instead of a number/),
    set(
      "a directory in itself",
      "parent = 2",
      /inode 2 "directory": its parent 2 is not an earlier/,
      2,
    ),
    set("a root in a directory", "parent = 2", /the root: its parent 2/, 1),
    set("a root with a name", `name = ${bytes("78")}`, /the root is named "x"/, 1),
    set("a root that is a file", "mode = 33188, size = 0", /the root is a file/, 1),
    set("a file as a directory", "mode = 33188, size = 0", /its parent 2 is no directory/, 2),
    bySql(
      profile,
      "directories that hold each other",
      /its parent 12 is not an earlier inode/,
      `INSERT INTO inode SELECT 30, 12, ${bytes("61")}, 0, 0, 0, 16877, 0, 0, 0`,
      "UPDATE inode SET ino = 12 WHERE ino = 30 AND 0",
      "UPDATE inode SET parent = 12 WHERE ino = 5",
    ),
    bySql(
      profile,
      "two roots",
      /inode 50 "\/": its name holds|its parent 0 is not an earlier inode/,
      `INSERT INTO inode SELECT 50, 0, ${bytes("72")}, 0, 0, 0, 16877, 0, 0, 0`,
    ),
    bySql(profile, "no root", /its parent 1 does not exist/, "DELETE FROM inode WHERE ino = 1"),
    bySql(
      profile,
      "nothing",
      /it has no root/,
      "DELETE FROM inode",
      "DELETE FROM extra",
      ...(myfs ? ["DELETE FROM hardlink"] : []),
    ),
    bySql(
      profile,
      "an inode 0",
      /0 is not an inode number/,
      `INSERT INTO inode SELECT 0, 1, ${bytes("72")}, 0, 0, 0, 33188, 0, 0, 0`,
    ),
    bySql(
      profile,
      "an inode below zero",
      /-7 is not an inode number/,
      `INSERT INTO inode SELECT -7, 1, ${bytes("72")}, 0, 0, 0, 33188, 0, 0, 0`,
    ),
    bySql(
      profile,
      "an inode beyond numbers",
      /too large/,
      `INSERT INTO inode SELECT 9223372036854775807, 1, ${bytes("72")}, 0, 0, 0, 33188, 0, 0, 0`,
    ),
    bySql(
      profile,
      "a parent far above",
      /its parent 40 does not exist/,
      `INSERT INTO inode SELECT 50, 40, ${bytes("72")}, 0, 0, 0, 33188, 0, 0, 0`,
    ),
    bySql(
      profile,
      "a link without a target",
      /inode 9 "link": its link target is missing/,
      "DELETE FROM extra",
    ),
    bySql(
      profile,
      "an empty link target",
      /its link target is empty/,
      "UPDATE extra SET data = x''",
    ),
    bySql(
      profile,
      "a link target with a NUL",
      /its link target holds a NUL byte/,
      "UPDATE extra SET data = x'610062'",
      "UPDATE inode SET size = 3 WHERE ino = 9",
    ),
    bySql(
      profile,
      "a link target of 4096 bytes",
      /its link target has 4096 bytes/,
      "UPDATE extra SET data = zeroblob(4096)",
      "UPDATE inode SET size = 4096 WHERE ino = 9",
    ),
    bySql(
      profile,
      "a link target that is text",
      /its link target is not a BLOB/,
      "UPDATE extra SET data = 'text'",
    ),
    bySql(
      profile,
      "a file with a link target",
      /inode 5 "nothing": its link target belongs to no symbolic link/,
      "INSERT INTO extra VALUES (5, x'61')",
    ),
    bySql(
      profile,
      "a directory with a link target",
      /inode 2 "directory": its link target belongs to no symbolic link/,
      "INSERT INTO extra VALUES (2, x'61')",
    ),
    bySql(
      profile,
      "a link target of nobody",
      /link targets belong to inode 99, which does not exist/,
      "INSERT INTO extra VALUES (99, x'61')",
    ),
    bySql(
      profile,
      "a route that ends before it starts",
      /route 3: 9 to 8 is not a range/,
      "INSERT INTO route VALUES (9, 8, 'dir:///x')",
    ),
    bySql(
      profile,
      "a route beyond a byte",
      /route 3: 0 to 256 is not a range/,
      "INSERT INTO route VALUES (0, 256, 'dir:///x')",
    ),
    bySql(
      profile,
      "a route from text",
      /route 3 is not two numbers and a URL/,
      "INSERT INTO route VALUES ('a', 9, 'dir:///x')",
    ),
    bySql(
      profile,
      "a route without a URL",
      /route 3: its URL is empty/,
      "INSERT INTO route VALUES (0, 9, '')",
    ),
    bySql(
      profile,
      "a route to bytes",
      /route 3 is not two numbers and a URL/,
      "INSERT INTO route VALUES (0, 9, x'ff')",
    ),
    bySql(
      profile,
      "a route to what is not UTF-8",
      /route 3 is not two numbers and a URL/,
      "INSERT INTO route VALUES (0, 9, CAST(x'64ff' AS TEXT))",
    ),
    bySql(
      profile,
      "a route with a NUL",
      /route 3: its URL holds a NUL/,
      "INSERT INTO route VALUES (0, 9, CAST(x'640065' AS TEXT))",
    ),
    bySql(
      profile,
      "a million routes",
      /it has more than 4096 routes/,
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
       INSERT INTO route SELECT 0, 255, 'dir:///x' FROM n`,
    ),
    bySql(
      profile,
      "a tag without a key",
      /tag "": its key is empty/,
      "INSERT INTO tag VALUES ('', 'x')",
    ),
    bySql(profile, "a tag of bytes", /a tag is not text/, "INSERT INTO tag VALUES ('a', x'00')"),
    bySql(
      profile,
      "a tag beyond its limit",
      /its value has more than 65536 bytes/,
      "INSERT INTO tag VALUES ('a', printf('%.*c', 65537, 'x'))",
    ),
    bySql(
      profile,
      "a tag beyond all limits",
      /too big/,
      "INSERT INTO tag VALUES ('a', printf('%.*c', 3000000, 'x'))",
    ),
    bySql(
      profile,
      "too many tags",
      /it has more than 4096 tags/,
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
       INSERT INTO tag SELECT 'k' || i, '' FROM n`,
    ),
    bySql(profile, "a view", /unexpected view "v"/, "CREATE VIEW v AS SELECT * FROM inode"),
    bySql(
      profile,
      "a trigger",
      /unexpected trigger "t"/,
      "CREATE TRIGGER t AFTER INSERT ON tag BEGIN DELETE FROM route; END",
    ),
    bySql(profile, "a table more", /unexpected table "more"/, "CREATE TABLE more(a)"),
    bySql(profile, "a virtual table", /unexpected/, "CREATE VIRTUAL TABLE more USING fts5(a)"),
    bySql(
      profile,
      "an index on an expression",
      /unexpected index "i"/,
      "CREATE INDEX i ON inode(hex(name))",
    ),
    bySql(profile, "a table less", /it has no table/, "DROP TABLE route"),
    {
      name: `${profile}: a tree 20,000 directories deep`,
      message: /inode 16386 "d": it lies more than 16384 directories deep/,
      make: (path) => {
        writeFlist(path, profile);
        forge(path, [
          `WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
           INSERT INTO inode SELECT i, i - 1, ${bytes("64")}, 0, 0, 0, 16877, 0, 0, 0 FROM n`,
          ...(myfs ? ["INSERT INTO directory SELECT parent, ino, ino FROM inode WHERE ino > 1"] : []),
        ]);
      },
    },
    {
      name: `${profile}: two tables in the same pages`,
      message: /2nd reference to page|mode is missing|is not|SQLite/,
      make: (path) => {
        writeSample(path, profile);
        withSchema(path, (database) =>
          database.exec(`UPDATE sqlite_schema SET rootpage =
            (SELECT rootpage FROM sqlite_schema WHERE name = 'extra') WHERE name = 'route'`));
      },
    },
    ...["parent table", "loop"].map((kind): HostileFlist => ({
      name: `${profile}: pages of the inode table that are all the same (${kind})`,
      message: /out of order|malformed|damaged|loops|has its name twice/,
      make: (path) => {
        writeFlist(path, profile, (writer) => {
          for (let i = 0; i < 2000; i++) writer.addInode(fileRecord(`file ${1000 + i}`, 0));
        });
        repeatChildPage(path, kind === "loop");
      },
    })),
    byBytes(
      profile,
      "the first half alone",
      /cut off/,
      (bytes) => bytes.subarray(0, bytes.length / 2),
    ),
    byBytes(
      profile,
      "its pages in zeros",
      /SQLite|schema|malformed/,
      (bytes) => bytes.fill(0, 100),
    ),
    byBytes(profile, "its pages in random bytes", /SQLite|schema|malformed/, (bytes) => {
      for (let i = 4096; i < bytes.length; i++) bytes[i] = (i * 2654435761) >>> 13;
      return bytes;
    }),
    byBytes(profile, "the mark of a write-ahead log", /write-ahead log/, (bytes) => {
      bytes.set([2, 2], 18);
      return bytes;
    }),
    {
      name: `${profile}: an unfinished change beside it`,
      message: /-journal beside it holds unfinished changes/,
      make: (path) => {
        writeSample(path, profile);
        // The header of a journal that a program left (https://sqlite.org/fileformat2.html, 3).
        const journal = new Uint8Array(512 + 4096 + 8);
        journal.set([0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7]);
        const view = new DataView(journal.buffer);
        view.setUint32(8, 1);
        view.setUint32(16, 1);
        view.setUint32(20, 512);
        view.setUint32(24, 4096);
        view.setUint32(512, 1);
        Deno.writeFileSync(`${path}-journal`, journal);
      },
    },
  ];
}

/**
 * Makes all pointers of the inode table's topmost page lead to one page below, or to itself: a table
 * that seems to go on for ever.
 */
function repeatChildPage(path: string, toItself: boolean): void {
  const page = withSchema(
    path,
    (database) =>
      Number(
        database.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'inode'").get()!.rootpage,
      ),
  );
  const bytes = Deno.readFileSync(path);
  const start = (page - 1) * 4096;
  const view = new DataView(bytes.buffer);
  // An interior page of a table: type 5, its cells' places from byte 12 on, four bytes of pointer
  // first in each cell (https://sqlite.org/fileformat2.html, 1.6).
  if (bytes[start] !== 5) throw new Error(`page ${page} is not an interior page`);
  const cells = view.getUint16(start + 3);
  const first = view.getUint32(start + view.getUint16(start + 12));
  for (let i = 0; i < cells; i++) {
    view.setUint32(start + view.getUint16(start + 12 + 2 * i), toItself ? page : first);
  }
  view.setUint32(start + 8, toItself ? page : first);
  Deno.writeFileSync(path, bytes);
}

const MYFS: HostileFlist[] = [
  bySql(
    "myfs",
    "a newer version",
    /its format is myfs\/2, newer than myfs\/1/,
    "PRAGMA user_version = 2",
  ),
  bySql("myfs", "version 0", /its format version is 0/, "PRAGMA user_version = 0"),
  bySql("myfs", "a version below zero", /its format version is -1/, "PRAGMA user_version = -1"),
  bySql("myfs", "no mark in its header", /not a flist/, "PRAGMA application_id = 0"),
  bySql(
    "myfs",
    "a tag of another version",
    /its tag myfs\.format is not myfs\/1/,
    "UPDATE tag SET value = 'myfs/2' WHERE key = 'myfs.format'",
  ),
  bySql(
    "myfs",
    "no tag of its format",
    /its tag myfs\.format is not myfs\/1/,
    "DELETE FROM tag WHERE key = 'myfs.format'",
  ),
  bySql(
    "myfs",
    "a table of the rfs profile",
    /unexpected table "block"/,
    "CREATE TABLE block(ino INTEGER, id BLOB, key BLOB)",
  ),
  bySql("myfs", "an index", /unexpected index "entry"/, "CREATE INDEX entry ON inode(parent, name)"),
  bySql(
    "myfs",
    "nanoseconds beyond a second",
    /its nanoseconds 1000000000 are not/,
    "UPDATE inode SET mtime_nsec = 1000000000 WHERE ino = 5",
  ),
  bySql(
    "myfs",
    "a file with a device number",
    /a file has the device number 5/,
    "UPDATE inode SET rdev = 5 WHERE ino = 5",
  ),
  bySql(
    "myfs",
    "a directory with a size",
    /a directory has the size 4096/,
    "UPDATE inode SET size = 4096 WHERE ino = 2",
  ),
  bySql(
    "myfs",
    "a link of another size than its target's",
    /its size 99 is not its link target's 6/,
    "UPDATE inode SET size = 99 WHERE ino = 9",
  ),
  bySql(
    "myfs",
    "an extent beyond its file",
    /"large é": its extent at 1048576 ends at 1100001, beyond the file's 1100000/,
    "UPDATE extent SET length = 51425 WHERE ino = 4 AND file_offset = 1048576",
    "UPDATE chunk SET size = 60000 WHERE chunk = 4",
  ),
  bySql(
    "myfs",
    "a file shorter than its extents",
    /"large é": its extent at 0 ends at 524288, beyond the file's 9/,
    "UPDATE inode SET size = 9 WHERE ino = 4",
  ),
  bySql(
    "myfs",
    "an extent beyond its chunk",
    /its extent at 0 ends at 524289 in chunk 2 of 524288 bytes/,
    "UPDATE extent SET chunk_offset = 1 WHERE ino = 4 AND file_offset = 0",
  ),
  bySql(
    "myfs",
    "an extent in no chunk",
    /its extent at 0 is in chunk 77, which does not exist/,
    "UPDATE extent SET chunk = 77 WHERE ino = 4 AND file_offset = 0",
  ),
  bySql(
    "myfs",
    "an extent in a chunk below zero",
    /the chunk of an extent is -1/,
    "UPDATE extent SET chunk = -1 WHERE ino = 4 AND file_offset = 0",
  ),
  bySql(
    "myfs",
    "an extent of nothing",
    /its extent at 0 is empty/,
    "UPDATE extent SET length = 0 WHERE ino = 4 AND file_offset = 0",
  ),
  bySql(
    "myfs",
    "an extent of less than nothing",
    /the length of an extent is -5/,
    "UPDATE extent SET length = -5 WHERE ino = 4 AND file_offset = 0",
  ),
  bySql(
    "myfs",
    "an extent before its file",
    /the offset of an extent is -9/,
    "UPDATE extent SET file_offset = -9 WHERE ino = 4 AND file_offset = 0",
  ),
  bySql(
    "myfs",
    "an extent before its chunk",
    /an extent's offset in its chunk is -9/,
    "UPDATE extent SET chunk_offset = -9 WHERE ino = 4 AND file_offset = 0",
  ),
  bySql(
    "myfs",
    "an extent at text",
    /the offset of an extent is text/,
    "UPDATE extent SET file_offset = 'x' WHERE ino = 4 AND file_offset = 0",
  ),
  bySql(
    "myfs",
    "an extent of text",
    /the length of an extent is text/,
    "UPDATE extent SET length = 'x' WHERE ino = 4 AND file_offset = 0",
  ),
  bySql(
    "myfs",
    "an extent beyond numbers",
    /too large|ends at/,
    "UPDATE extent SET length = 9223372036854775807 WHERE ino = 4 AND file_offset = 0",
  ),
  bySql(
    "myfs",
    "extents that overlap",
    /its extent at 50 overlaps the one before, which ends at 524288/,
    "INSERT INTO extent VALUES (4, 50, 1, 0, 10)",
  ),
  bySql(
    "myfs",
    "extents of a directory",
    /extents belong to inode 2, which is no file/,
    "INSERT INTO extent VALUES (2, 0, 1, 0, 10)",
  ),
  bySql(
    "myfs",
    "extents of a link",
    /extents belong to inode 9, which is no file/,
    "INSERT INTO extent VALUES (9, 0, 1, 0, 1)",
  ),
  bySql(
    "myfs",
    "extents of a device",
    /extents belong to inode 6, which is no file/,
    "INSERT INTO extent VALUES (6, 0, 1, 0, 1)",
  ),
  bySql(
    "myfs",
    "extents of nobody",
    /extents belong to inode 99, which is no file/,
    "INSERT INTO extent VALUES (99, 0, 1, 0, 10)",
  ),
  bySql(
    "myfs",
    "extents of a hard link",
    /"twin \\xff": extents belong to a hard link/,
    "INSERT INTO extent VALUES (11, 0, 1, 0, 10)",
  ),
  bySql(
    "myfs",
    "a block id of 31 bytes",
    /chunk 1: its id is not 32 bytes/,
    "UPDATE chunk SET id = zeroblob(31) WHERE chunk = 1",
  ),
  bySql(
    "myfs",
    "a block id of text",
    /chunk 1: its id is not 32 bytes/,
    "UPDATE chunk SET id = printf('%.*c', 32, 'x') WHERE chunk = 1",
  ),
  bySql(
    "myfs",
    "no block key",
    /chunk 1: its key is not 32 bytes/,
    "UPDATE chunk SET key = NULL WHERE chunk = 1",
  ),
  bySql(
    "myfs",
    "a chunk of no bytes",
    /ends at 100 in chunk 1 of 0 bytes|chunk 1: its size 0/,
    "UPDATE chunk SET size = 0 WHERE chunk = 1",
  ),
  bySql(
    "myfs",
    "a chunk of a gigabyte",
    /chunk 1: its size 1000000000 is not/,
    "UPDATE chunk SET size = 1000000000 WHERE chunk = 1",
  ),
  bySql(
    "myfs",
    "a chunk of text",
    /chunk 1: its size is text/,
    "UPDATE chunk SET size = 'big' WHERE chunk = 1",
  ),
  bySql(
    "myfs",
    "a block of no bytes",
    /chunk 1: its block's size 0/,
    "UPDATE chunk SET stored_size = 0 WHERE chunk = 1",
  ),
  bySql(
    "myfs",
    "a block of a gigabyte",
    /chunk 1: its block's size 1000000000/,
    "UPDATE chunk SET stored_size = 1000000000 WHERE chunk = 1",
  ),
  bySql(
    "myfs",
    "a chunk 0",
    /0 is not a chunk number/,
    "INSERT INTO chunk SELECT 0, id, key, size, stored_size FROM chunk WHERE chunk = 1",
  ),
  bySql(
    "myfs",
    "a digest of 31 bytes",
    /its digest is not 32 bytes/,
    "UPDATE content SET digest = zeroblob(31)",
  ),
  bySql(
    "myfs",
    "a digest of a directory",
    /"directory": its digest .* it is no file/,
    "INSERT INTO content VALUES (2, zeroblob(32), NULL, NULL)",
  ),
  bySql(
    "myfs",
    "a digest of a file with holes",
    /"zeros": its digest .* only 1000 of its 5000000000 bytes/,
    "INSERT INTO content VALUES (13, zeroblob(32), NULL, NULL)",
  ),
  bySql(
    "myfs",
    "a digest of a hard link",
    /belong to a hard link/,
    "INSERT INTO content VALUES (11, zeroblob(32), NULL, NULL)",
  ),
  bySql(
    "myfs",
    "a digest of nobody",
    /inode 99, which does not exist/,
    "INSERT INTO content VALUES (99, zeroblob(32), NULL, NULL)",
  ),
  bySql(
    "myfs",
    "a hard link to itself",
    /it is a hard link to 11, which is not an earlier inode/,
    "UPDATE hardlink SET target = 11",
  ),
  bySql(
    "myfs",
    "a hard link to a later inode",
    /it is a hard link to 12, which is not an earlier inode/,
    "UPDATE hardlink SET target = 12",
  ),
  bySql(
    "myfs",
    "a hard link to a directory",
    /its metadata is not that of its first name 2/,
    "UPDATE hardlink SET target = 2",
  ),
  bySql(
    "myfs",
    "a hard link to the root",
    /it is a hard link to 1, which is not an earlier inode/,
    "UPDATE hardlink SET target = 1",
  ),
  bySql(
    "myfs",
    "a directory that is a hard link",
    /a directory is a hard link|not an earlier inode/,
    "UPDATE inode SET mode = 16877, size = 0, uid = 0 WHERE ino = 5",
    "INSERT INTO hardlink VALUES (5, 2)",
  ),
  bySql(
    "myfs",
    "a hard link to a hard link",
    /belong to a hard link/,
    "INSERT INTO inode SELECT 20, parent, x'7a7a', size, uid, gid, mode, rdev, mtime, mtime_nsec FROM inode WHERE ino = 11",
    "INSERT INTO hardlink VALUES (20, 11)",
    "UPDATE directory SET last = 20 WHERE ino = 2",
  ),
  bySql(
    "myfs",
    "a hard link to nobody",
    /hard link/,
    "DELETE FROM inode WHERE ino = 3",
    "DELETE FROM content",
  ),
  bySql(
    "myfs",
    "a hard link of nobody",
    /a hard link belongs to inode 99, which does not exist/,
    "INSERT INTO hardlink VALUES (99, 3)",
  ),
  bySql(
    "myfs",
    "a hard link to text",
    /it is a hard link to text/,
    "UPDATE hardlink SET target = 'x'",
  ),
  bySql(
    "myfs",
    "a hard link that says other things than its first name",
    /its metadata is not that of its first name 3/,
    "UPDATE inode SET mode = 35309 WHERE ino = 11",
  ),
  bySql(
    "myfs",
    "an attribute without a name",
    /an extended attribute without a name/,
    "INSERT INTO xattr VALUES (5, x'', x'00')",
  ),
  bySql(
    "myfs",
    "an attribute of 256 bytes of name",
    /has 256 bytes, more than 255/,
    "INSERT INTO xattr VALUES (5, zeroblob(256), x'00')",
  ),
  bySql(
    "myfs",
    "an attribute with a NUL",
    /holds a NUL byte/,
    "INSERT INTO xattr VALUES (5, x'6100', x'00')",
  ),
  bySql(
    "myfs",
    "an attribute of 65,537 bytes",
    /65537 bytes, more than 65536/,
    "INSERT INTO xattr VALUES (5, x'61', zeroblob(65537))",
  ),
  bySql(
    "myfs",
    "an attribute of text",
    /an extended attribute is not bytes/,
    "INSERT INTO xattr VALUES (5, 'a', 'b')",
  ),
  bySql(
    "myfs",
    "more attributes than Linux lists",
    /come to \d+ bytes, more than 65536/,
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
     INSERT INTO xattr SELECT 5, CAST('user.' || i AS BLOB), x'' FROM n`,
  ),
  bySql(
    "myfs",
    "attributes of nobody",
    /extended attributes belong to inode 99/,
    "INSERT INTO xattr VALUES (99, x'61', x'00')",
  ),
  bySql(
    "myfs",
    "attributes of a hard link",
    /extended attributes belong to a hard link/,
    "INSERT INTO xattr VALUES (11, x'61', x'00')",
  ),
  bySql("myfs", "a digest of nothing", /its digest is not 32 bytes/, "UPDATE content SET digest = x''"),
  bySql(
    "myfs",
    "a digest of text",
    /its digest is not 32 bytes/,
    "UPDATE content SET digest = printf('%.*c', 32, 'x')",
  ),
  bySql(
    "myfs",
    "content that says nothing",
    /"nothing": its content says nothing/,
    "INSERT INTO content VALUES (5, NULL, NULL, NULL)",
  ),
  bySql(
    "myfs",
    "content of an empty file in a chunk",
    /"nothing": its extent at 0 is empty/,
    "INSERT INTO content VALUES (5, NULL, 1, 0)",
  ),
  bySql(
    "myfs",
    "content in one piece and in several",
    /"large é": its content is in one piece and in several/,
    "UPDATE chunk SET size = 2000000 WHERE chunk = 2",
    "INSERT INTO content VALUES (4, NULL, 2, 0)",
  ),
  bySql(
    "myfs",
    "content in one piece and in an overlapping other",
    /"few": its content is in one piece and in several/,
    "INSERT INTO extent VALUES (3, 50, 1, 0, 10)",
  ),
  bySql(
    "myfs",
    "content that is larger than its chunk",
    /"few": its extent at 0 ends at 5000 in chunk 1 of 4096 bytes/,
    "UPDATE inode SET size = 5000 WHERE ino IN (3, 11)",
  ),
  bySql(
    "myfs",
    "content that ends beyond its chunk",
    /"few": its extent at 0 ends at 4097 in chunk 1 of 4096 bytes/,
    "UPDATE content SET chunk_offset = 3997 WHERE ino = 3",
  ),
  bySql(
    "myfs",
    "content before its chunk",
    /an extent's offset in its chunk is -9/,
    "UPDATE content SET chunk_offset = -9 WHERE ino = 3",
  ),
  bySql(
    "myfs",
    "content nowhere in a chunk",
    /an extent's offset in its chunk is missing/,
    "UPDATE content SET chunk_offset = NULL WHERE ino = 3",
  ),
  bySql(
    "myfs",
    "content somewhere in no chunk",
    /the chunk of an extent is missing/,
    "UPDATE content SET chunk = NULL WHERE ino = 3",
  ),
  bySql(
    "myfs",
    "content in a chunk that does not exist",
    /its extent at 0 is in chunk 77, which does not exist/,
    "UPDATE content SET chunk = 77 WHERE ino = 3",
  ),
  bySql(
    "myfs",
    "content in a chunk of text",
    /the chunk of an extent is text/,
    "UPDATE content SET chunk = 'x' WHERE ino = 3",
  ),
  bySql(
    "myfs",
    "content of a directory",
    /extents belong to inode 2, which is no file/,
    "INSERT INTO content VALUES (2, NULL, 1, 0)",
  ),
  bySql(
    "myfs",
    "content of a hard link",
    /"twin \\xff": extents belong to a hard link/,
    "INSERT INTO content VALUES (11, NULL, 1, 0)",
  ),
  bySql(
    "myfs",
    "content of nobody",
    /extents belong to inode 99, which is no file/,
    "INSERT INTO content VALUES (99, NULL, 1, 0)",
  ),
  bySql(
    "myfs",
    "entries of no directory",
    /inode 6 "block": it is not among the entries of its directory 2/,
    "DELETE FROM directory WHERE ino = 2",
  ),
  bySql(
    "myfs",
    "an entry before the others of its directory",
    /inode 6 "block": it is not among the entries of its directory 2/,
    "UPDATE directory SET first = 7 WHERE ino = 2",
  ),
  bySql(
    "myfs",
    "an entry behind the others of its directory",
    /inode 13 "zeros": it is not among the entries of its directory 2/,
    "UPDATE directory SET last = 12 WHERE ino = 2",
  ),
  bySql(
    "myfs",
    "a directory that has the entries of another",
    /the entries of directories 1 and 2 have numbers in common/,
    "UPDATE directory SET last = 13 WHERE ino = 1",
  ),
  bySql(
    "myfs",
    "a directory that took the entries of another",
    /inode 6 "block": it is among the entries of directory 1, but not one of them/,
    "DELETE FROM directory WHERE ino = 2",
    "UPDATE directory SET last = 13 WHERE ino = 1",
  ),
  bySql(
    "myfs",
    "two directories that have each other's entries",
    /directory 2: its entries cannot be 2 to 5/,
    "UPDATE directory SET first = 14 - first, last = 18 - last",
    "UPDATE directory SET first = 2, last = 5 WHERE ino = 2",
    "UPDATE directory SET first = 6, last = 13 WHERE ino = 1",
  ),
  bySql(
    "myfs",
    "a directory that holds itself",
    /directory 2: its entries cannot be 2 to 13/,
    "UPDATE directory SET first = 2 WHERE ino = 2",
  ),
  bySql(
    "myfs",
    "a directory that holds the root",
    /directory 2: its entries cannot be 1 to 1/,
    "UPDATE directory SET first = 1, last = 1 WHERE ino = 2",
  ),
  bySql(
    "myfs",
    "a directory whose entries end before they begin",
    /directory 2: its entries cannot be 6 to 5/,
    "UPDATE directory SET last = 5 WHERE ino = 2",
  ),
  bySql(
    "myfs",
    "a directory whose entries are text",
    /directory 2: its entries cannot be text instead of a number to 13/,
    "UPDATE directory SET first = 'x' WHERE ino = 2",
  ),
  bySql(
    "myfs",
    "a directory with more entries than numbers",
    /too large/,
    "UPDATE directory SET last = 9223372036854775807 WHERE ino = 2",
  ),
  bySql(
    "myfs",
    "entries of a file",
    /entries belong to inode 5, which is no directory/,
    "INSERT INTO directory VALUES (5, 20, 30)",
  ),
  bySql(
    "myfs",
    "entries of nobody",
    /entries belong to inode 99, which is no directory/,
    "INSERT INTO directory VALUES (99, 100, 110)",
  ),
  bySql(
    "myfs",
    "entries of what is below zero",
    /entries belong to inode -3, which is no directory/,
    "INSERT INTO directory VALUES (-3, -2, -1)",
  ),
  bySql(
    "myfs",
    "entries that are not in the order of their names",
    /inode 7 "Character": directory 2 has its name twice, or not in order/,
    "UPDATE inode SET name = CAST('Character' AS BLOB) WHERE ino = 7",
  ),
  bySql(
    "myfs",
    "entries among those of another directory",
    /inode 10 "socket": it is among the entries of directory 2/,
    "UPDATE inode SET parent = 1 WHERE ino = 10",
  ),
];

const RFS: HostileFlist[] = [
  bySql(
    "rfs",
    "a name that is not UTF-8",
    /inode 5 "a\\xff": its name is not UTF-8/,
    "UPDATE inode SET name = CAST(x'61ff' AS TEXT) WHERE ino = 5",
  ),
  bySql(
    "rfs",
    "a block too many",
    /"few": it has more blocks than the 1 that 100 bytes need|of its 100 bytes/,
    "INSERT INTO block SELECT 3, id, key FROM block WHERE rowid = 1",
  ),
  bySql(
    "rfs",
    "blocks of an empty file",
    /"nothing": it has more blocks than the 0/,
    "INSERT INTO block SELECT 5, id, key FROM block WHERE rowid = 1",
  ),
  bySql(
    "rfs",
    "a block too few",
    /"large é": its content is cut short: only 1048576 of its 1100000 bytes/,
    "DELETE FROM block WHERE rowid = 4",
  ),
  bySql(
    "rfs",
    "no blocks",
    /its content is cut short: only 0 of its 100 bytes/,
    "DELETE FROM block",
  ),
  bySql(
    "rfs",
    "a size that lies",
    /its content is cut short/,
    "UPDATE inode SET size = 9000000000 WHERE ino = 3",
  ),
  bySql(
    "rfs",
    "blocks of nobody",
    /blocks belong to inode 99, which is no file/,
    "UPDATE block SET ino = 99 WHERE rowid = 1",
  ),
  bySql(
    "rfs",
    "blocks of a directory",
    /blocks belong to inode 2, which is no file/,
    "UPDATE block SET ino = 2 WHERE rowid = 1",
  ),
  bySql(
    "rfs",
    "blocks of a missing number",
    /the inode of a block is missing/,
    "UPDATE block SET ino = NULL WHERE rowid = 1",
  ),
  bySql(
    "rfs",
    "blocks of text",
    /the inode of a block is text/,
    "UPDATE block SET ino = 'x' WHERE rowid = 1",
  ),
  bySql(
    "rfs",
    "a block id of 31 bytes",
    /chunk 1: its id is not 32 bytes/,
    "UPDATE block SET id = zeroblob(31) WHERE rowid = 1",
  ),
  bySql(
    "rfs",
    "a block key of text",
    /chunk 1: its key is not 32 bytes/,
    "UPDATE block SET key = printf('%.*c', 32, 'x') WHERE rowid = 1",
  ),
  bySql("rfs", "no index on parents", /it has no index on inode\.parent/, "DROP INDEX parents"),
  bySql("rfs", "no index on blocks", /it has no index on block\.ino/, "DROP INDEX block_ino"),
  bySql(
    "rfs",
    "an index that lies",
    /SQLite finds it damaged|where it does not belong/,
    "DROP INDEX parents",
    "CREATE INDEX parents ON inode(size)",
  ),
];

const OTHER: HostileFlist[] = [
  {
    name: "an empty file",
    message: /it is empty/,
    make: (path) => Deno.writeFileSync(path, new Uint8Array()),
  },
  {
    name: "a text",
    message: /it is not a SQLite file/,
    make: (path) => Deno.writeTextFileSync(path, "not a flist".repeat(1000)),
  },
  {
    name: "zeros",
    message: /it is not a SQLite file/,
    make: (path) => Deno.writeFileSync(path, new Uint8Array(65536)),
  },
  {
    name: "another SQLite database",
    message: /it is a SQLite file but not a flist: it has an unexpected table "t"/,
    make: (path) => {
      using database = new DatabaseSync(path);
      database.exec("CREATE TABLE t(a)");
    },
  },
  {
    name: "an empty SQLite database",
    message: /it is a SQLite file but not a flist: it has no table/,
    make: (path) => {
      using database = new DatabaseSync(path);
      database.exec("PRAGMA user_version = 7");
    },
  },
  {
    name: "an rfs flist that says it is myfs",
    message: /its table "inode" is not as expected|unexpected/,
    make: (path) => {
      writeSample(path, "rfs");
      using database = new DatabaseSync(path);
      database.exec("PRAGMA application_id = 0x6d796673; PRAGMA user_version = 1");
    },
  },
  {
    name: "a symbolic link into a symbolic link's place",
    message: /directory 1 has its name twice|non-unique/,
    make: (path) => {
      // The trick of archives: first a link "evil" to /etc, then a directory "evil" with a file in it.
      writeFlist(path, "myfs", (writer) => {
        writer.addInode({ parent: 1, name: "evil", linkTarget: "/etc", ...metadata(0o120777) });
        const directory = writer.addInode({ parent: 1, name: "other", ...metadata(0o40755) });
        writer.addInode(fileRecord("passwd", 0, { parent: directory }));
      });
      forge(path, ["UPDATE inode SET name = CAST('evil' AS BLOB) WHERE ino = 3"]);
    },
  },
];

/** All of them. */
export const HOSTILE_FLISTS: readonly HostileFlist[] = [
  ...wrongInodes("myfs"),
  ...wrongInodes("rfs"),
  ...MYFS,
  ...RFS,
  ...OTHER,
];
