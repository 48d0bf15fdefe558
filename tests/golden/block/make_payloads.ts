/**
 * Writes `payloads.json`: the zstd frames and the Snappy data that the pinned runtime makes of some
 * chunks. `make_vectors.py` derives everything else from them without our code. To be run anew only
 * when the format's compression is meant to change:
 *
 *     deno run -A tests/golden/block/make_payloads.ts > tests/golden/block/payloads.json
 *
 * @module
 */

import { compressSnappy, compressZstd } from "../../../lib/block/compression.ts";
import { makeData } from "./make_data.ts";

const chunks = [
  { kind: "words", seed: 1, length: 200 },
  { kind: "words", seed: 2, length: 5000 },
  { kind: "words", seed: 3, length: 20000 },
  { kind: "zeros", seed: 0, length: 524288 },
] as const;

/** A copy first: `toBase64` belongs to plain arrays, not to the buffers that libraries return. */
const toBase64 = (bytes: Uint8Array): string => new Uint8Array(bytes).toBase64();

const zstd = chunks.flatMap((chunk) =>
  [1, 3, 19].map((level) => ({
    chunk,
    level,
    frame: toBase64(compressZstd(makeData(chunk), level)),
  }))
);
const snappy = [
  ...chunks,
  { kind: "xorshift", seed: 5, length: 3000 } as const,
  { kind: "words", seed: 6, length: 1 } as const,
].map((chunk) => ({ chunk, data: toBase64(compressSnappy(makeData(chunk))) }));

// deno-lint-ignore no-console -- the file goes to standard output
console.log(JSON.stringify({ zstd, snappy }, null, 1));
