/** Goal: a trace says what was asked and what came back, and reads any bytes. */

import assert from "node:assert/strict";
import { OPCODES } from "../../../../lib/fuse/opcodes.ts";
import {
  TRACE_LEGEND,
  traceLateReply,
  traceReply,
  traceRequest,
} from "../../../../lib/fuse/trace.ts";
import {
  BATCH_FORGET_IN,
  FORGET_IN,
  GETATTR_IN,
  GETXATTR_IN,
  INIT_IN,
  INTERRUPT_IN,
  LSEEK_IN,
  READ_IN,
} from "../../../../lib/fuse/wire_structs.ts";
import { MemoryFileSystem } from "../../../helpers/memory_file_system.ts";
import { bytesOf, Conversation, nameOf, requestOf } from "./fuse_requests.ts";

const TREE = { directories: 1, filesEach: 1, fileSize: 9, many: 3, largeSize: 5000 };
const fileSystem = new MemoryFileSystem(TREE);
const kernel = new Conversation(fileSystem);

/** Both lines, without the number of the request. */
function trace(name: string, path: string, ...body: Uint8Array[]): string[] {
  const request = requestOf(name, fileSystem.inoOf(path)!, ...body);
  kernel.dispatcher.request.set(request);
  const size = kernel.dispatcher.dispatch(request.length);
  const lines = [traceRequest(request)];
  if (size > 0) lines.push(traceReply(request, kernel.dispatcher.reply.subarray(0, size)));
  return lines.map((line) => line.replace(/^(.) \d+ /, "$1 "));
}

Deno.test("trace: requests and their replies", () => {
  const link = fileSystem.inoOf("odd/link")!;
  const large = fileSystem.inoOf("large")!;
  const cases: [string[], string[]][] = [
    [
      trace("LOOKUP", "odd", nameOf("link")),
      [
        `→ LOOKUP of ${fileSystem.inoOf("odd")}, "link" [9, 7]`,
        `← inode ${link}, mode 120777, size 6`,
      ],
    ],
    [trace("LOOKUP", "", nameOf("a\nb")), ['→ LOOKUP of 1, "a\\x0ab" [9, 7]', "← no such name"]],
    [trace("GETATTR", "", bytesOf(GETATTR_IN, {})), [
      "→ GETATTR of 1 [9, 7]",
      "← inode 1, mode 40755, size 0",
    ]],
    [trace("READLINK", "odd/link"), [`→ READLINK of ${link} [9, 7]`, "← linked"]],
    [trace("READ", "large", bytesOf(READ_IN, { offset: 4000n, size: 4096 })), [
      `→ READ of ${large}, 4096 from 4000 [9, 7]`,
      "← 1000 bytes",
    ]],
    [trace("READDIRPLUS", "many", bytesOf(READ_IN, { size: 4096 })), [
      `→ READDIRPLUS of ${fileSystem.inoOf("many")}, 4096 from 0 [9, 7]`,
      "← 5 entries",
    ]],
    [trace("READDIR", "many", bytesOf(READ_IN, { offset: 3n, size: 4096 })), [
      `→ READDIR of ${fileSystem.inoOf("many")}, 4096 from 3 [9, 7]`,
      "← 2 entries",
    ]],
    [trace("GETXATTR", "", bytesOf(GETXATTR_IN, { size: 9 }), nameOf("user.x")), [
      '→ GETXATTR of 1, "user.x" up to 9 [9, 7]',
      "← ENODATA",
    ]],
    [trace("LISTXATTR", "", bytesOf(GETXATTR_IN, {})), [
      "→ LISTXATTR of 1, up to 0 [9, 7]",
      "← 8 bytes",
    ]],
    [trace("LSEEK", "sparse", bytesOf(LSEEK_IN, { whence: 4 })), [
      `→ LSEEK of ${fileSystem.inoOf("sparse")}, hole from 0 [9, 7]`,
      `← ${2 ** 20}`,
    ]],
    [trace("INIT", "", bytesOf(INIT_IN, { major: 7, minor: 40, flags: 1 })), [
      "→ INIT of 1, version 7.40 [9, 7]",
      "← version 7.45, flags 0x1 0x0",
    ]],
    [trace("FORGET", "", bytesOf(FORGET_IN, { nlookup: 3n })), [
      "→ FORGET of 1, 3 references [9, 7]",
    ]],
    [trace("BATCH_FORGET", "", bytesOf(BATCH_FORGET_IN, { count: 0 })), [
      "→ BATCH_FORGET of 1, 0 inodes [9, 7]",
    ]],
    [trace("INTERRUPT", "", bytesOf(INTERRUPT_IN, { unique: 12n })), [
      "→ INTERRUPT of 1, request 12 [9, 7]",
    ]],
    [trace("DESTROY", ""), ["→ DESTROY of 1 [9, 7]", "← done"]],
    [trace("MKDIR", "", new Uint8Array(8)), ["→ MKDIR of 1 [9, 7]", "← EROFS"]],
    [trace("60", ""), ["→ opcode 60 of 1 [9, 7]", "← ENOSYS"]],
  ];
  for (const [lines, expected] of cases) assert.deepEqual(lines, expected);
});

Deno.test("trace: bytes that end anywhere make a line all the same", () => {
  for (const { name } of Object.values(OPCODES)) {
    const request = requestOf(name, 1, new Uint8Array(80));
    for (let length = 0; length <= request.length; length++) {
      const cut = request.subarray(0, length);
      assert.match(traceRequest(cut), /^→ /);
      for (const size of [0, 15, 16, 20, 60, 200]) {
        assert.match(traceReply(cut, new Uint8Array(size)), /^← /);
      }
    }
  }
});

Deno.test("trace: the legend says what the signs of a line mean", () => {
  assert.ok(TRACE_LEGEND.split("\n").slice(0, -1).every((line) => line.startsWith("# ")));
  for (const sign of ["→", "←", "INTERRUPT"]) assert.ok(TRACE_LEGEND.includes(sign));
});

Deno.test("trace: a late reply has the number of its request", () => {
  assert.equal(traceLateReply(4, 1, { length: 4096 }), "← 4294967300 4096 bytes, late");
  assert.equal(traceLateReply(0xffff_fffe, 0, { error: 5 }), "← 4294967294 EIO, late");
});
