/** Goal: kernels of every version get the answer that they understand. */

import assert from "node:assert/strict";
import { answerInit, INIT_FLAGS, type InitOutcome, MINOR_MAX } from "../../../../lib/fuse/init.ts";
import {
  decodeStruct,
  INIT_IN,
  INIT_OUT,
  type StructValues,
} from "../../../../lib/fuse/wire_structs.ts";
import { bytesOf } from "./fuse_requests.ts";

const ALL = 0xffff_ffff;

function answer(
  offer: { major?: number; minor?: number; flags?: number; flags2?: number; size?: number },
  features = {},
): InitOutcome & { readonly out: StructValues<typeof INIT_OUT["fields"]> } {
  const input = bytesOf(INIT_IN, { major: 7, minor: 45, max_readahead: 131072, ...offer });
  const output = new Uint8Array(INIT_OUT.size).fill(0xff);
  const outcome = answerInit(input.subarray(0, offer.size ?? INIT_IN.size), output, features);
  return { ...outcome, out: decodeStruct(INIT_OUT, output) };
}

Deno.test("init: of what the kernel offers, the flags that matter are taken", () => {
  const { length, agreement, out } = answer({ flags: ALL, flags2: ALL });
  assert.equal(length, INIT_OUT.size);
  assert.deepEqual([out.major, out.minor, out.max_readahead], [7, MINOR_MAX, 131072]);
  assert.deepEqual([out.max_pages, out.time_gran], [256, 1]);
  for (
    const name of ["noOpenSupport", "cacheSymlinks", "readDirectoryPlus", "hasResend"] as const
  ) {
    assert.ok(agreement!.flags.includes(name), name);
    const bit = INIT_FLAGS[name];
    assert.equal((bit < 32 ? out.flags >>> bit : out.flags2 >>> (bit - 32)) & 1, 1, name);
  }
  // Adaptive READDIRPLUS asks for attributes one by one from the second page on.
  assert.equal(out.flags >>> INIT_FLAGS.readDirectoryPlusAuto & 1, 0);
  assert.equal(out.flags >>> INIT_FLAGS.posixAcl & 1, 0);
});

Deno.test("init: nothing is taken that was not offered", () => {
  const { out, agreement } = answer({ flags: 1 << INIT_FLAGS.asyncRead });
  assert.deepEqual([out.flags, out.flags2], [1 << INIT_FLAGS.asyncRead, 0]);
  assert.deepEqual(agreement!.flags, ["asyncRead"]);
});

Deno.test("init: the second word of flags counts only with the extension", () => {
  const extension = 2 ** INIT_FLAGS.initExtension;
  assert.equal(answer({ flags: ALL - extension, flags2: ALL }).out.flags2, 0);
  assert.notEqual(answer({ flags: extension, flags2: ALL }).out.flags2, 0);
});

Deno.test("init: access control lists only where the file system has them", () => {
  const { out } = answer({ flags: ALL }, { accessControlLists: true });
  assert.equal(out.flags >>> INIT_FLAGS.posixAcl & 1, 1);
});

Deno.test("init: a kernel before flags2 sends a shorter request, and is understood", () => {
  const { agreement } = answer({ minor: 31, flags: ALL, size: INIT_IN.at.flags2 });
  assert.equal(agreement!.minor, 31);
  assert.ok(!agreement!.flags.includes("hasResend"));
});

Deno.test("init: a newer minor version is met with ours", () => {
  assert.equal(answer({ minor: 99, flags: ALL }).agreement!.minor, MINOR_MAX);
});

Deno.test("init: a newer major version is told ours, and asks again", () => {
  const { agreement, refusal, length, out } = answer({ major: 8, minor: 0 });
  assert.deepEqual([agreement, refusal, length], [undefined, undefined, INIT_OUT.size]);
  assert.equal(out.major, 7);
});

Deno.test("init: older versions are refused with the reason", () => {
  for (const old of [{ minor: 30 }, { major: 6, minor: 40 }, { major: 0, minor: 0 }]) {
    assert.match(answer(old).refusal!, /at least 7\.31 is needed \(Linux 5\.4\)/);
  }
});
