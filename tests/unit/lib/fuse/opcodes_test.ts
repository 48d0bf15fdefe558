/** Goal: the table of requests is the header's. */

import assert from "node:assert/strict";
import {
  OPCODE_LIMIT,
  OPCODE_NUMBERS,
  OPCODES,
  UNKNOWN_OPCODE,
} from "../../../../lib/fuse/opcodes.ts";
import { ENOSYS, EROFS } from "../../../../lib/linux/errno.ts";
import { requiringTest } from "../../../helpers/require.ts";

Deno.test("opcodes: each has a handler or an error, and none two", () => {
  for (const { name, handler, error } of Object.values(OPCODES)) {
    assert.ok((handler === undefined) !== (error === undefined), name);
  }
});

Deno.test("opcodes: numbers fit the tables that are indexed by them, and names are unique", () => {
  assert.ok(Object.keys(OPCODES).every((number) => Number(number) < OPCODE_LIMIT));
  assert.equal(OPCODE_NUMBERS.size, Object.keys(OPCODES).length);
  assert.equal(OPCODE_NUMBERS.get("READDIRPLUS"), 44);
});

Deno.test("opcodes: what writes is refused as on any read-only file system", () => {
  const writers = ["SETATTR", "MKDIR", "UNLINK", "RENAME2", "WRITE", "SETXATTR", "CREATE"];
  for (const name of writers) assert.equal(OPCODES[OPCODE_NUMBERS.get(name)!]!.error, EROFS, name);
  assert.equal(UNKNOWN_OPCODE.error, ENOSYS);
});

const HEADER = "/usr/include/linux/fuse.h";

requiringTest(
  ["fuse.h"],
  "opcodes: names and numbers are those of the system's header",
  async () => {
    const text = await Deno.readTextFile(HEADER);
    const found = [...text.matchAll(/^\tFUSE_([A-Z_0-9]+)\s*= (\d+),/gm)]
      .map(([, name, number]) => [name!, Number(number)] as const)
      .filter(([name]) => !/^NOTIFY_(?!REPLY)|BSWAP|MAX/.test(name));
    assert.ok(found.length > 40);
    for (const [name, number] of found) assert.equal(OPCODES[number]?.name, name);
  },
);
