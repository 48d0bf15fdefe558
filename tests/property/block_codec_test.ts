/**
 * Goal: for any chunk and options, sealing is the same on both back ends, opening gives the chunk
 * back, and damage of any kind is a BlockCorruptError. Method: random chunks and damage; the seed is
 * the name of the step, and SEED repeats it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { type Bytes, concatBytes } from "../../lib/base/bytes.ts";
import { BlockCorruptError } from "../../lib/base/errors.ts";
import {
  type BlockCodecOptions,
  createBlockCodec,
  missingNativeLibraries,
} from "../../lib/block/block_codec.ts";
import { blockIdFromBytes } from "../../lib/block/block_ref.ts";
import { blake2b256, blake3 } from "../../lib/block/digest.ts";
import { PROFILES } from "../../lib/block/profile.ts";
import { assertSameBytes } from "../unit/lib/block/block_testing.ts";
import { SeededRandom, takeSeed } from "../helpers/seeded_random.ts";

function someChunk(random: SeededRandom): Bytes {
  const limits = [1, 2, 32, 257, 5000, 140_000];
  const length = 1 + random.below(limits[random.below(limits.length)]!);
  const kind = random.below(4);
  if (kind === 0) return new Uint8Array(length);
  if (kind === 1) return random.runs(length);
  if (kind === 2) return random.bytes(length);
  // Just about where compression is worth while.
  return concatBytes([random.bytes(length), new Uint8Array(length >> 5)]);
}

function damage(block: Bytes, random: SeededRandom): Bytes {
  const kind = random.below(4);
  if (kind === 0) return block.slice(0, random.below(block.length));
  if (kind === 1) return concatBytes([block, random.bytes(1 + random.below(40))]);
  if (kind === 2) return block.slice(1 + random.below(block.length));
  const changed = block.slice();
  for (let i = random.below(3); i >= 0; i--) {
    // Places differ, so that no two changes undo each other.
    changed[(random.below(block.length) & ~3) + i]! ^= 1 + random.below(255);
  }
  return changed.every((byte, i) => byte === block[i]) ? block.slice(1) : changed;
}

for (const profile of PROFILES) {
  Deno.test({
    name: `${profile} codec: any chunk comes back on either back end, and no damage goes unseen`,
    ignore: missingNativeLibraries().length > 0,
    fn: async (t) => {
      const seed = takeSeed();
      await t.step(`SEED=${seed}`, () => {
        const random = new SeededRandom(seed);
        for (let round = 0; round < 60; round++) {
          const chunk = someChunk(random);
          const options: BlockCodecOptions = profile === "rfs" ? {} : {
            level: 1 + random.below(6),
            ...(random.below(2) === 0 ? {} : { domainSecret: random.bytes(32) }),
          };
          const native = createBlockCodec(profile, { ...options, backend: "native" });
          const portable = createBlockCodec(profile, { ...options, backend: "portable" });
          const { ref, block } = native.seal(chunk, native.keyOf(chunk));
          const twin = portable.seal(chunk, portable.keyOf(chunk));
          assert.equal(twin.ref.id, ref.id);
          assertSameBytes(twin.block, block);
          for (const codec of [native, portable]) {
            assertSameBytes(codec.open(ref, block), chunk);
            const damaged = damage(block, random);
            const digest = profile === "rfs" ? blake2b256 : blake3;
            const forgedId = blockIdFromBytes(digest(damaged));
            for (const id of [ref.id, forgedId]) {
              assert.throws(() => codec.open({ ...ref, id }, damaged), BlockCorruptError);
            }
          }
        }
      });
    },
  });
}
