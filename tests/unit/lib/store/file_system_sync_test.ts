/** Goal: the system call is made where it exists, and where it may not be made nothing asks for it. */

import assert from "node:assert/strict";
import { FileSystemSync } from "../../../../lib/store/file_system_sync.ts";

Deno.test({
  name: "FileSystemSync: is there on Linux and reports success on a healthy disk",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    assert.equal(FileSystemSync.isAvailable(), true);
    const path = await Deno.makeTempDir();
    try {
      using fileSystem = new FileSystemSync(path);
      await Deno.writeFile(`${path}/file`, new Uint8Array(1000));
      assert.equal(await fileSystem.sync(), true);
    } finally {
      await Deno.remove(path, { recursive: true });
    }
  },
});

Deno.test("FileSystemSync: opening what is missing throws", () => {
  assert.throws(() => new FileSystemSync("/nonexistent/folder"), { code: "ENOENT" });
});

Deno.test({
  name: "FileSystemSync: is not available, and does not prompt, without the permission",
  permissions: { ffi: false },
  fn: async () => {
    // A fresh module, for this one may have answered before the permission was taken away.
    const path = "../../../../lib/store/file_system_sync.ts?without-permission";
    const fresh: { FileSystemSync: typeof FileSystemSync } = await import(path);
    assert.equal(fresh.FileSystemSync.isAvailable(), false);
  },
});
