/** Goal: extended attributes of the entry itself, byte for byte, and errors as numbers. */

import assert from "node:assert/strict";
import { openRootDirectory } from "../../../../lib/linux/directory_cursor.ts";
import { EOPNOTSUPP, EPERM } from "../../../../lib/linux/errno.ts";
import { libc } from "../../../../lib/linux/libc.ts";
import { XattrAccess } from "../../../../lib/linux/xattr.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";
import { requiringTest } from "../../../helpers/require.ts";

/** Runs `use` with the call of Linux 6.13, where there is one, and without it. */
function withFolder(use: (folder: TempFolder, fd: number, access: XattrAccess) => void): void {
  for (const listAt of [true, false]) withAccess(new XattrAccess({ listAt }), use);
}

function withAccess(
  access: XattrAccess,
  use: (folder: TempFolder, fd: number, access: XattrAccess) => void,
): void {
  using folder = new TempFolder();
  const fd = openRootDirectory(folder.path);
  try {
    use(folder, fd, access);
  } finally {
    libc().close(fd);
  }
}

Deno.test("XattrAccess: attributes come back, sorted by name, or the system says it has none", () => {
  withFolder((folder, fd, access) => {
    Deno.writeTextFileSync(folder.file("file"), "");
    assert.equal(access.readAll(fd, "file"), undefined);
    const values: readonly [string, Uint8Array][] = [
      ["user.b", new Uint8Array([0, 255, 0])],
      ["user.a", new Uint8Array()],
      ["user.ü", new Uint8Array(1000).fill(7)],
    ];
    for (const [name, value] of values) {
      const number = access.write(fd, "file", name, value);
      if (number === EOPNOTSUPP) {
        assert.equal(access.readAll(fd, "file"), undefined);
        return;
      }
      assert.equal(number, 0, name);
    }
    const sorted = [values[1]!, values[0]!, values[2]!];
    assert.deepEqual([...access.readAll(fd, "file")!], sorted);
    // Written again: replaced.
    assert.equal(access.write(fd, "file", "user.a", new Uint8Array([1])), 0);
    assert.deepEqual(access.readAll(fd, "file")!.get("user.a"), new Uint8Array([1]));
  });
});

Deno.test("XattrAccess: a link's target is not touched and not read", () => {
  withFolder((folder, fd, access) => {
    Deno.writeTextFileSync(folder.file("file"), "");
    Deno.symlinkSync("file", folder.file("link"));
    access.write(fd, "file", "user.a", new Uint8Array([1]));
    assert.equal(access.readAll(fd, "link"), undefined);
    // Linux has no user.* attributes on links.
    assert.ok(access.write(fd, "link", "user.b", new Uint8Array([1])) > 0);
    assert.equal(access.readAll(fd, "file")?.has("user.b") ?? false, false);
  });
});

requiringTest(["root"], "XattrAccess: links have trusted attributes of their own", () => {
  withFolder((folder, fd, access) => {
    Deno.symlinkSync("nowhere", folder.file("link"));
    const number = access.write(fd, "link", "trusted.a", new Uint8Array([1]));
    if (number !== 0) {
      // A container's root may not set them, and not every file system has them.
      assert.ok(number === EPERM || number === EOPNOTSUPP, `${number}`);
      assert.equal(access.readAll(fd, "link"), undefined);
      return;
    }
    assert.deepEqual([...access.readAll(fd, "link")!], [["trusted.a", new Uint8Array([1])]]);
  });
});

Deno.test("XattrAccess: an entry that is not there is a SystemError; names too long a RangeError", () => {
  withFolder((_folder, fd, access) => {
    assert.throws(() => access.readAll(fd, "none"), { errno: "ENOENT" });
    assert.equal(access.write(fd, "none", "user.a", new Uint8Array()), 2);
    assert.throws(
      () => access.write(fd, "none", `user.${"ü".repeat(130)}`, new Uint8Array()),
      RangeError,
    );
  });
});
