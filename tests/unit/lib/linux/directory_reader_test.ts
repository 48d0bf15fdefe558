/** Goal: every name in a directory, once, byte for byte. */

import assert from "node:assert/strict";
import { decodeByteString, encodeByteString } from "../../../../lib/base/byte_string.ts";
import { CString } from "../../../../lib/linux/c_string.ts";
import { openRootDirectory } from "../../../../lib/linux/directory_cursor.ts";
import { DirectoryReader } from "../../../../lib/linux/directory_reader.ts";
import { libc, O_CREAT, O_WRONLY } from "../../../../lib/linux/libc.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";

function withNames(names: readonly string[]): string[] {
  using folder = new TempFolder();
  const fd = openRootDirectory(folder.path);
  try {
    for (const name of names) {
      const file = libc().openat(fd, new CString().of(name), O_CREAT | O_WRONLY, 0o600);
      assert.ok(file >= 0, name);
      libc().close(file);
    }
    return new DirectoryReader().names(fd, folder.path).sort();
  } finally {
    libc().close(fd);
  }
}

Deno.test("DirectoryReader: an empty directory has no names, not even . and ..", () => {
  assert.deepEqual(withNames([]), []);
});

Deno.test("DirectoryReader: odd names come as they are", () => {
  const names = [
    "...",
    ".hidden",
    "new\nline",
    "\x1b[31m",
    "-rf",
    "é",
    "😀",
    decodeByteString(Uint8Array.of(0xff, 0xfe)),
    "x".repeat(255),
    decodeByteString(new Uint8Array(255).fill(0x80)),
    " ",
  ];
  assert.deepEqual(withNames(names), names.toSorted());
});

Deno.test("DirectoryReader: more names than one call gives are all there", () => {
  // 1,500 records of 264 bytes and more exceed the buffer of 256 KiB.
  const names = Array.from({ length: 1500 }, (_, i) => `${i}-`.padEnd(240, "n"));
  assert.deepEqual(withNames(names), names.toSorted());
  assert.ok(names.every((name) => encodeByteString(name).length === 240));
});

Deno.test("DirectoryReader: what is no open directory is a SystemError with its path", () => {
  assert.throws(() => new DirectoryReader().names(-1, "some/path"), {
    errno: "EBADF",
    path: "some/path",
  });
});
