/**
 * Goal: a flist with any byte changed is read, or refused with FlistFormatError: it never crashes,
 * hangs or fails otherwise. Method: the sample flists; each byte of the header and of what leads
 * SQLite through the file, and seeded random bytes elsewhere, changed in three ways; then everything
 * is read in every way. `SEED=… deno test` replays one run.
 */

import assert from "node:assert/strict";
import { FlistFormatError } from "../../lib/base/errors.ts";
import { BOTH, exercise, TestFolder, writeSample } from "../unit/lib/flist/flist_samples.ts";
import { SeededRandom, takeSeed } from "../helpers/seeded_random.ts";

/** Random places a run. */
const RANDOM_PLACES = 250;
/** Time that one reading may take. Most take two milliseconds. */
const READING_MS_MAX = 5000;
const PAGE = 4096;

for (const profile of BOTH) {
  Deno.test(`flist byte flips (${profile}): each is read or refused as a format error`, () => {
    const seed = takeSeed();
    using folder = new TestFolder();
    const path = folder.file("a.fl");
    writeSample(path, profile);
    const original = Deno.readFileSync(path);
    let refused = 0;
    let read = 0;
    for (const at of places(original, seed)) {
      const changed = original.slice();
      changed[at]! ^= at % 3 === 0 ? 0xff : 1 << (at % 8);
      Deno.writeFileSync(path, changed);
      const start = performance.now();
      try {
        exercise(path);
        read++;
      } catch (error) {
        assert.ok(
          error instanceof FlistFormatError,
          `SEED=${seed} byte ${at}: ${(error as Error).stack}`,
        );
        refused++;
      }
      const took = performance.now() - start;
      assert.ok(took < READING_MS_MAX, `SEED=${seed} byte ${at} took ${took} ms`);
      assert.deepEqual(folder.names(), ["a.fl"], `SEED=${seed} byte ${at} leaves files`);
    }
    // Most places matter; some are free space or values such as an owner.
    assert.ok(refused > 50 && read > 0, `${refused} refused, ${read} read`);
  });

  Deno.test(`flist byte flips (${profile}): a flist cut off anywhere is refused`, () => {
    using folder = new TestFolder();
    const path = folder.file("a.fl");
    writeSample(path, profile);
    const original = Deno.readFileSync(path);
    for (let length = 0; length < original.length; length += 1021) {
      Deno.writeFileSync(path, original.subarray(0, length));
      assert.throws(() => exercise(path), FlistFormatError, `${length} bytes`);
    }
  });
}

/** Header, start of each page, and random places. */
function* places(bytes: Uint8Array, seed: number): Generator<number> {
  for (let at = 0; at < 108; at++) yield at;
  for (let page = PAGE; page < bytes.length; page += PAGE) {
    for (let at = 0; at < 12; at++) yield page + at;
  }
  const random = new SeededRandom(seed);
  for (let i = 0; i < RANDOM_PLACES; i++) {
    // Free space is all zeros and tells little: mostly another place is taken.
    let at = random.below(bytes.length);
    for (let tries = 0; bytes[at] === 0 && tries < 20; tries++) at = random.below(bytes.length);
    yield at;
  }
}
