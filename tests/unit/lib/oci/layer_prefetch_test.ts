/** Goal: layers come ahead in bounded memory, whole and in order, and nothing goes on afterwards. */

import assert from "node:assert/strict";
import { prefetchLayers } from "../../../../lib/oci/layer_prefetch.ts";
import type { LayerSource } from "../../../../lib/oci/layer_source.ts";

interface Counts {
  opened: number;
  ended: number;
  pieces: number;
}

function layerOf(byte: number, pieceCount: number, counts: Counts): LayerSource {
  return {
    digest: `sha256:${byte}`,
    mediaType: "x",
    async *open(signal): AsyncGenerator<Uint8Array> {
      counts.opened++;
      try {
        for (let i = 0; i < pieceCount; i++) {
          await Promise.resolve();
          signal?.throwIfAborted();
          counts.pieces++;
          yield new Uint8Array(1024 * 1024).fill(byte);
        }
      } finally {
        counts.ended++;
      }
    },
  };
}

Deno.test("prefetched layers: whole, and no further ahead than memory allows", async () => {
  const counts = { opened: 0, ended: 0, pieces: 0 };
  await using prefetched = prefetchLayers([0, 1, 2, 3].map((byte) => layerOf(byte, 40, counts)));
  for (const byte of [3, 2, 1, 0]) {
    let size = 0;
    for await (const piece of prefetched.layers[byte]!.open()) {
      assert.ok(piece.every((one) => one === byte));
      size += piece.length;
      // What was read, and of two layers what fits and the piece that shows it.
      assert.ok(counts.pieces <= 40 * (4 - byte) + 2 * 9, `${counts.pieces}`);
    }
    assert.equal(size, 40 * 1024 * 1024);
  }
  assert.deepEqual(counts, { opened: 4, ended: 4, pieces: 160 });
});

Deno.test("prefetched layers: all are let go of when the reader stops", async () => {
  const counts = { opened: 0, ended: 0, pieces: 0 };
  {
    await using prefetched = prefetchLayers([0, 1, 2].map((byte) => layerOf(byte, 40, counts)));
    for await (const _ of prefetched.layers[2]!.open()) break;
    for await (const _ of prefetched.layers[1]!.open()) break;
  }
  assert.equal(counts.ended, counts.opened);
});
