/** Goal: blocks are opened as their flist says: its profile, and keys checked where they can be. */

import assert from "node:assert/strict";
import { BlockCorruptError } from "../../../../lib/base/errors.ts";
import type { SealedBlock } from "../../../../lib/block/block_ref.ts";
import { type BlockCodec, createBlockCodec } from "../../../../lib/block/block_codec.ts";
import { FlistReader } from "../../../../lib/flist/flist_reader.ts";
import {
  codecSetupOf,
  type FlistCodecSetup,
  openFlistCodec,
} from "../../../../lib/image/flist_codec.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";
import { BOTH, writeFlist } from "../flist/flist_samples.ts";

function setupOf(profile: "myfs" | "rfs", secret: boolean): FlistCodecSetup {
  using folder = new TempFolder();
  writeFlist(folder.file("a.fl"), profile, (writer) => {
    if (secret) writer.markSecretChunkKeys();
  });
  using flist = FlistReader.open(folder.file("a.fl"));
  return codecSetupOf(flist);
}

function seal(chunk: Uint8Array, codec: BlockCodec): SealedBlock {
  return codec.seal(chunk, codec.keyOf(chunk));
}

Deno.test("codecSetupOf: tells the profile, and that keys made with a secret cannot be checked", () => {
  for (const profile of BOTH) {
    assert.deepEqual(setupOf(profile, false), { profile, verifyKey: true });
  }
  assert.deepEqual(setupOf("myfs", true), { profile: "myfs", verifyKey: false });
});

Deno.test("openFlistCodec: opens what was made with a secret only when keys are not checked", () => {
  const chunk = new TextEncoder().encode("a guess could confirm this");
  const domainSecret = new Uint8Array(32).fill(3);
  const { ref, block } = seal(chunk, createBlockCodec("myfs", { domainSecret }));
  const lenient = openFlistCodec(setupOf("myfs", true));
  assert.deepEqual(lenient.open(ref, block), chunk);
  const strict = openFlistCodec(setupOf("myfs", false));
  assert.throws(() => strict.open(ref, block), BlockCorruptError);
  const plain = seal(chunk, createBlockCodec("myfs"));
  assert.deepEqual(strict.open(plain.ref, plain.block), chunk);
});
