/** Goal: every byte is read once, and a plan changes only around what changed in the tree. */

import assert from "node:assert/strict";
import type { Profile } from "../../../../lib/block/profile.ts";
import {
  BUNDLE_SIZE_MAX,
  EXPECTED_FIELDS,
  LARGE_FILE_SIZE_MIN,
  PackPlan,
  type PackUnit,
  type PlannedUnit,
  SEGMENT_SIZE,
  type SegmentUnit,
} from "../../../../lib/image/pack_plan.ts";
import type { ScannedEntry } from "../../../../lib/tree/directory_source.ts";
import { SeededRandom } from "../../../helpers/seeded_random.ts";

interface PlanFile {
  readonly directory: string;
  readonly name: string;
  readonly size: number;
  readonly hasHoles?: boolean;
}

function entryOf({ name, size, hasHoles = false }: PlanFile): ScannedEntry {
  const owner = { uid: 0, gid: 0, rdev: 0, device: 1, linkCount: 1 };
  const times = { mtime: 1, mtimeNsec: 2, ctime: 3, ctimeNsec: 4 };
  return { name, kind: "file", mode: 0o100644, size, hasHoles, inode: 99, ...owner, ...times };
}

/** The plan of `files`, whose inodes are numbered from 2. */
function plan(files: readonly PlanFile[], profile: Profile = "myfs"): PlannedUnit[] {
  const plan = new PackPlan(profile);
  const units = files.flatMap((file, i) => plan.add(i + 2, file.directory, entryOf(file)));
  return [...units, ...plan.end()];
}

/** Small files as a tree has them. */
function smallFiles(count: number): PlanFile[] {
  const random = new SeededRandom(11);
  return Array.from({ length: count }, (_, i) => ({
    directory: `d${Math.floor(i / 20)}`,
    name: `file ${i}`,
    size: 1 + random.below(30_000),
  }));
}

/** The names in each bundle, as one text a bundle. */
function bundles(files: readonly PlanFile[]): string[] {
  return plan(files).map(({ unit }) => {
    assert.equal(unit.kind, "files");
    return unit.kind === "files" ? unit.names.join() : "";
  });
}

Deno.test("PackPlan: bundles hold all small files once, in order, and say what is expected", () => {
  const files = smallFiles(500);
  const units = plan(files);
  let file = 0;
  units.forEach(({ unit, inos }, turn) => {
    assert.ok(unit.kind === "files");
    assert.deepEqual([unit.turn, unit.firstFile], [turn, file]);
    const directories = unit.directories.flatMap(({ path, files }) => Array(files).fill(path));
    assert.equal(directories.length, unit.names.length);
    unit.names.forEach((name, i) => {
      const { size } = files[file]!;
      assert.deepEqual([directories[i], name], [files[file]!.directory, files[file]!.name]);
      const expected = unit.expected.subarray(i * EXPECTED_FIELDS, (i + 1) * EXPECTED_FIELDS);
      assert.deepEqual([...expected], [size, 1, 2, 3, 4, 99]);
      assert.equal(inos[i], file + 2);
      file++;
    });
  });
  assert.equal(file, files.length);
});

Deno.test("PackPlan: bundles are worth a request and fit in memory", () => {
  const files = smallFiles(3000);
  const sizes = plan(files).map(({ inos }) =>
    inos.reduce((sum, ino) => sum + files[ino - 2]!.size, 0)
  );
  assert.ok(sizes.slice(0, -1).every((size) => size >= 128 * 1024), `${sizes}`);
  assert.ok(sizes.every((size) => size <= BUNDLE_SIZE_MAX), `${sizes}`);
  const mean = sizes.reduce((sum, size) => sum + size) / sizes.length;
  assert.ok(mean > 300_000 && mean < 900_000, `${mean}`);
});

Deno.test("PackPlan: a file that comes or goes changes the bundles beside it alone", () => {
  const files = smallFiles(2000);
  const before = new Set(bundles(files));
  let changed = 0;
  const places = [0, 17, 333, 777, 1234, 1500, 1777, 1999];
  for (const at of places) {
    const removed = bundles(files.toSpliced(at, 1));
    const inserted = bundles(files.toSpliced(at, 0, { directory: "new", name: "n", size: 9000 }));
    for (const after of [removed, inserted]) {
      const others = after.filter((bundle) => !before.has(bundle)).length;
      assert.ok(others >= 1 && others <= 6, `${others} bundles changed at ${at}`);
      changed += others;
    }
  }
  assert.ok(changed / (2 * places.length) < 2.5, `${changed}`);
});

Deno.test("PackPlan: a directory that moves keeps its bundles", () => {
  const files = smallFiles(300).map((file) => ({ ...file, directory: "one" }));
  const moved = files.map((file) => ({ ...file, directory: "far/away/one" }));
  assert.deepEqual(bundles(moved), bundles(files));
});

Deno.test("PackPlan: very many tiny files do not make one endless bundle", () => {
  const files = Array.from(
    { length: 10_000 },
    (_, i) => ({ directory: "", name: `${i}`, size: 1 }),
  );
  assert.ok(plan(files).every(({ inos }) => inos.length <= 4096));
});

/** Asserts that the segments of a file cover it without gap or overlap. */
function assertCovers(units: readonly PackUnit[], size: number): SegmentUnit[] {
  const segments = units.filter((unit) => unit.kind === "segment");
  let at = 0;
  for (const { start, end } of segments) {
    assert.equal(start, at);
    assert.ok(end > start && end - start <= SEGMENT_SIZE);
    at = end;
  }
  assert.equal(at, size);
  return segments;
}

Deno.test("PackPlan: segments cover a large file; its digest is asked for where none sees it whole", () => {
  for (const size of [LARGE_FILE_SIZE_MIN, SEGMENT_SIZE, SEGMENT_SIZE + 1, 3 * SEGMENT_SIZE]) {
    for (const profile of ["myfs", "rfs"] as const) {
      const planned = plan([{ directory: "d", name: "large", size }], profile);
      const units = planned.map(({ unit }) => unit);
      const segments = assertCovers(units, size);
      const isOne = size <= SEGMENT_SIZE;
      assert.ok(segments.every(({ whole, sparse }) => whole === isOne && !sparse));
      const digests = units.length - segments.length;
      assert.equal(digests, profile === "myfs" && !isOne ? 1 : 0);
      assert.ok(planned.every(({ inos }) => inos.length === 1 && inos[0] === 2));
    }
  }
});

Deno.test("PackPlan: a file with holes is never bundled, except where the profile has no holes", () => {
  const sparse = { directory: "", name: "sparse", size: 5000, hasHoles: true };
  const [{ unit } = assert.fail()] = plan([sparse]);
  assert.ok(unit.kind === "segment" && unit.sparse);
  assert.equal(plan([sparse], "rfs")[0]!.unit.kind, "files");
  const large = plan([{ ...sparse, size: 2 * SEGMENT_SIZE }]);
  assert.deepEqual(large.map(({ unit }) => unit.kind), ["segment", "segment"]);
});

Deno.test("PackPlan: an empty tree needs nothing", () => {
  assert.deepEqual(plan([]), []);
});
