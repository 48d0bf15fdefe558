/** Goal: failed calls become errors with the right POSIX name, a reason and advice. */

import assert from "node:assert/strict";
import { constants } from "node:os";
import { SystemError } from "../../../../lib/base/errors.ts";
import { CString } from "../../../../lib/linux/c_string.ts";
import { asSystemError, errnoOf, systemError } from "../../../../lib/linux/errno.ts";
import { AT_FDCWD, libc } from "../../../../lib/linux/libc.ts";

Deno.test("errno: numbers are those of the system", () => {
  const numbers = constants.errno as Readonly<Record<string, number>>;
  const names = [
    "ENOENT",
    "EINTR",
    "EPERM",
    "EACCES",
    "EEXIST",
    "ENOTDIR",
    "ENODATA",
    "EOPNOTSUPP",
  ];
  names.push("ELOOP", "ENOTEMPTY", "EISDIR", "ENOSPC", "EDQUOT", "EROFS", "EMFILE", "ENAMETOOLONG");
  for (const name of names) assert.equal(errnoOf(name), numbers[name], name);
  assert.throws(() => errnoOf("ENONSENSE"), RangeError);
});

Deno.test("systemError: takes the error of the call that just failed", () => {
  const name = new CString().of("/does/not\nexist");
  assert.equal(libc().openat(AT_FDCWD, name, 0, 0), -1);
  const error = systemError("open", "/does/not\nexist");
  assert.ok(error instanceof SystemError);
  assert.equal(error.message, "Cannot open /does/not\\x0aexist: it does not exist (ENOENT)");
  assert.deepEqual([error.errno, error.operation], ["ENOENT", "open"]);
});

Deno.test("systemError: says what to do where something can be done", () => {
  assert.match(systemError("write", "a", errnoOf("ENOSPC")).hint!, /Free some space/);
  assert.match(systemError("open", "a", errnoOf("EMFILE")).hint!, /ulimit/);
  assert.equal(systemError("open", "a", errnoOf("EACCES")).hint, undefined);
});

Deno.test("systemError: an unknown number is shown as a number", () => {
  assert.equal(
    systemError("open", "a", 9999).message,
    "Cannot open a: the system refused (errno 9999)",
  );
});

Deno.test("asSystemError: Deno's own errors become ours; what has no number stays", async () => {
  const error = await Deno.stat("/does/not/exist").catch((error) => error);
  const ours = asSystemError("read", "x", error);
  assert.ok(ours instanceof SystemError);
  assert.equal(ours.errno, "ENOENT");
  for (const other of [new Error("other"), "text", undefined, { code: "ENOENT" }]) {
    assert.equal(asSystemError("read", "x", other), other);
  }
});
