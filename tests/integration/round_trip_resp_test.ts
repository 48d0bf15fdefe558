/**
 * Trees that go to 0-db and to Redis and come back, in both profiles, through all that stands around
 * a store on the network.
 *
 * @module
 */

import assert from "node:assert/strict";
import { checkImage, packDirectory, unpackImage } from "../../mod.ts";
import { RedisServer } from "../helpers/redis_server.ts";
import { requiringTest } from "../helpers/require.ts";
import { TempFolder } from "../helpers/temp_folder.ts";
import { assertSameDump, dumpTree } from "../helpers/tree_dump.ts";
import { ZdbServer } from "../helpers/zdb_server.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";

const SECRET = "s3cr3t";

function makeTree(folder: TempFolder): string {
  const random = new SeededRandom(99);
  const tree = folder.tree("tree", {
    "empty": "",
    "a/large": random.bytes(3_000_000),
    "a/b/medium": random.bytes(524_289),
    ...Object.fromEntries(
      Array.from({ length: 200 }, (_, i) => [`small/${i}`, random.bytes(i * 7)]),
    ),
  });
  // The rfs profile has whole seconds.
  const args = [tree, "-exec", "touch", "-d", "@1700000000", "{}", "+"];
  assert.ok(new Deno.Command("find", { args }).outputSync().success);
  return tree;
}

async function goAndComeBack(url: string, profile: "myfs" | "rfs"): Promise<void> {
  using folder = new TempFolder();
  const source = makeTree(folder);
  const meta = folder.file("tree.fl");
  const packed = await packDirectory(source, { meta, store: url, profile, jobs: 2 });
  assert.deepEqual(packed.failures, []);
  const again = await packDirectory(source, { meta, store: url, profile, jobs: 2 });
  assert.equal(again.chunks, packed.chunks);
  const bytes = await Deno.readFile(meta);
  assert.ok(
    !new TextDecoder("latin1").decode(bytes).includes(SECRET),
    "the flist has the password",
  );
  const check = await checkImage(meta, { store: url, jobs: 2 });
  assert.equal(check.blocksOk, check.blocks);
  const target = folder.file("out");
  const report = await unpackImage(meta, target, { store: url, jobs: 2 });
  assert.deepEqual(report.failures, []);
  assertSameDump(dumpTree(target), dumpTree(source));
}

for (const profile of ["myfs", "rfs"] as const) {
  requiringTest(["python3"], `round trip: a tree through zdb, profile ${profile}`, async () => {
    await using server = new ZdbServer({
      namespaces: { trees: { password: SECRET, isPublic: false } },
    });
    await goAndComeBack(`zdb://:${SECRET}@${server.address}/trees`, profile);
    assert.deepEqual(server.unknown, []);
  });

  requiringTest(
    ["python3", "redis-server"],
    `round trip: a tree through redis, profile ${profile}`,
    async () => {
      await using server = await RedisServer.start({ password: SECRET });
      await goAndComeBack(`redis://:${SECRET}@127.0.0.1:${server.port}/2`, profile);
    },
  );
}
