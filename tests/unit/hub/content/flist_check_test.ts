/**
 * Goal: whoever sends a flist that is hostile, slow or huge to read gets an answer in bounded time, and
 * costs nobody else anything. Method: a real flist, and ones made of it by hand.
 */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { runFlistTask } from "../../../../hub/content/flist_check.ts";
import { packDirectory } from "../../../../mod.ts";
import { HubProblem } from "../../../../lib/hub_api/problem.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";

const BOUNDS = { timeMaxMs: 60_000, memoryMaxMib: 512 };

/** A flist of many files; in rfs's profile each has a block of its own. */
async function makeFlist(folder: TempFolder, files: number): Promise<string> {
  const tree = Object.fromEntries(
    Array.from({ length: files }, (_, index) => [`file-${index}`, `content ${index}`]),
  );
  const path = folder.file("made.fl");
  const store = `dir://${folder.file("blocks")}`;
  await packDirectory(folder.tree("tree", tree), { meta: path, store, profile: "rfs" });
  return path;
}

/** Why a flist is refused. */
async function refusal(path: string, bounds = BOUNDS): Promise<string> {
  try {
    await runFlistTask({ kind: "check", path }, bounds);
  } catch (error) {
    assert.ok(error instanceof HubProblem);
    assert.deepEqual([error.status, error.code], [422, "flist_invalid"]);
    assert.ok(!error.message.includes(path), error.message);
    return error.detail!;
  }
  return "none";
}

Deno.test("flist check: a flist is told in numbers, with its blocks", async () => {
  using folder = new TempFolder();
  const path = await makeFlist(folder, 40);
  const checked = await runFlistTask<"checked">({ kind: "check", path }, BOUNDS);
  assert.equal(checked.isChanged, false);
  assert.equal(checked.blocks.length, 40 * 32);
  assert.equal(JSON.parse(checked.summary).files, 40);
  const task = { kind: "paths", path, bytesMax: 10_000 } as const;
  const { paths } = await runFlistTask<"paths">(task, BOUNDS);
  assert.equal(paths.length, 41);
  assert.ok(paths.includes("/file-7"));
  await assert.rejects(runFlistTask({ ...task, bytesMax: 100 }, BOUNDS), /more paths/);
});

Deno.test("flist check: what takes too long or too much is ended, and the next ones get their turn", async () => {
  using folder = new TempFolder();
  const path = await makeFlist(folder, 10);
  const small = { ...BOUNDS, memoryMaxMib: 40 };
  const large = folder.file("large.fl");
  await Deno.copyFile(path, large);
  addInodes(large, 600_000);
  const paths = { kind: "paths", path: large, bytesMax: 2 ** 40 } as const;
  const [slow, memory] = ["It takes too long to read", "It takes too much memory to read"];
  const all = await Promise.all([
    refusal(large, { ...BOUNDS, timeMaxMs: 1 }),
    refusal(large, { ...BOUNDS, timeMaxMs: 1 }),
    refusal(large, { ...BOUNDS, timeMaxMs: 1 }),
    runFlistTask(paths, small).then(() => "none", ({ detail }) => detail),
    refusal(path, small),
  ]);
  assert.deepEqual(all, [slow, slow, slow, memory, "none"]);
});

Deno.test("flist check: a table whose pages lead round and round is refused at once", async () => {
  using folder = new TempFolder();
  const path = await makeFlist(folder, 10);
  addInodes(path, 2000);
  await foldTables(path);
  const reason = await refusal(path);
  assert.ok(reason !== "none" && !reason.includes("too long"), reason);
});

Deno.test("flist check: files that are no flists, or were changed by hand, say why", async () => {
  using folder = new TempFolder();
  const good = await Deno.readFile(await makeFlist(folder, 10));
  const change = async (sql: string): Promise<string> => {
    const path = folder.file("changed.fl");
    await Deno.writeFile(path, good);
    using database = new DatabaseSync(path);
    database.exec(sql);
    database.close();
    return await refusal(path);
  };
  assert.match(await change("CREATE TABLE more (x)"), /schema|table/i);
  assert.match(await change("CREATE VIEW v AS SELECT 1"), /schema|view/i);
  assert.match(
    await change("CREATE TRIGGER t AFTER INSERT ON tag BEGIN SELECT 1; END"),
    /schema|trigger/i,
  );
  assert.notEqual(await change("UPDATE inode SET name = '../../etc/passwd' WHERE ino = 3"), "none");
  assert.notEqual(await change("UPDATE inode SET parent = 3 WHERE ino = 3"), "none");
  assert.notEqual(await change("UPDATE inode SET size = -1 WHERE ino = 3"), "none");
  const text = folder.file("text.fl");
  for (const bytes of [new Uint8Array(), new TextEncoder().encode("hello"), good.slice(0, 5000)]) {
    await Deno.writeFile(text, bytes);
    assert.notEqual(await refusal(text), "none");
  }
});

/** Adds empty files to a flist. */
function addInodes(path: string, count: number): void {
  using database = new DatabaseSync(path);
  database.exec(
    `INSERT INTO inode SELECT value, 1, 'a rather long name ' || value, 0, 0, 0, 33188, 0, 0, 0
     FROM (WITH RECURSIVE n(value) AS (SELECT 100 UNION ALL SELECT value + 1 FROM n LIMIT ${count})
           SELECT value FROM n)`,
  );
}

/**
 * Makes a table's tree of pages one in which every page of a level has the same page below it, again
 * and again: a small file that seems to have more rows than anybody could count.
 */
async function foldTables(path: string): Promise<void> {
  let root: number;
  {
    using database = new DatabaseSync(path, { readOnly: true });
    const row = database.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'inode'").get();
    root = Number(row!["rootpage"]);
  }
  const bytes = await Deno.readFile(path);
  const size = new DataView(bytes.buffer).getUint16(16);
  const pages = bytes.length / size;
  const copies = 6;
  const folded = new Uint8Array(bytes.length + copies * size);
  folded.set(bytes);
  const original = bytes.slice((root - 1) * size, root * size);
  // An interior page of a table; its first bytes are its kind and the number of its cells.
  assert.equal(original[0], 5);
  const cells = new DataView(original.buffer).getUint16(3);
  for (let copy = 0; copy <= copies; copy++) {
    const number = copy === 0 ? root : pages + copy;
    const page = original.slice();
    const view = new DataView(page.buffer);
    const below = copy === copies ? view.getUint32(8) : pages + copy + 1;
    view.setUint32(8, below);
    for (let cell = 0; cell < cells; cell++) view.setUint32(view.getUint16(12 + 2 * cell), below);
    folded.set(page, (number - 1) * size);
  }
  new DataView(folded.buffer).setUint32(28, pages + copies);
  await Deno.writeFile(path, folded);
}
