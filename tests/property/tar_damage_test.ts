/** Goal: damaged archives never hang or crash: they read, or fail with a typed error. */

import assert from "node:assert/strict";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { MyfsError } from "../../lib/base/errors.ts";
import { decompress } from "../../lib/tree/tar/decompress.ts";
import { TarReader } from "../../lib/tree/tar/tar_reader.ts";
import { inPieces, makeTar, setChecksum, setField } from "../helpers/tar_maker.ts";
import { SeededRandom, takeSeed } from "../helpers/seeded_random.ts";

const SEED = takeSeed();

const ARCHIVE = makeTar(
  { name: "dir/", type: "5" },
  { name: "a", content: "a".repeat(3000), pax: { path: "long name", mtime: "1.5", size: "3000" } },
  { name: "L", type: "L", content: "gnu name" },
  { name: "b", type: "2", link: "target" },
  { name: "s", content: "abc", pax: { "GNU.sparse.map": "0,1,9,2", "GNU.sparse.size": "11" } },
  {
    name: "t",
    content: `${"1\n8\n3\n".padEnd(512, "\0")}abc`,
    pax: { "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "11" },
  },
  {
    name: "old",
    type: "S",
    content: "abc",
    edit: (header) => {
      setField(header, 386, "00000000000\x0000000000003\0");
      setField(header, 483, "00000000007\0");
    },
  },
);

async function read(bytes: Uint8Array): Promise<number> {
  const name = "fuzzed";
  const limits = { name, plainBytesMax: 2 ** 24, ratioMax: 1000 };
  const plain = decompress(inPieces(bytes, 4096), limits);
  await using reader = new TarReader(plain, { name, entriesMax: 1000 });
  let count = 0;
  while (await reader.next() !== undefined) {
    await reader.readContent(() => {});
    count++;
  }
  return count;
}

Deno.test(`damaged archives: read, or fail with a typed error (SEED=${SEED})`, async () => {
  const random = new SeededRandom(SEED);
  const below = (end: number): number => {
    const [a, b, c] = random.bytes(3);
    return ((a! << 16) + (b! << 8) + c!) % end;
  };
  const forms = [
    ARCHIVE,
    ARCHIVE,
    new Uint8Array(gzipSync(ARCHIVE)),
    new Uint8Array(zstdCompressSync(ARCHIVE)),
  ];
  let failed = 0;
  for (let round = 0; round < 2000; round++) {
    const form = round % forms.length;
    let bytes = forms[form]!.slice();
    for (let flips = below(4); flips >= 0; flips--) {
      const at = below(bytes.length);
      bytes[at] = below(3) === 0 ? below(256) : bytes[at]! ^ 1 << below(8);
      // With a right checksum, so that the damage gets further.
      const block = at - at % 512;
      if (form < 2 && below(2) === 0) setChecksum(bytes.subarray(block, block + 512));
    }
    if (below(4) === 0) bytes = bytes.subarray(0, below(bytes.length));
    try {
      assert.ok(await read(bytes) < 100);
    } catch (error) {
      failed++;
      assert.ok(error instanceof MyfsError, `SEED=${SEED}, round ${round}: ${error}`);
    }
  }
  assert.ok(failed > 500, `${failed} failed`);
});
