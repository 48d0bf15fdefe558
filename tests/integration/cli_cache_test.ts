/**
 * `myfs cache`, and the options of other commands that read through a cache: wiring, exit codes and
 * JSON fields.
 */

import assert from "node:assert/strict";
import { myfs, myfsJson, myfsOk, Workplace } from "./cli_process.ts";

/** A store that has no block: what is read comes from the cache. */
const NOWHERE = "mem://nowhere";

/** A workplace with a tree of several blocks, packed as `tree.fl`. */
function packedTree(): Promise<Workplace> {
  return Workplace.create(async (place) => {
    await place.writeNoise("tree/a", 300_000);
    await place.writeNoise("tree/b", 20_000);
    await myfsOk(["pack", "-q", "-m", "tree.fl", "-s", place.store(), "tree"], place.options);
  });
}

async function blockFiles(folder: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (!isDirectory || name.length !== 2) continue;
    for await (const file of Deno.readDir(`${folder}/${name}`)) {
      paths.push(`${folder}/${name}/${file.name}`);
    }
  }
  return paths;
}

Deno.test("cache: pins an image with all its blocks, serves it, and lets it go", async () => {
  await using place = await packedTree();
  const { options, path } = place;
  const folder = `${path}/state/blocks`;

  const before = await myfsJson(["cache", "pin", "tree.fl"], options);
  assert.equal(before.code, 0);
  const [unfetched] = before.document["pins"] as { blocks: number; blocksPresent: number }[];
  assert.equal(unfetched!.blocksPresent, 0);
  const blocks = unfetched!.blocks;
  assert.ok(blocks > 1);

  const { stdout, stderr } = await myfsOk(["cache", "pin", "--fetch", "tree.fl"], options);
  assert.equal(stdout, "");
  assert.match(stderr, /^Pinned .*\/tree\.fl: (\d+) of \1 blocks are there, .*; \1 fetched\n$/);
  assert.equal((await blockFiles(folder)).length, blocks);

  const { document } = await myfsJson(["cache", "status"], options);
  assert.equal(document["folder"], folder);
  for (const field of ["bytes", "bytesPinned", "sizeMax", "freeBytes", "freeSpaceMin"]) {
    assert.ok(Number.isSafeInteger(document[field]), field);
  }
  assert.deepEqual([document["blocks"], document["blocksPinned"]], [blocks, blocks]);
  assert.deepEqual(document["pins"], [{
    name: `${path}/tree.fl`,
    blocks,
    blocksPresent: blocks,
    bytesPresent: document["bytes"],
  }]);
  const status = await myfsOk(["cache", "status"], options);
  assert.match(status.stdout, /^folder {4}.*\/state\/blocks\nblocks {4}\d+\n/);

  // Everything that reads has what it needs, though the store is empty.
  await myfsOk(["unpack", "tree.fl", "out", "-s", NOWHERE, "--cache"], options);
  assert.deepEqual(await Deno.readFile(`${path}/out/a`), await Deno.readFile(`${path}/tree/a`));
  const cat = ["flist", "cat", "tree.fl", "b", "-s", NOWHERE, "--json", `--cache=${folder}`];
  const { files } = JSON.parse((await myfsOk(cat, options)).stdout);
  assert.deepEqual(Uint8Array.fromBase64(files[0].content), await Deno.readFile(`${path}/tree/b`));
  const clone = ["clone", "tree.fl", "--target", "copy.fl", "--source", NOWHERE];
  await myfsOk([...clone, "-s", place.store("copy"), "--cache"], options);
  const without = await myfs(["unpack", "tree.fl", "none", "-s", NOWHERE], options);
  assert.equal(without.code, 3);

  const kept = await myfsJson(["cache", "clear"], options);
  assert.deepEqual(kept.document, { folder, blocks: 0, bytes: 0 });
  const unpinned = await myfsJson(["cache", "unpin", "tree.fl"], options);
  assert.deepEqual(unpinned.document, { folder, unpinned: [`${path}/tree.fl`] });
  const again = await myfs(["cache", "unpin", "tree.fl"], options);
  assert.equal(again.code, 10);
  assert.match(again.stderr, /^error: There is no pin of tree\.fl in /);
  const cleared = await myfsOk(["cache", "clear"], options);
  assert.match(cleared.stderr, /^Removed \d+ blocks from /);
  assert.deepEqual(await blockFiles(folder), []);
});

Deno.test("cache: verify removes what is damaged and says so with its exit code", async () => {
  await using place = await packedTree();
  const { options, path } = place;
  await myfsOk(["cache", "pin", "--fetch", "tree.fl", "--cache", "mine"], options);
  const files = await blockFiles(`${path}/mine`);
  const sound = await myfsOk(["cache", "verify", "--cache", "mine"], options);
  assert.equal(sound.stdout, "");
  assert.match(sound.stderr, /all well\n$/);
  await Deno.truncate(files[0]!, 10);
  const id = files[0]!.slice(-64);
  const { code, stdout } = await myfs(["cache", "verify", "--cache", "mine"], options);
  assert.equal(code, 11);
  assert.equal(stdout, `damaged ${id}: removed\n`);
  const { document } = await myfsJson(["cache", "verify", "--cache", "mine"], options);
  assert.equal(document["blocks"], files.length - 1);
  assert.deepEqual(document["damaged"], []);
  const all = await myfsJson(["cache", "clear", "--all", "--cache", "mine"], options);
  assert.equal(all.document["blocks"], files.length - 1);
  const status = await myfsJson(["cache", "status", "--cache", "mine"], options);
  assert.deepEqual([status.document["blocks"], status.document["pins"]], [0, []]);
});

Deno.test("cache: mistakes are named, with the exit codes of the other commands", async () => {
  await using place = await packedTree();
  const { options } = place;
  const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
    [["cache", "status", "--cache", "none"], 10, /There is no cache at none/],
    [["cache", "status", "--cache", "tree"], 12, /holds something that is not a cache/],
    [["cache", "pin"], 2, /no flist to pin/],
    [["cache", "pin", "none.fl"], 10, /no flist at none\.fl/],
    [["cache", "unpin"], 2, /no pin to take away/],
    [["cache", "pin", "--fetch", "tree.fl", "--cache-size", "1K"], 1, /Cannot keep .* more blocks/],
    [["unpack", "tree.fl", "out", "--cache-size", "10X"], 2, /bytes such as 500K or 10M/],
    [["unpack", "tree.fl", "out", "--no-cache", "--cache-size", "1G"], 2, /contradict/],
    [["unpack", "tree.fl", "out", "--heal", "--cache"], 2, /contradict/],
  ];
  await Promise.all(cases.map(async ([args, code, message]) => {
    const result = await myfs(args, options);
    assert.equal(result.code, code, `${args.join(" ")}: ${result.stderr}`);
    assert.match(result.stderr, message);
  }));
});
