/**
 * Flists that somebody made to do harm, or that were damaged: whatever is asked of them answers with
 * a `FlistFormatError` that names the file and the fault, soon, and nothing is written outside of
 * the target. Method: a good image, changed with SQL one rule at a time.
 *
 * @module
 */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import {
  checkImage,
  cloneImage,
  diffImages,
  FlistFormatError,
  FlistNotFoundError,
  inspectImage,
  MyfsError,
  openImage,
  packDirectory,
  type Profile,
  unpackImage,
} from "../../mod.ts";
import { TempFolder } from "../helpers/temp_folder.ts";

/** A change that makes a good flist bad. */
interface Attack {
  readonly name: string;
  readonly profile: Profile;
  readonly sql: string;
  /** What the error says. */
  readonly reason: RegExp;
}

/** SQL for the number of the inode called `name`. */
function ino(name: string): string {
  return `(SELECT ino FROM inode WHERE CAST(name AS TEXT) = '${name}')`;
}

/** SQL that gives the inode called `name` other columns. */
function set(name: string, columns: string): string {
  return `UPDATE inode SET ${columns} WHERE ino = ${ino(name)}`;
}

/** SQL for a name column: a BLOB in one profile, text in the other. */
function nameValue(profile: Profile, name: string): string {
  const hex = new TextEncoder().encode(name).toHex();
  return profile === "myfs" ? `x'${hex}'` : `CAST(x'${hex}' AS TEXT)`;
}

const PROFILES: readonly Profile[] = ["myfs", "rfs"];

/** Attacks on what both profiles have. */
function commonAttacks(profile: Profile): Attack[] {
  const rename = (name: string): string => set("f", `name = ${nameValue(profile, name)}`);
  const columns = profile === "myfs" ? "mtime, mtime_nsec" : "ctime, mtime";
  const insert = (parent: string, name: string, mode: string): string =>
    `INSERT INTO inode (ino, parent, name, size, uid, gid, mode, rdev, ${columns})
     VALUES ((SELECT max(ino) + 1 FROM inode), ${parent}, ${nameValue(profile, name)},
       0, 0, 0, ${mode}, 0, 0, 0)`;
  const attacks: Omit<Attack, "profile">[] = [
    { name: "a name `..`", sql: rename(".."), reason: /its name is "\.\."/ },
    { name: "a name `.`", sql: rename("."), reason: /its name is "\."/ },
    { name: "a name with a slash", sql: rename("x/../../../../escaped"), reason: /holds "\/"/ },
    { name: "an absolute name", sql: rename("/escaped"), reason: /holds "\/"/ },
    { name: "a name with a NUL", sql: rename("a\0b"), reason: /NUL/ },
    { name: "an empty name", sql: rename(""), reason: /name is empty/ },
    { name: "a name of 256 bytes", sql: rename("x".repeat(256)), reason: /256 bytes/ },
    {
      name: "a file in a symbolic link",
      sql: insert(ino("l"), "through the link", "33188"),
      reason: /is no directory/,
    },
    {
      name: "a file in a file",
      sql: insert(ino("z last"), "below", "33188"),
      reason: /is no directory/,
    },
    {
      name: "a directory in itself",
      sql: set("d", `parent = ${ino("d")}`),
      reason: /parent/,
    },
    {
      name: "two directories in each other",
      sql: `${set("d", `parent = ${ino("e")}`)}; ${set("e", `parent = ${ino("d")}`)}`,
      reason: /parent/,
    },
    { name: "an entry in no directory", sql: set("f", "parent = 12345"), reason: /parent/ },
    { name: "a second root", sql: insert("0", "/", "16877"), reason: /parent|root/ },
    { name: "no root", sql: "DELETE FROM inode WHERE ino = 1", reason: /root|parent/ },
    {
      name: "a root that is a file",
      sql: "UPDATE inode SET mode = 33188 WHERE ino = 1",
      reason: /root|director/,
    },
    { name: "a kind that does not exist", sql: set("f", "mode = 420"), reason: /mode/ },
    { name: "a mode beyond 16 bits", sql: set("f", "mode = mode + 65536"), reason: /mode/ },
    { name: "a negative owner", sql: set("f", "uid = -1"), reason: /owner/ },
    { name: "a group beyond 32 bits", sql: set("f", "gid = 4294967296"), reason: /group/ },
    { name: "a negative size", sql: set("f", "size = -5"), reason: /size/ },
    { name: "a size that is too small", sql: set("big", "size = 5"), reason: /./ },
    { name: "a size beyond 2⁵³", sql: set("f", "size = 9007199254740993"), reason: /./ },
    { name: "an mtime beyond 2⁵³", sql: set("f", "mtime = 9007199254740993"), reason: /./ },
    {
      name: "a link target that is empty",
      sql: `UPDATE extra SET data = x''`,
      reason: /target is empty/,
    },
    {
      name: "a link target with a NUL",
      sql: `UPDATE extra SET data = x'410042'`,
      reason: /NUL/,
    },
    {
      name: "a link target of 4,096 bytes",
      sql: `UPDATE extra SET data = zeroblob(4096)`,
      reason: /4096 bytes|NUL/,
    },
    { name: "a link without a target", sql: `DELETE FROM extra`, reason: /target/ },
    {
      name: "a target that belongs to no link",
      sql: `INSERT INTO extra VALUES (${ino("f")}, x'41')`,
      reason: /target/,
    },
    {
      name: "a route that is no range",
      sql: `INSERT INTO route VALUES (9, 3, 'dir:///tmp')`,
      reason: /range/,
    },
    { name: "a view", sql: `CREATE VIEW v AS SELECT 1`, reason: /unexpected|schema/ },
    {
      name: "a trigger",
      sql: `CREATE TRIGGER t AFTER INSERT ON tag BEGIN SELECT 1; END`,
      reason: /unexpected|trigger/,
    },
    { name: "a further table", sql: `CREATE TABLE further (a)`, reason: /unexpected table/ },
    { name: "a missing table", sql: `DROP TABLE route`, reason: /no table/ },
    {
      name: "17,000 directories in each other",
      sql: `INSERT INTO inode (ino, parent, name, size, uid, gid, mode, rdev, ${columns})
        WITH RECURSIVE n(i) AS (SELECT 1000000 UNION ALL SELECT i + 1 FROM n WHERE i < 1017000)
        SELECT i, CASE i WHEN 1000000 THEN 1 ELSE i - 1 END, ${nameValue(profile, "x")},
          0, 0, 0, 16877, 0, 0, 0 FROM n`,
      reason: /16384 directories deep/,
    },
  ];
  return attacks.map((attack) => ({ ...attack, profile }));
}

/** Attacks on what one profile has. */
const ATTACKS: readonly Attack[] = [
  ...PROFILES.flatMap(commonAttacks),
  ...[
    {
      name: "a size that the content's digest contradicts",
      sql: set("big", "size = size + 1"),
      reason: /bytes are there/,
    },
    {
      name: "nanoseconds beyond a second",
      sql: set("f", "mtime_nsec = 1000000000"),
      reason: /nanosecond/,
    },
    {
      name: "an extent that ends behind its chunk",
      sql: "UPDATE extent SET chunk_offset = 5000000",
      reason: /extent|chunk/,
    },
    {
      name: "an extent that ends behind its file",
      sql: `UPDATE extent SET file_offset = 99 WHERE ino = ${ino("f")}`,
      reason: /extent|size/,
    },
    {
      name: "an extent before its chunk",
      sql: "UPDATE extent SET chunk_offset = -1",
      reason: /extent/,
    },
    { name: "an extent without length", sql: "UPDATE extent SET length = 0", reason: /extent/ },
    {
      name: "an extent whose end overflows",
      sql: "UPDATE extent SET file_offset = 9007199254740991",
      reason: /extent|size/,
    },
    {
      name: "extents that overlap",
      sql: `UPDATE extent SET file_offset = 1 WHERE ino = ${ino("big")} AND file_offset > 0`,
      reason: /extent|UNIQUE|overlap/,
    },
    {
      name: "an extent of a chunk that does not exist",
      sql: "UPDATE extent SET chunk = 777",
      reason: /chunk/,
    },
    {
      name: "an extent of a directory",
      sql: `INSERT INTO extent VALUES (${ino("d")}, 0, 1, 0, 1)`,
      reason: /extent|director/,
    },
    {
      name: "an extent of nobody",
      sql: `INSERT INTO extent VALUES (4242, 0, 1, 0, 1)`,
      reason: /4242/,
    },
    { name: "a chunk without bytes", sql: "UPDATE chunk SET size = 0", reason: /size 0/ },
    {
      name: "a chunk larger than any",
      sql: "UPDATE chunk SET size = 16777217",
      reason: /size 16777217/,
    },
    {
      name: "a block larger than any",
      sql: "UPDATE chunk SET stored_size = 99999999",
      reason: /99999999/,
    },
    { name: "a short id", sql: "UPDATE chunk SET id = x'00'", reason: /id/ },
    { name: "a long key", sql: "UPDATE chunk SET key = zeroblob(33)", reason: /key/ },
    { name: "a short digest", sql: "UPDATE content SET digest = x'00'", reason: /digest/ },
    {
      name: "a digest of a directory",
      sql: `INSERT INTO content VALUES (${ino("d")}, zeroblob(32), NULL, NULL)`,
      reason: /digest/,
    },
    {
      name: "a hard link to a directory",
      sql: `UPDATE hardlink SET target = ${ino("d")}`,
      reason: /./,
    },
    { name: "a hard link to itself", sql: "UPDATE hardlink SET target = ino", reason: /link/ },
    {
      name: "a hard link to a later inode",
      sql: `UPDATE hardlink SET target = ${ino("z last")}`,
      reason: /link/,
    },
    { name: "a hard link to nothing", sql: "UPDATE hardlink SET target = 0", reason: /./ },
    {
      name: "a hard link with other metadata",
      sql: `UPDATE inode SET mode = 35309 WHERE ino IN (SELECT ino FROM hardlink)`,
      reason: /metadata/,
    },
    {
      name: "an attribute without a name",
      sql: `INSERT INTO xattr VALUES (${ino("f")}, x'', x'')`,
      reason: /without a name/,
    },
    {
      name: "an attribute's name with a NUL",
      sql: `INSERT INTO xattr VALUES (${ino("f")}, x'7500', x'')`,
      reason: /NUL/,
    },
    {
      name: "an attribute of 65,537 bytes",
      sql: `INSERT INTO xattr VALUES (${ino("f")}, x'75', zeroblob(65537))`,
      reason: /65537 bytes/,
    },
    {
      name: "an attribute of nobody",
      sql: `INSERT INTO xattr VALUES (4242, x'75', x'')`,
      reason: /4242/,
    },
    { name: "a newer version", sql: "PRAGMA user_version = 2", reason: /version 2/ },
    {
      name: "two versions",
      sql: "UPDATE tag SET value = 'myfs/2' WHERE key = 'myfs.format'",
      reason: /format/,
    },
    { name: "no order", sql: "DELETE FROM directory", reason: /not among the entries/ },
  ].map((attack): Attack => ({ ...attack, profile: "myfs" })),
  ...[
    {
      name: "a name that a directory has twice",
      sql: `UPDATE inode SET name = 'f' WHERE ino = ${ino("z last")}`,
      reason: /name twice/,
    },
    {
      name: "a link and a directory of one name",
      sql: `UPDATE inode SET name = 'd' WHERE ino = ${ino("l")}`,
      reason: /name twice/,
    },
    {
      name: "more blocks than the size needs",
      sql: `INSERT INTO block SELECT ${ino("f")}, id, key FROM block LIMIT 1`,
      reason: /./,
    },
    {
      name: "fewer blocks than the size needs",
      sql: `DELETE FROM block WHERE ino = ${ino("f")}`,
      reason: /cut short/,
    },
    { name: "a short id", sql: "UPDATE block SET id = x'00'", reason: /id/ },
    { name: "a key that is text", sql: "UPDATE block SET key = 'abc'", reason: /key/ },
    { name: "blocks of nobody", sql: "UPDATE block SET ino = 4242", reason: /4242|cut short/ },
    { name: "a size that is text", sql: set("f", "size = 'big'"), reason: /size/ },
  ].map((attack): Attack => ({ ...attack, profile: "rfs" })),
];

/** The good image that attacks start from, beside a folder that nobody may touch. */
async function makeImage(folder: TempFolder, profile: Profile): Promise<void> {
  const files = {
    "d/f": "a small file",
    "e/x": "x",
    "big": new Uint8Array(3_000_000).map((_, i) => i * i >> 7),
    "z last": "last",
  };
  const source = folder.tree(`tree ${profile}`, files);
  await Deno.symlink(folder.tree("sentinel", { "untouched": "sentinel" }), `${source}/l`);
  await Deno.link(`${source}/e/x`, `${source}/linked`);
  const meta = folder.file(`${profile}.fl`);
  await packDirectory(source, { meta, store: `dir://${folder.file("blocks")}`, profile });
}

/** All that lies outside of the target, with contents. */
function surroundings(folder: TempFolder): string {
  const lines: string[] = [];
  const visit = (path: string): void => {
    for (const { name, isDirectory, isFile } of Deno.readDirSync(path)) {
      const below = `${path}/${name}`;
      if (below === folder.file("target") || below.endsWith(".fl")) continue;
      if (isDirectory) visit(below);
      lines.push(isFile ? `${below} ${Deno.statSync(below).size}` : below);
    }
  };
  visit(folder.path);
  return lines.sort().join("\n");
}

async function walkAndRead(meta: string): Promise<void> {
  await using image = await openImage(meta, { trustRoutes: true });
  for await (const { path, kind, size } of image.walk()) {
    if (kind === "file" && size < 10_000_000) await image.readFile(path);
    if (kind === "directory") image.readDirectory(path);
  }
}

for (const profile of PROFILES) {
  Deno.test(`hostile flists of the ${profile} profile`, async (t) => {
    using folder = new TempFolder();
    await makeImage(folder, profile);
    const good = folder.file(`${profile}.fl`);
    const meta = folder.file("bad.fl");
    const before = surroundings(folder);
    for (const attack of ATTACKS.filter((each) => each.profile === profile)) {
      await t.step(attack.name, async () => {
        await Deno.copyFile(good, meta);
        using database = new DatabaseSync(meta);
        database.exec(attack.sql);
        database.close();
        const isNamed = (error: unknown): boolean => {
          assert.ok(error instanceof MyfsError, `${error}`);
          assert.equal(error.code, "flist_format", `${error}`);
          assert.ok(error instanceof FlistFormatError, `it is a plain ${error.constructor.name}`);
          assert.equal(error.path, meta);
          assert.match(error.reason, attack.reason);
          assert.ok(error.message.startsWith(`Cannot read flist ${meta}: `));
          return true;
        };
        const options = { trustRoutes: true, jobs: 1 };
        const target = folder.file("target");
        await assert.rejects(unpackImage(meta, target, options), isNamed);
        assert.ok(!folder.names().includes("target"), "the target has been left");
        await assert.rejects(checkImage(meta, options), isNamed);
        await assert.rejects(inspectImage(meta), isNamed);
        await assert.rejects(diffImages(good, meta), isNamed);
        await assert.rejects(diffImages(meta, good), isNamed);
        const store = `dir://${folder.file("blocks")}`;
        const cloned = folder.file("cloned.fl");
        await assert.rejects(
          cloneImage(meta, { target: cloned, store, trustRoutes: true }),
          isNamed,
        );
        // Looking around checks what it hands out; it may never come to the fault.
        try {
          await walkAndRead(meta);
        } catch (error) {
          isNamed(error);
        }
        assert.equal(surroundings(folder), before);
        assert.ok(!folder.names().includes("cloned.fl"));
      });
    }
  });
}

Deno.test("hostile flists: sizes of petabytes cost neither time nor disk", async () => {
  using folder = new TempFolder();
  await makeImage(folder, "myfs");
  const meta = folder.file("myfs.fl");
  using database = new DatabaseSync(meta);
  // Without a digest, that is a file which is one large hole behind its content.
  database.exec(`DELETE FROM content WHERE chunk IS NULL; ${set("f", "size = 9007199254740991")}`);
  database.close();
  const options = { trustRoutes: true };
  const startedMs = performance.now();
  const report = await unpackImage(meta, folder.file("target"), options);
  assert.deepEqual(report.failures.map(({ path }) => path), ["d/f"]);
  assert.match(report.failures[0]!.reason, /Cannot set the size of d\/f/);
  assert.deepEqual(folder.names("target/d"), []);
  {
    await using image = await openImage(meta, options);
    const end = await image.readAt("d/f", 9007199254740991 - 10, 1000);
    assert.deepEqual(end, new Uint8Array(10));
    const start = await image.readAt("d/f", 0, 12);
    assert.equal(new TextDecoder().decode(start), "a small file");
    await assert.rejects(image.readFile("d/f"));
  }
  assert.ok(performance.now() - startedMs < 5000);
});

Deno.test("hostile flists: what is no flist at all is named, and does not hang", async () => {
  using folder = new TempFolder();
  await makeImage(folder, "myfs");
  const good = await Deno.readFile(folder.file("myfs.fl"));
  const files: Record<string, Uint8Array> = {
    "empty.fl": new Uint8Array(),
    "text.fl": new TextEncoder().encode("this is no flist\n".repeat(1000)),
    "header.fl": good.subarray(0, 100),
    "half.fl": good.subarray(0, good.length / 2),
    "page.fl": good.subarray(0, good.length - 4096),
    "zeros.fl": new Uint8Array(100_000),
  };
  for (const [name, bytes] of Object.entries(files)) await Deno.writeFile(folder.file(name), bytes);
  await Deno.mkdir(folder.file("directory.fl"));
  using other = new DatabaseSync(folder.file("sqlite.fl"));
  other.exec("CREATE TABLE something (a, b)");
  other.close();
  const names = [...Object.keys(files), "sqlite.fl"];
  for (const name of names) {
    const meta = folder.file(name);
    for (const call of callsOn(meta, folder)) {
      await assert.rejects(call, (error) => {
        assert.ok(error instanceof FlistFormatError, `${name}: ${error}`);
        assert.equal(error.path, meta);
        return true;
      });
    }
  }
  for (const call of callsOn(folder.file("missing.fl"), folder)) {
    await assert.rejects(call, FlistNotFoundError);
  }
  for (const call of callsOn(folder.file("directory.fl"), folder)) {
    await assert.rejects(call, (error) => error instanceof MyfsError);
  }
  assert.ok(
    (await new Deno.Command("mkfifo", { args: [folder.file("fifo.fl")] }).output()).success,
  );
  for (const call of callsOn(folder.file("fifo.fl"), folder)) {
    await assert.rejects(call, (error) => error instanceof MyfsError);
  }
  assert.ok(!folder.names().includes("target"));
});

function callsOn(meta: string, folder: TempFolder): (() => Promise<unknown>)[] {
  return [
    () => openImage(meta),
    () => inspectImage(meta),
    () => checkImage(meta),
    () => diffImages(meta, meta),
    () => unpackImage(meta, folder.file("target"), { trustRoutes: true }),
    () =>
      cloneImage(meta, {
        target: folder.file("clone.fl"),
        store: `dir://${folder.file("blocks")}`,
      }),
  ];
}
