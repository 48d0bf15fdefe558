/** Goal: frames are found wherever the stream is cut, and nothing else is taken for one. */

import assert from "node:assert/strict";
import { zstdCompressSync } from "node:zlib";
import { concatBytes } from "../../../../../lib/base/bytes.ts";
import { ZstdFrames } from "../../../../../lib/tree/tar/zstd_frames.ts";

const SKIPPABLE = new Uint8Array([0x5f, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 0x28, 0xb5, 0x2f]);

async function split(stream: Uint8Array, piece: number): Promise<Uint8Array[]> {
  const frames: Uint8Array[] = [];
  let parts: Uint8Array[] = [];
  const splitter = new ZstdFrames({
    onFrame: (bytes, isEnd) => {
      parts.push(bytes.slice());
      if (!isEnd) return;
      frames.push(concatBytes(parts));
      parts = [];
    },
  });
  for (let at = 0; at < stream.length; at += piece) {
    await splitter.write(stream.subarray(at, at + piece));
  }
  assert.ok(splitter.isBetweenFrames);
  return frames;
}

Deno.test("zstd frames: each frame comes whole, skippable ones do not", async () => {
  const frames = ["", "a", "hello".repeat(100_000), "\0".repeat(300_000)]
    .map((text) => zstdCompressSync(text));
  const stream = concatBytes([SKIPPABLE, ...frames.flatMap((frame) => [frame, SKIPPABLE])]);
  for (const piece of [1, 2, 3, 5, 64, 1_000_000]) {
    assert.deepEqual(
      (await split(stream, piece)).map((frame) => frame.toHex()),
      frames.map((frame) => frame.toHex()),
      `pieces of ${piece}`,
    );
  }
});

Deno.test("zstd frames: knows when the stream may not end, and what is no frame", async () => {
  const frame = zstdCompressSync("hello");
  for (let length = 1; length < frame.length; length++) {
    const splitter = new ZstdFrames({ onFrame: () => {} });
    await splitter.write(frame.subarray(0, length));
    assert.ok(!splitter.isBetweenFrames, `${length} bytes`);
  }
  const splitter = new ZstdFrames({ onFrame: () => {} });
  await assert.rejects(splitter.write(concatBytes([frame, new Uint8Array(8)])), SyntaxError);
});
