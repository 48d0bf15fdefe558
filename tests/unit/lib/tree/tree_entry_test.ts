/** Goal: modes name their kinds, and device numbers are those of glibc. */

import assert from "node:assert/strict";
import {
  FILE_TYPE_MASK,
  kindOfMode,
  makeDevice,
  modeOfKind,
  PERMISSION_MASK,
  splitDevice,
} from "../../../../lib/tree/tree_entry.ts";
import { requiringTest } from "../../../helpers/require.ts";

Deno.test("kindOfMode: tells the kinds of what lies in /dev and /, whatever the permissions", () => {
  const there = (path: string): string | undefined => kindOfMode(Deno.lstatSync(path).mode!);
  assert.equal(there("/dev/null"), "char-device");
  assert.equal(there("/"), "directory");
  assert.equal(there("/proc/self"), "symlink");
  assert.equal(there("/proc/version"), "file");
});

Deno.test("kindOfMode: each kind comes back from its bits, and other bits are none", () => {
  // S_IFMT values of inode(7).
  const bits = {
    "fifo": 0o010000,
    "char-device": 0o020000,
    "directory": 0o040000,
    "block-device": 0o060000,
    "file": 0o100000,
    "symlink": 0o120000,
    "socket": 0o140000,
  } as const;
  for (const [kind, mode] of Object.entries(bits)) {
    assert.equal(kindOfMode(mode), kind);
    assert.equal(kindOfMode(mode | 0o7777), kind);
    assert.equal(modeOfKind(kind as keyof typeof bits), mode);
  }
  for (const mode of [0, 0o644, 0o030000, 0o160000, 0o170000]) {
    assert.equal(kindOfMode(mode), undefined, mode.toString(8));
  }
  assert.equal(FILE_TYPE_MASK & PERMISSION_MASK, 0);
});

const NUMBERS = [0, 1, 2, 7, 255, 256, 257, 4095, 4096, 65535, 0xf_ffff, 0x10_0000, 0x7fff_ffff];

requiringTest(["python3"], "makeDevice: makes what os.makedev makes", () => {
  const pairs = NUMBERS.flatMap((major) => NUMBERS.map((minor) => [major, minor] as const))
    // A JavaScript number holds device numbers below 2⁵³: all that Linux has (12 and 20 bits).
    .filter(([major]) => major < 2 ** 20);
  const script =
    "import os, sys\nfor pair in sys.argv[1:]: print(os.makedev(*map(int, pair.split(','))))";
  const args = ["-c", script, ...pairs.map((pair) => pair.join())];
  const { stdout } = new Deno.Command("python3", { args }).outputSync();
  const expected = new TextDecoder().decode(stdout).trim().split("\n").map(Number);
  assert.deepEqual(pairs.map(([major, minor]) => makeDevice(major, minor)), expected);
});

Deno.test("splitDevice: gives back what makeDevice was given", () => {
  for (const major of NUMBERS.filter((number) => number < 2 ** 20)) {
    for (const minor of NUMBERS) {
      assert.deepEqual(splitDevice(makeDevice(major, minor)), { major, minor });
    }
  }
});
