/**
 * Streams of blocks: what is written comes back however the bytes are cut, and what is no stream is
 * refused before it costs memory.
 */

import assert from "node:assert/strict";
import { concatBytes, toHex } from "../../../../lib/base/bytes.ts";
import { blake2b256 } from "../../../../lib/block/digest.ts";
import { type BlockId, parseBlockId } from "../../../../lib/block/block_ref.ts";
import {
  BLOCK_FRAME_HEAD_SIZE,
  blockFrameHead,
  BlockStreamError,
  joinBlockStream,
  readBlockStream,
  type ReadBlockStreamOptions,
  type StreamedBlock,
  writeBlockStream,
} from "../../../../lib/hub_api/block_stream.ts";

const SIZES = [0, 1, 35, 36, 37, 65_499, 65_500, 65_501, 200_000, 3];
const BLOCKS = [...SIZES.map((size, index) => sample(size, index)), {
  ...sample(9, 99),
  block: undefined,
}];

function sample(size: number, index: number): { id: BlockId; block: Uint8Array<ArrayBuffer> } {
  const block = new Uint8Array(size).map((_, at) => (at * 7 + index) & 0xff);
  return { id: parseBlockId(toHex(blake2b256(Uint8Array.of(index)))), block };
}

async function written(blocks: Parameters<typeof writeBlockStream>[0]): Promise<Uint8Array> {
  return concatBytes(await Array.fromAsync(writeBlockStream(blocks), (piece) => piece.slice()));
}

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size);
}

function read(
  bytes: Uint8Array,
  size: number,
  options?: ReadBlockStreamOptions,
): Promise<StreamedBlock[]> {
  return Array.fromAsync(readBlockStream(pieces(bytes, size), options));
}

for (const size of [1, 36, 37, 1000, 65_536, 1_000_000]) {
  Deno.test(`block stream: what was written comes back in pieces of ${size} bytes`, async () => {
    const blocks = size === 1 ? BLOCKS.filter(({ block }) => (block?.length ?? 0) < 100) : BLOCKS;
    assert.deepEqual(await read(await written(blocks), size, { mayBeAbsent: true }), blocks);
  });
}

Deno.test("block stream: the frames are as specified", async () => {
  const id = parseBlockId("01".repeat(32));
  const bytes = await written([{ id, block: Uint8Array.of(7, 8) }, { id, block: undefined }]);
  assert.equal(toHex(bytes), `${id}000000020708${id}ffffffff`);
});

Deno.test("block stream: an empty one has no blocks", async () => {
  assert.deepEqual(await read(await written([]), 10), []);
});

Deno.test("block stream: one that breaks off anywhere within a frame is refused", async () => {
  const bytes = await written(BLOCKS.slice(1, 3));
  for (let length = 1; length < bytes.length; length++) {
    if (length === BLOCK_FRAME_HEAD_SIZE + 1) continue;
    await assert.rejects(read(bytes.subarray(0, length), 16), BlockStreamError, `${length}`);
  }
});

Deno.test("block stream: a block that claims too much is refused before its bytes come", async () => {
  const id = parseBlockId("01".repeat(32));
  for (const claimed of [101, 0xffff_fffe, undefined]) {
    await assert.rejects(read(blockFrameHead(id, claimed), 36, { blockSizeMax: 100 }), {
      name: "BlockStreamError",
      isTooLarge: true,
    });
  }
});

Deno.test("block stream: more blocks than allowed are refused", async () => {
  const bytes = await written(BLOCKS.slice(0, 4));
  assert.equal((await read(bytes, 50, { blockCountMax: 4 })).length, 4);
  await assert.rejects(read(bytes, 50, { blockCountMax: 3 }), { isTooLarge: true });
});

Deno.test("block stream: a reader or writer that is left releases its source", async () => {
  let released = 0;
  async function* source<Item>(items: Iterable<Item>): AsyncGenerator<Item> {
    try {
      yield* items;
    } finally {
      released++;
    }
  }
  for await (const _ of readBlockStream(source([await written(BLOCKS.slice(0, 3))]))) break;
  for await (const _ of writeBlockStream(source(BLOCKS))) break;
  assert.equal(released, 2);
});

Deno.test("block stream: one that is joined is the same as one that is written", async () => {
  const blocks = [0, 1, 500, 70_000].map((size, index) => ({
    id: parseBlockId(`${index}`.repeat(64)),
    block: new Uint8Array(size).fill(index),
  }));
  const written = await Array.fromAsync(writeBlockStream(blocks));
  assert.deepEqual(joinBlockStream(blocks), concatBytes(written));
  assert.deepEqual(joinBlockStream([]), new Uint8Array());
});
