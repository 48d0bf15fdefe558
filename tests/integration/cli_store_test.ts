/**
 * `myfs store`: that its commands are wired to the library, print what they should where they should,
 * have the JSON fields that `cli/README.md` promises, and end in good order on Ctrl-C.
 */

import assert from "node:assert/strict";
import { openStore } from "myfs";
import { randomBlock } from "../helpers/random_block.ts";
import { finish, myfs, myfsJson, myfsOk, startMyfs, Workplace } from "./cli_process.ts";

/** A workplace with two packed trees, `a.fl` and `b.fl`, in the store `blocks`. */
function packedTrees(): Promise<Workplace> {
  return Workplace.create(async (place) => {
    for (const name of ["a", "b"]) {
      await place.writeNoise(`${name}/noise`, 3_000_000);
      await myfsOk(["pack", "-q", "-m", `${name}.fl`, "-s", place.store(), name], place.options);
    }
  });
}

async function blockPaths(folder: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) paths.push(...await blockPaths(`${folder}/${name}`));
    else paths.push(`${folder}/${name}`);
  }
  return paths.sort();
}

Deno.test("store copy: copies, tells what it did, and goes on where blocks are lacking", async () => {
  await using place = await packedTrees();
  const args = ["store", "copy", place.store(), place.store("copy")];
  const { stdout, stderr } = await myfsOk(args, place.options);
  assert.equal(stdout, "");
  assert.match(stderr, /^Copied dir:\S+\/blocks to dir:\S+\/copy in \d/);
  assert.match(stderr, / {2}blocks {3}\d+ copied, 5\.7\d MiB; 0 were there already\n$/);
  const all = await blockPaths(`${place.path}/copy`);
  await Deno.remove(all[0]!);
  const { code, document } = await myfsJson([...args, "--concurrency", "2"], place.options);
  assert.equal(code, 0);
  assert.deepEqual({ ...document, copiedBytes: 0, durationMs: 0 }, {
    source: place.store(),
    targets: [place.store("copy")],
    blocks: all.length,
    blocksCopied: 1,
    blocksPresent: all.length - 1,
    blocksOutside: 0,
    blocksMissing: 0,
    blocksCorrupt: 0,
    blocksRepaired: 0,
    blocksDeleted: 0,
    copiedBytes: 0,
    missing: [],
    corrupt: [],
    durationMs: 0,
  });
});

Deno.test("store copy: of flists, to several stores; what is missing or damaged is named", async () => {
  await using place = await packedTrees();
  const to = ["--to", `00-7f=${place.store("low")}`, "--to", `80-ff=${place.store("high")}`];
  await myfsOk(["store", "copy", "-m", "a.fl", place.store(), ...to, "-q"], place.options);
  await myfsOk(
    ["check", "-q", "a.fl", "-s", place.store("low"), "-s", place.store("high")],
    place.options,
  );
  const [missing, damaged] = [
    ...await blockPaths(`${place.path}/low`),
    ...await blockPaths(`${place.path}/high`),
  ].map((path) => path.slice(-64));
  await Deno.remove(`${place.path}/blocks/${missing!.slice(0, 2)}/${missing}`);
  await Deno.writeTextFile(`${place.path}/blocks/${damaged!.slice(0, 2)}/${damaged}`, "x");
  const args = ["store", "copy", "-m", "b.fl", "-m", "a.fl", "--from", place.store()];
  const copy = await myfs([...args, "--to", place.store("new")], place.options);
  assert.equal(copy.code, 3);
  assert.match(copy.stdout, new RegExp(`^missing ${missing}: .*\ndamaged ${damaged}: .*\n$`));
  assert.match(copy.stderr, /failed {3}1 missing, 1 damaged at the source\n$/);
  const check = await myfs(["check", "-q", "b.fl", "-s", place.store("new")], place.options);
  assert.equal(check.code, 0, check.stderr);
});

Deno.test("store copy: --move empties the source, --check-present repairs", async () => {
  await using place = await packedTrees();
  const args = ["store", "copy", place.store(), place.store("copy")];
  await myfsOk(args, place.options);
  const [path] = await blockPaths(`${place.path}/copy`);
  await Deno.writeTextFile(path!, "x");
  const { document } = await myfsJson([...args, "--check-present"], place.options);
  assert.equal(document["blocksRepaired"], 1);
  const same = await myfs(["store", "copy", "--move", place.store(), place.store()], place.options);
  assert.equal(same.code, 1);
  assert.match(same.stderr, /they are the same store/);
  const { stderr } = await myfsOk([...args, "--move"], place.options);
  assert.match(stderr, / {2}deleted {2}\d+ blocks from the source\n/);
  assert.deepEqual(await blockPaths(`${place.path}/blocks`), []);
  await myfsOk(["check", "-q", "a.fl", "-s", place.store("copy")], place.options);
});

Deno.test("store copy: asks for both stores, and for no more than there are places", async () => {
  for (
    const [args, message] of [
      [[], /no store to copy from\nhint: .*--from/],
      [["mem://a"], /no store to copy to\n/],
      [["mem://a", "--to", "mem://b", "mem://c"], /more stores than places/],
      [["mem://a", "nothing"], /Cannot read nothing as a store/],
      [["mem://a", "mem://b", "--concurrency", "0"], /from 1 to 256/],
    ] as const
  ) {
    const { code, stderr } = await myfs(["store", "copy", ...args]);
    assert.equal(code, 2, stderr);
    assert.match(stderr, message);
  }
});

Deno.test("store copy: Ctrl-C says how to go on, and leaves whole blocks", async () => {
  await using place = await Workplace.create();
  const count = 500;
  await using store = await openStore([place.store()], { create: true, durability: "none" });
  for (let i = 0; i < count; i++) {
    const { id, block } = randomBlock(1000);
    await store.put(id, block);
  }
  // It would take a minute.
  const args = ["store", "copy", "--limit-rate", "10K", place.store(), place.store("copy")];
  const child = startMyfs(args, place.options);
  let ended = false;
  child.status.finally(() => ended = true);
  for (;;) {
    assert.ok(!ended, "the copy ended before it could be interrupted");
    const names = await Array.fromAsync(Deno.readDir(place.path), ({ name }) => name);
    if (names.includes("copy")) break;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  child.kill("SIGINT");
  const { code, stderr } = await finish(child);
  assert.equal(code, 130);
  assert.match(stderr, /^Ended by SIGINT; blocks that were copied are there, and the same command/);
  const copied = await blockPaths(`${place.path}/copy`);
  assert.ok(copied.length < count);
  for (const path of copied) assert.match(path, /\/[0-9a-f]{64}$/);
});

Deno.test("store check: prints what the store can do and how fast, and leaves nothing", async () => {
  await using place = await packedTrees();
  const before = await blockPaths(`${place.path}/blocks`);
  const { stdout, stderr } = await myfsOk(["store", "check", place.store()], place.options);
  assert.match(stdout, /^store {5}dir:.*\ncan {7}read blocks {9}yes\n/);
  assert.match(stdout, /\npromises {2}\d+ kept, 0 broken\n/);
  assert.match(stdout, /\nspeed {5}put +512 KiB +16 +\d+ +\S+ +\S+ .iB\/s +\S+ ms +\S+ ms\n/);
  assert.match(stderr, /^Checked dir:\S+ in .*: no promise is broken; blocks were written to an/);
  assert.deepEqual(await blockPaths(`${place.path}/blocks`), before);
});

Deno.test("store check: has its options and JSON fields, and fails where a promise is broken", async () => {
  await using place = await packedTrees();
  const args = ["store", "check", place.store(), "--read-only", "-m", "a.fl", "--no-speed"];
  const { code, document } = await myfsJson(args, place.options);
  assert.equal(code, 0);
  assert.deepEqual(Object.keys(document), [
    ...["store", "scratch", "abilities", "promises", "brokenCount", "speed", "blocksLeft"],
    "durationMs",
  ]);
  assert.deepEqual([document["scratch"], document["speed"]], ["none", []]);
  for (const path of await blockPaths(`${place.path}/blocks`)) await Deno.writeTextFile(path, "x");
  const broken = await myfs(args, place.options);
  assert.equal(broken.code, 1);
  assert.match(
    broken.stdout,
    /\nbroken {4}read: get gives blocks whose digest is their id: Block /,
  );
  const none = await myfs(["store", "check", place.store("none")], place.options);
  assert.equal(none.code, 1);
  assert.match(none.stderr, /does not exist/);
});
