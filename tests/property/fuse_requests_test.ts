/**
 * Goal: nothing that comes from the device breaks the dispatcher or makes it say what the kernel
 * would not take. Method: random bytes, and requests that are nearly right; the seed is the name of
 * the step, and SEED repeats it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Dispatcher, REQUEST_SIZE_MAX } from "../../lib/fuse/dispatcher.ts";
import { OPCODES } from "../../lib/fuse/opcodes.ts";
import { traceReply, traceRequest } from "../../lib/fuse/trace.ts";
import { decodeStruct, encodeStruct, IN_HEADER, OUT_HEADER } from "../../lib/fuse/wire_structs.ts";
import { MemoryFileSystem } from "../helpers/memory_file_system.ts";
import { SeededRandom, takeSeed } from "../helpers/seeded_random.ts";

const TREE = { directories: 3, filesEach: 4, fileSize: 5000, many: 50, largeSize: 200_000 };
const ROUNDS = 4000;
const numbers = Object.keys(OPCODES).map(Number);

/** Offsets and numbers at which something may go wrong. */
const EDGES = [0n, 1n, 2n, 4096n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n];

function nearlyRight(random: SeededRandom): Uint8Array {
  const edge = (): bigint => EDGES[random.below(EDGES.length)]!;
  const request = new Uint8Array(IN_HEADER.size + random.below(120));
  const view = new DataView(request.buffer);
  for (let at = IN_HEADER.size; at + 8 <= request.length; at += 8) {
    view.setBigUint64(at, random.below(2) === 0 ? edge() : BigInt(random.below(10_000)), true);
  }
  encodeStruct(IN_HEADER, {
    len: random.below(20) === 0 ? random.below(200) : request.length,
    opcode: random.below(10) === 0 ? random.below(70) : numbers[random.below(numbers.length)]!,
    unique: BigInt(1 + random.below(2 ** 31)),
    nodeid: random.below(4) === 0 ? edge() : BigInt(random.below(100)),
  }, request);
  return request;
}

Deno.test("fuse requests: whatever comes is answered in the right form", async (t) => {
  const seed = takeSeed();
  await t.step(`SEED=${seed}`, () => {
    const random = new SeededRandom(seed);
    const faults: unknown[] = [];
    const dispatcher = new Dispatcher(new MemoryFileSystem(TREE), {
      onFault: (error) => faults.push(error),
    });
    let answered = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const request = random.below(3) === 0 ? random.bytes(random.below(300)) : nearlyRight(random);
      dispatcher.request.set(request);
      const size = dispatcher.dispatch(request.length);
      assert.match(traceRequest(request), /^→ /);
      if (size === 0) continue;
      answered++;
      const reply = dispatcher.reply.subarray(0, size);
      const { len, error, unique } = decodeStruct(OUT_HEADER, reply);
      assert.equal(len, size);
      assert.equal(unique, decodeStruct(IN_HEADER, request).unique);
      assert.ok(error <= 0 && error > -512, String(error));
      if (error !== 0) assert.equal(size, OUT_HEADER.size);
      assert.match(traceReply(request, reply), /^← /);
    }
    assert.ok(answered > ROUNDS / 3);
    // The only fault is the one that the file system has on purpose.
    assert.ok(faults.every((fault) => String(fault).includes("on purpose")), String(faults[0]));
  });
});

Deno.test("fuse requests: the largest request is as good as any", () => {
  const dispatcher = new Dispatcher(new MemoryFileSystem(TREE));
  dispatcher.request.fill(0x41);
  encodeStruct(
    IN_HEADER,
    { len: REQUEST_SIZE_MAX, opcode: 1, unique: 2n, nodeid: 1n },
    dispatcher.request,
  );
  const size = dispatcher.dispatch(REQUEST_SIZE_MAX);
  assert.equal(decodeStruct(OUT_HEADER, dispatcher.reply.subarray(0, size)).error, -22);
});
