/** Goal: the constants are this system's, and calls report their errors. */

import assert from "node:assert/strict";
import * as constants from "../../../../lib/linux/libc.ts";
import { AT_FDCWD, errno, libc } from "../../../../lib/linux/libc.ts";
import { requiringTest } from "../../../helpers/require.ts";

requiringTest(["python3"], "libc: flags have the values that Python's os module has", () => {
  const names = Object.keys(constants).filter((name) => /^(O|SEEK)_/.test(name));
  assert.ok(names.length >= 10);
  const script = "import os, sys\nfor name in sys.argv[1:]: print(getattr(os, name))";
  const { stdout } = new Deno.Command("python3", { args: ["-c", script, ...names] }).outputSync();
  const values = new TextDecoder().decode(stdout).trim().split("\n").map(Number);
  const table = constants as unknown as Readonly<Record<string, unknown>>;
  assert.deepEqual(Object.fromEntries(names.map((name) => [name, table[name]])), {
    ...Object.fromEntries(names.map((name, i) => [name, values[i]])),
  });
});

Deno.test("libc: a call that fails gives -1 and its number", () => {
  assert.equal(libc().close(-1), -1);
  assert.equal(errno(), 9);
  assert.equal(libc().openat(AT_FDCWD, new TextEncoder().encode("/does/not/exist\0"), 0, 0), -1);
  assert.equal(errno(), 2);
});

Deno.test("libc: positions beyond 4 GiB are passed on exactly", () => {
  const path = Deno.makeTempFileSync();
  try {
    const fd = libc().openat(
      AT_FDCWD,
      new TextEncoder().encode(`${path}\0`),
      constants.O_WRONLY,
      0,
    );
    const offset = 5 * 2 ** 30 + 1;
    assert.equal(libc().pwrite(fd, new Uint8Array([7]), 1, offset), 1);
    assert.equal(Number(libc().lseek(fd, 0, constants.SEEK_HOLE)), 0);
    assert.ok(Number(libc().lseek(fd, 0, constants.SEEK_DATA)) > 4 * 2 ** 30);
    libc().close(fd);
    assert.equal(Deno.statSync(path).size, offset + 1);
  } finally {
    Deno.removeSync(path);
  }
});
