/**
 * Goal: nothing but one frame of the expected size reaches a decoder. Method: frames put together by
 * hand, and every truncation of a real one.
 *
 * @module
 */

import assert from "node:assert/strict";
import { concatBytes } from "../../../../lib/base/bytes.ts";
import { compressZstd } from "../../../../lib/block/compression.ts";
import { zstdFrameFault } from "../../../../lib/block/zstd_frame.ts";
import { blockHeader, rawBlock, runBlock, zstdFrame } from "./block_testing.ts";
import { SeededRandom } from "../../../helpers/seeded_random.ts";

const ten = new SeededRandom(1).bytes(10);
const whole = zstdFrame({ contentSize: 10, blocks: [rawBlock(ten, true)] });

Deno.test("zstd frame: is accepted as RFC 8878 has it", () => {
  const accepted = [
    whole,
    zstdFrame({ contentSize: 10, window: 0, blocks: [rawBlock(ten, true)] }),
    zstdFrame({ contentSize: 10, window: 14 << 3, blocks: [rawBlock(ten, true)] }),
    zstdFrame({ contentSize: 10, blocks: [runBlock(7, 10, true)] }),
    zstdFrame({
      contentSize: 10,
      blocks: [rawBlock(ten, false), rawBlock(ten.subarray(10), true)],
    }),
    concatBytes([
      zstdFrame({ contentSize: 10, checksum: true, blocks: [rawBlock(ten, true)] }),
      new Uint8Array(4),
    ]),
  ];
  for (const frame of accepted) assert.equal(zstdFrameFault(frame, 10), undefined);
});

Deno.test("zstd frame: the size of the content is found in fields of every length", () => {
  const random = new SeededRandom(2);
  for (const length of [1, 255, 256, 257, 65535, 65536, 65791, 65792, 300000]) {
    for (const bytes of [random.bytes(length), new Uint8Array(length)]) {
      const frame = compressZstd(bytes, 3);
      assert.equal(zstdFrameFault(frame, length), undefined, `${length} bytes`);
      assert.match(zstdFrameFault(frame, length + 1)!, /claims/);
      assert.match(zstdFrameFault(frame, length - 1)!, /claims/);
    }
  }
});

Deno.test("zstd frame: every level that can be asked for passes, whatever its window", () => {
  const bytes = new SeededRandom(3).runs(700_000);
  for (const level of [1, 2, 3, 5, 9, 22]) {
    assert.equal(zstdFrameFault(compressZstd(bytes, level), bytes.length), undefined);
  }
});

const refused: readonly { name: string; frame: Uint8Array; fault: RegExp }[] = [
  { name: "no bytes", frame: new Uint8Array(0), fault: /not a zstd frame/ },
  { name: "a skippable frame", frame: Uint8Array.fromHex("502a4d1800000000"), fault: /not a zstd/ },
  { name: "the format of zstd 0.7", frame: withByte(whole, 0, 0x27), fault: /not a zstd frame/ },
  {
    name: "a reserved bit",
    frame: zstdFrame({ contentSize: 10, reserved: true, blocks: [rawBlock(ten, true)] }),
    fault: /unknown kind/,
  },
  {
    name: "a dictionary",
    frame: zstdFrame({ contentSize: 10, dictionary: 1, blocks: [rawBlock(ten, true)] }),
    fault: /dictionary/,
  },
  {
    name: "a window above 16 MiB",
    frame: zstdFrame({ contentSize: 10, window: (14 << 3) + 1, blocks: [rawBlock(ten, true)] }),
    fault: /window/,
  },
  {
    name: "the largest window",
    frame: zstdFrame({ contentSize: 10, window: 255, blocks: [rawBlock(ten, true)] }),
    fault: /window/,
  },
  {
    name: "no size of the content",
    frame: zstdFrame({ window: 0, blocks: [rawBlock(ten, true)] }),
    fault: /does not tell the size/,
  },
  {
    name: "a size beyond 2^53",
    frame: withByte(whole, 12, 0xff),
    fault: /claims/,
  },
  {
    name: "trailing bytes",
    frame: concatBytes([whole, new Uint8Array(1)]),
    fault: /does not end where/,
  },
  { name: "two frames", frame: concatBytes([whole, whole]), fault: /does not end where/ },
  {
    name: "an announced checksum that is missing",
    frame: zstdFrame({ contentSize: 10, checksum: true, blocks: [rawBlock(ten, true)] }),
    fault: /does not end where/,
  },
  {
    name: "a reserved type of block",
    frame: zstdFrame({ contentSize: 10, blocks: [blockHeader(3, 0, true)] }),
    fault: /damaged block/,
  },
  {
    name: "a block above 128 KiB",
    frame: zstdFrame({ contentSize: 10, blocks: [runBlock(0, 128 * 1024 + 1, true)] }),
    fault: /damaged block/,
  },
  {
    name: "no last block",
    frame: zstdFrame({ contentSize: 10, blocks: [rawBlock(ten, false)] }),
    fault: /stops short/,
  },
];

for (const { name, frame, fault } of refused) {
  Deno.test(`zstd frame: ${name} is refused`, () => {
    assert.match(zstdFrameFault(frame, 10) ?? "no fault", fault);
  });
}

Deno.test("zstd frame: every truncation is refused", () => {
  const bytes = new SeededRandom(4).runs(3000);
  for (const frame of [whole, compressZstd(bytes, 3)]) {
    const size = frame === whole ? 10 : bytes.length;
    for (let length = 0; length < frame.length; length++) {
      assert.notEqual(zstdFrameFault(frame.subarray(0, length), size), undefined);
    }
  }
});

function withByte(frame: Uint8Array, at: number, byte: number): Uint8Array {
  const changed = frame.slice();
  changed[at] = byte;
  return changed;
}
