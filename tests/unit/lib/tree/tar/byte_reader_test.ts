/** Goal: exact numbers of bytes come out, however the stream is cut. */

import assert from "node:assert/strict";
import { ByteReader } from "../../../../../lib/tree/tar/byte_reader.ts";
import { inPieces } from "../../../../helpers/tar_maker.ts";

const BYTES = Uint8Array.from({ length: 100 }, (_, i) => i);

Deno.test("byte reader: reads and skips across pieces of any size", async () => {
  for (const size of [1, 3, 7, 99, 100, 200]) {
    const reader = new ByteReader(inPieces(BYTES, size));
    assert.deepEqual(await reader.read(10), BYTES.slice(0, 10));
    assert.equal(await reader.skip(25), 25);
    assert.deepEqual(await reader.read(5), BYTES.slice(35, 40));
    assert.equal(reader.position, 40);
    assert.deepEqual(await reader.read(1000), BYTES.slice(40), `pieces of ${size}`);
    assert.equal(await reader.skip(1), 0);
  }
});

Deno.test("byte reader: gives what is there without waiting", async () => {
  const reader = new ByteReader(inPieces(BYTES, 60));
  assert.equal(reader.take(10).length, 0);
  assert.ok(await reader.fill());
  assert.deepEqual(reader.take(1000), BYTES.slice(0, 60));
  await reader.drain();
  assert.equal(reader.position, 100);
  assert.equal(await reader.fill(), false);
});

Deno.test("byte reader: lets go of the stream when closed", async () => {
  let isReleased = false;
  const source = async function* (): AsyncGenerator<Uint8Array> {
    try {
      while (true) yield BYTES;
    } finally {
      isReleased = true;
    }
  };
  const reader = new ByteReader(source());
  await reader.read(1);
  await reader.close();
  assert.ok(isReleased);
});
