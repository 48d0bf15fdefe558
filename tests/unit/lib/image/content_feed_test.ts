/** Goal: streamed contents are bundled and cut as those of directories, whatever pieces they come in. */

import assert from "node:assert/strict";
import { equalBytes } from "../../../../lib/base/bytes.ts";
import { blake3 } from "../../../../lib/block/digest.ts";
import type { Profile } from "../../../../lib/block/profile.ts";
import { ContentFeed, type FeedWork } from "../../../../lib/image/content_feed.ts";
import type { PackUnit } from "../../../../lib/image/pack_plan.ts";
import type { PackDone } from "../../../../lib/image/pack_worker.ts";
import { SeededRandom } from "../../../helpers/seeded_random.ts";

const random = new SeededRandom(7);

const NOTHING_DONE: PackDone = {
  kind: "digest",
  refs: [],
  present: 0,
  storedBytes: 0,
  digest: undefined,
};

/** Work that only looks at units. */
function workOf(submit: (unit: PackUnit) => void | Promise<void>): FeedWork {
  return {
    submit: async ({ unit }) => {
      await submit(unit);
      return NOTHING_DONE;
    },
    take: () => assert.fail("nothing was done before"),
    know: () => assert.fail("nothing is known"),
  };
}

interface Fed {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly regions?: readonly (readonly [start: number, end: number])[];
}

async function feedAll(
  files: readonly Fed[],
  piece: number,
  profile: Profile = "myfs",
): Promise<PackUnit[]> {
  const units: PackUnit[] = [];
  const feed = new ContentFeed(
    profile,
    workOf((unit) => {
      units.push(structuredClone(unit));
    }),
    2,
  );
  await feed.beginPart();
  for (const { name, bytes, regions } of files) {
    feed.begin({ directory: "d", name, size: bytes.length, hasHoles: regions !== undefined });
    for (const [start, end] of regions ?? [[0, bytes.length]]) {
      for (let at = start; at < end; at += piece) {
        await feed.write(at, bytes.subarray(at, Math.min(at + piece, end)));
      }
    }
    await feed.end();
  }
  await feed.finish();
  return units;
}

Deno.test("content feed: units do not depend on the pieces", async () => {
  const files = [
    { name: "small", bytes: random.bytes(1000) },
    { name: "large", bytes: random.bytes(9_000_000) },
    { name: "small2", bytes: random.bytes(200_000) },
  ];
  const units = await feedAll(files, 100_000);
  assert.deepEqual(await feedAll(files, 7_000_000), units);
  const chunks = units.filter((unit) => unit.kind === "chunks");
  assert.ok(chunks.length > 1);
  let at = 0;
  for (const unit of chunks) {
    let start = 0;
    unit.sizes.forEach((size, i) => {
      assert.equal(unit.fileOffsets[i], at);
      assert.ok(
        equalBytes(
          unit.content.subarray(start, start + size),
          files[1]!.bytes.subarray(at, at + size),
        ),
      );
      at += size;
      start += size;
    });
  }
  assert.equal(at, 9_000_000);
  assert.deepEqual(chunks.at(-1)!.digest, blake3(files[1]!.bytes));
  const bundle = units.find((unit) => unit.kind === "contents")!;
  assert.deepEqual([...bundle.lengths], [1000, 200_000]);
});

Deno.test("content feed: holes are passed over, and filled with zeros in the old format", async () => {
  const bytes = new Uint8Array(3_000_000);
  bytes.set(random.bytes(400_000), 1_000_000);
  const file = { name: "sparse", bytes, regions: [[1_000_000, 1_400_000]] as const };
  const units = await feedAll([file], 4096);
  let total = 0;
  for (const unit of units) {
    assert.ok(unit.kind === "chunks");
    assert.equal(unit.digest, undefined);
    for (const size of unit.sizes) total += size;
  }
  assert.equal(total, 400_000);
  const old = await feedAll([file], 4096, "rfs");
  assert.deepEqual(old, await feedAll([{ name: "sparse", bytes }], 4096, "rfs"));
});

Deno.test("content feed: a part ends the bundle, and has a scope of its own", async () => {
  const units: PackUnit[] = [];
  const feed = new ContentFeed(
    "myfs",
    workOf((unit) => {
      units.push(unit);
    }),
    2,
  );
  for (const part of [1, 2]) {
    await feed.beginPart();
    feed.begin({ directory: "", name: "x", size: 1, hasHoles: false });
    await feed.write(0, new Uint8Array([part]));
    await feed.end();
  }
  await feed.finish();
  assert.deepEqual(units.map((unit) => unit.kind === "contents" && unit.scope), [1, 2]);
});

Deno.test("content feed: waits while workers have too much, and ends when one fails", async () => {
  const waiting: PromiseWithResolvers<void>[] = [];
  const feed = new ContentFeed(
    "myfs",
    workOf(() => {
      const done = Promise.withResolvers<void>();
      waiting.push(done);
      return done.promise;
    }),
    2,
  );
  feed.begin({ directory: "", name: "x", size: 2 ** 30, hasHoles: false });
  const piece = new Uint8Array(4 * 1024 * 1024);
  const feeding = (async () => {
    for (let at = 0; at < 2 ** 30; at += piece.length) await feed.write(at, piece);
  })();
  feeding.catch(() => {});
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.ok(waiting.length <= 5, `${waiting.length} units under way`);
  waiting[0]!.reject(new TypeError("worker gone"));
  for (const each of waiting.slice(1)) each.resolve();
  await assert.rejects(feeding, /worker gone/);
});
