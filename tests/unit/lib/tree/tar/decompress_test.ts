/** Goal: plain bytes come out of all forms, within the limits, and damage is a typed error. */

import assert from "node:assert/strict";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { concatBytes } from "../../../../../lib/base/bytes.ts";
import { ArchiveFormatError, LimitExceededError } from "../../../../../lib/base/errors.ts";
import { compressionOf, decompress } from "../../../../../lib/tree/tar/decompress.ts";
import { inPieces } from "../../../../helpers/tar_maker.ts";

const LIMITS = { name: "a.tar", plainBytesMax: 10_000_000, ratioMax: 1000 };
const TEXT = Uint8Array.from({ length: 300_000 }, (_, i) => i * i >> 8);
const SKIPPABLE = new Uint8Array([0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 1, 2]);

async function plain(bytes: Uint8Array, piece = 1000, limits = LIMITS): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const each of decompress(inPieces(bytes, piece), limits)) pieces.push(each.slice());
  return concatBytes(pieces);
}

Deno.test("decompress: gzip, zstd and plain bytes, of one part or several", async () => {
  const half = TEXT.length / 2;
  const parts = [TEXT.subarray(0, half), TEXT.subarray(half)];
  const forms: Record<string, Uint8Array> = {
    plain: TEXT,
    gzip: gzipSync(TEXT),
    "gzip members": concatBytes(parts.map((part) => gzipSync(part))),
    "gzip and zeros": concatBytes([gzipSync(TEXT), new Uint8Array(5000)]),
    zstd: zstdCompressSync(TEXT),
    "zstd frames": concatBytes([
      SKIPPABLE,
      ...parts.flatMap((each) => [zstdCompressSync(each), SKIPPABLE]),
    ]),
  };
  for (const [form, bytes] of Object.entries(forms)) {
    for (const piece of [999, bytes.length]) {
      assert.deepEqual(await plain(bytes, piece), TEXT, `${form} in pieces of ${piece}`);
    }
  }
  assert.equal((await plain(new Uint8Array(0))).length, 0);
});

Deno.test("decompress: an end that is missing and bytes that are wrong are told", async () => {
  for (const whole of [gzipSync(TEXT), zstdCompressSync(TEXT)]) {
    for (const length of [10, whole.length >> 1, whole.length - 1]) {
      await assert.rejects(plain(whole.subarray(0, length)), ArchiveFormatError, `${length} bytes`);
    }
    const garbage = concatBytes([whole, new TextEncoder().encode("something else")]);
    await assert.rejects(plain(garbage), ArchiveFormatError);
  }
  const flipped = gzipSync(TEXT);
  flipped[flipped.length >> 1]! ^= 0xff;
  await assert.rejects(plain(flipped), ArchiveFormatError);
  await assert.rejects(plain(new TextEncoder().encode("BZh91AY&SY")), {
    message: /only gzip and zstd/,
    hint: /^Let a program that knows it decompress it/,
  });
});

Deno.test("decompress: stops where the limit is", async () => {
  const bomb = gzipSync(new Uint8Array(50_000_000));
  await assert.rejects(plain(bomb, 100), LimitExceededError);
  await assert.rejects(
    plain(zstdCompressSync(new Uint8Array(50_000_000)), 100),
    LimitExceededError,
  );
  const limits = { ...LIMITS, plainBytesMax: Infinity, ratioMax: 10 };
  // Short streams may be as dense as they are.
  assert.equal((await plain(bomb, 1000, limits)).length, 50_000_000);
});

Deno.test("decompress: the source's own error comes through, and an early end lets go of it", async () => {
  const broken = async function* (): AsyncGenerator<Uint8Array> {
    yield gzipSync(TEXT).subarray(0, 5000);
    await Promise.resolve();
    throw new TypeError("lost");
  };
  await assert.rejects(async () => {
    for await (const _ of decompress(broken(), LIMITS));
  }, /lost/);
  let isReleased = false;
  const endless = async function* (): AsyncGenerator<Uint8Array> {
    try {
      while (true) {
        await Promise.resolve();
        yield gzipSync(TEXT);
      }
    } finally {
      isReleased = true;
    }
  };
  for await (const _ of decompress(endless(), LIMITS)) break;
  assert.ok(isReleased);
});

Deno.test("decompress: the first bytes tell the form", () => {
  assert.equal(compressionOf(new Uint8Array([0x1f, 0x8b])), "gzip");
  assert.equal(compressionOf(SKIPPABLE), "zstd");
  assert.equal(compressionOf(new Uint8Array([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0])), undefined);
  assert.equal(compressionOf(new Uint8Array(0)), "none");
});
