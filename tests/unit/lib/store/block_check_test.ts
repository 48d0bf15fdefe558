/** Goal: what either profile names is taken, and nothing else. */

import assert from "node:assert/strict";
import { BlockCorruptError } from "../../../../lib/base/errors.ts";
import { createBlockCodec } from "../../../../lib/block/block_codec.ts";
import { checkEitherDigest } from "../../../../lib/store/block_check.ts";

Deno.test("checkEitherDigest: takes blocks of both profiles, and refuses them with a bit turned", () => {
  for (const profile of ["myfs", "rfs"] as const) {
    const codec = createBlockCodec(profile);
    const chunk = crypto.getRandomValues(new Uint8Array(1000));
    const { ref, block } = codec.seal(chunk, codec.keyOf(chunk));
    checkEitherDigest(ref.id, block);
    block[500]! ^= 1;
    assert.throws(() => checkEitherDigest(ref.id, block), (error) => {
      assert.ok(error instanceof BlockCorruptError);
      assert.equal(error.id, ref.id);
      return true;
    });
  }
});
