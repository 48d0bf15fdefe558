/**
 * Goal: compression comes back exactly, and foreign data gets no more memory than its expected size.
 * Method: round trips, hostile data, and guard bytes around the target.
 *
 * @module
 */

import assert from "node:assert/strict";
import { concatBytes } from "../../../../lib/base/bytes.ts";
import {
  compressSnappy,
  compressZstd,
  decompressSnappy,
  snappySizeMax,
  zstdDecompressor,
} from "../../../../lib/block/compression.ts";
import {
  assertSameBytes,
  blockHeader,
  rawBlock,
  runBlock,
  testBackends,
  zstdFrame,
} from "./block_testing.ts";
import { SeededRandom } from "../../../helpers/seeded_random.ts";

/** Decompresses into the middle of guard bytes and makes sure that these stay. */
function decompressGuarded(
  decompress: ReturnType<typeof zstdDecompressor>,
  frame: Uint8Array,
  size: number,
): Uint8Array | string {
  const memory = new Uint8Array(size + 2048).fill(0xee);
  const target = memory.subarray(1024, 1024 + size);
  const fault = decompress(frame, target);
  assert.ok(memory.subarray(0, 1024).every((byte) => byte === 0xee));
  assert.ok(memory.subarray(1024 + size).every((byte) => byte === 0xee));
  return fault ?? target;
}

testBackends("zstd: what is compressed comes back at every size and level", (backend) => {
  const random = new SeededRandom(1);
  const decompress = zstdDecompressor(backend);
  // 65,535 and its like are where Deno's output pieces end.
  for (const size of [1, 2, 3, 64, 1000, 1023, 65_535, 65_536, 131_072, 131_073, 1_048_576]) {
    for (const bytes of [random.bytes(size), random.runs(size), new Uint8Array(size)]) {
      for (const level of [1, 3, 6]) {
        const found = decompressGuarded(decompress, compressZstd(bytes, level), size);
        assert.ok(typeof found !== "string", `${size} bytes at level ${level}: ${found}`);
        assertSameBytes(found, bytes);
      }
    }
  }
});

Deno.test("zstd: the same bytes give the same frame, and a higher level a smaller one", () => {
  const bytes = new SeededRandom(2).runs(200_000);
  assert.deepEqual(compressZstd(bytes, 3), compressZstd(bytes.slice(), 3));
  assert.ok(compressZstd(bytes, 19).length < compressZstd(bytes, 1).length);
});

testBackends(
  "zstd: a frame whose blocks hold more than it claims is refused in place",
  (backend) => {
    const many = Array.from({ length: 100 }, (_, i) => runBlock(0xaa, 128 * 1024, i === 99));
    const hostile = [
      zstdFrame({ contentSize: 100, blocks: [rawBlock(new Uint8Array(101), true)] }),
      zstdFrame({ contentSize: 100, blocks: [runBlock(1, 101, true)] }),
      zstdFrame({ contentSize: 100, blocks: many }),
      zstdFrame({ contentSize: 100, window: 14 << 3, blocks: many }),
    ];
    for (const frame of hostile) {
      assert.equal(
        decompressGuarded(zstdDecompressor(backend), frame, 100),
        "its zstd frame cannot be decompressed",
      );
    }
  },
);

testBackends("zstd: a frame whose blocks hold less than it claims is refused", (backend) => {
  const hostile = [
    zstdFrame({ contentSize: 100, blocks: [rawBlock(new Uint8Array(99), true)] }),
    zstdFrame({ contentSize: 100, window: 0, blocks: [rawBlock(new Uint8Array(99), true)] }),
    zstdFrame({ contentSize: 100, blocks: [rawBlock(new Uint8Array(0), true)] }),
  ];
  for (const frame of hostile) {
    const found = decompressGuarded(zstdDecompressor(backend), frame, 100);
    assert.match(String(found), /^its zstd frame (cannot be decompressed|stops short)$/);
  }
});

testBackends("zstd: compressed blocks that make no sense are refused", (backend) => {
  const random = new SeededRandom(3);
  for (let i = 0; i < 300; i++) {
    const content = random.bytes(1 + random.below(60));
    const frame = zstdFrame({
      contentSize: 500,
      blocks: [concatBytes([blockHeader(2, content.length, true), content])],
    });
    const found = decompressGuarded(zstdDecompressor(backend), frame, 500);
    assert.equal(found, "its zstd frame cannot be decompressed");
  }
});

testBackends("zstd: a wrong checksum is refused", (backend) => {
  const frame = zstdFrame({
    contentSize: 3,
    checksum: true,
    blocks: [rawBlock(Uint8Array.of(1, 2, 3), true), Uint8Array.of(1, 2, 3, 4)],
  });
  assert.equal(typeof decompressGuarded(zstdDecompressor(backend), frame, 3), "string");
});

testBackends("zstd: a refused frame leaves the next one unharmed", (backend) => {
  const decompress = zstdDecompressor(backend);
  const bytes = new SeededRandom(4).runs(5000);
  const frame = compressZstd(bytes, 3);
  const garbage = concatBytes([blockHeader(2, 40, true), new Uint8Array(40).fill(0xff)]);
  const damaged = zstdFrame({ contentSize: bytes.length, blocks: [garbage] });
  for (let i = 0; i < 3; i++) {
    assert.equal(typeof decompressGuarded(decompress, damaged, bytes.length), "string");
    assertSameBytes(decompressGuarded(decompress, frame, bytes.length) as Uint8Array, bytes);
  }
});

Deno.test("Snappy: what is compressed comes back, as a plain array of its own", () => {
  const random = new SeededRandom(5);
  for (const size of [1, 2, 60, 61, 65_536, 65_537, 524_288]) {
    for (const bytes of [random.bytes(size), random.runs(size), new Uint8Array(size)]) {
      const data = compressSnappy(bytes);
      assert.ok(data.length <= snappySizeMax(size));
      const content = decompressSnappy(data, size)!;
      assertSameBytes(content, bytes);
      assert.equal(Object.getPrototypeOf(content), Uint8Array.prototype);
      assert.equal(content.buffer.byteLength, size);
    }
  }
});

Deno.test("Snappy: data that is not exactly the expected content is refused", () => {
  const literal = Uint8Array.of(0x10, 1, 2, 3, 4, 5);
  const hostile: readonly Uint8Array[] = [
    Uint8Array.of(),
    Uint8Array.of(5),
    Uint8Array.of(0x85),
    concatBytes([Uint8Array.of(4), literal]),
    concatBytes([Uint8Array.of(6), literal]),
    concatBytes([Uint8Array.of(5), literal, Uint8Array.of(0)]),
    concatBytes([Uint8Array.of(5), literal.subarray(0, 5)]),
    // Copies from before the start, and with an offset of zero.
    Uint8Array.of(5, 0x00, 1, 0x01, 2),
    Uint8Array.of(5, 0x00, 1, 0x01, 0),
    // Preambles of 4 GiB - 1, of more than 32 bits, and without an end.
    Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f, 0x00, 1),
    Uint8Array.of(0x85, 0x80, 0x80, 0x80, 0x10, 0x10, 1, 2, 3, 4, 5),
    Uint8Array.of(0x85, 0x80, 0x80, 0x80, 0x80, 0x00, 0x10, 1, 2, 3, 4, 5),
    new Uint8Array(100).fill(0xff),
  ];
  for (const data of hostile) assert.equal(decompressSnappy(data, 5), undefined, data.toHex());
  assert.deepEqual(
    decompressSnappy(concatBytes([Uint8Array.of(5), literal]), 5),
    Uint8Array.of(1, 2, 3, 4, 5),
  );
});
