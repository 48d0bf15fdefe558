/** Goal: errors pass between threads. Method: what comes out can be cloned, and says the same. */

import assert from "node:assert/strict";
import { BlockNotFoundError } from "../../../../lib/base/errors.ts";
import { randomBlock } from "../../../helpers/random_block.ts";
import { faultOf } from "../../../../lib/mount/device_messages.ts";

Deno.test("device messages: an error as plain data keeps its code and message", () => {
  const { id } = randomBlock(10);
  const error = new BlockNotFoundError(id, "dir:///blocks");
  const fault = structuredClone(faultOf(error));
  assert.deepEqual(fault, { code: "block_not_found", message: error.message });
  assert.deepEqual(faultOf(new RangeError("no")), { message: "no" });
  assert.deepEqual(faultOf("text"), { message: "text" });
});
