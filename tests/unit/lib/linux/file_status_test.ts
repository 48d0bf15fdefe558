/** Goal: what statx says is what Deno and Python see, to the nanosecond. */

import assert from "node:assert/strict";
import { openRootDirectory } from "../../../../lib/linux/directory_cursor.ts";
import { FileStatus } from "../../../../lib/linux/file_status.ts";
import { libc } from "../../../../lib/linux/libc.ts";
import { requiringTest } from "../../../helpers/require.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";

Deno.test("FileStatus: agrees with Deno.lstat on files, directories, links and devices", () => {
  using folder = new TempFolder();
  Deno.writeTextFileSync(folder.file("file"), "twelve bytes");
  Deno.linkSync(folder.file("file"), folder.file("again"));
  Deno.chmodSync(folder.file("file"), 0o640);
  Deno.mkdirSync(folder.file("directory"), { mode: 0o711 });
  Deno.symlinkSync("file", folder.file("link"));
  const fd = openRootDirectory(folder.path);
  try {
    const status = new FileStatus();
    for (const name of ["file", "again", "directory", "link"]) {
      assert.ok(status.at(fd, name));
      const expected = Deno.lstatSync(folder.file(name));
      assert.deepEqual([
        status.mode,
        status.uid,
        status.gid,
        status.size,
        status.inode,
        status.linkCount,
        status.allocatedBytes,
        status.mtime,
        status.ctime,
      ], [
        expected.mode,
        expected.uid,
        expected.gid,
        expected.size,
        expected.ino,
        expected.nlink,
        expected.blocks! * 512,
        Math.floor(expected.mtime!.getTime() / 1000),
        Math.floor(expected.ctime!.getTime() / 1000),
      ], name);
    }
    assert.ok(status.of(fd));
    assert.equal(status.inode, Deno.statSync(folder.path).ino);
  } finally {
    libc().close(fd);
  }
});

Deno.test("FileStatus: says no where there is nothing", () => {
  const status = new FileStatus();
  assert.equal(status.of(-1), false);
  assert.equal(status.at(-1, "relative"), false);
});

Deno.test("FileStatus: tells the numbers of a device", () => {
  const fd = openRootDirectory("/dev");
  const status = new FileStatus();
  assert.ok(status.at(fd, "null"));
  libc().close(fd);
  assert.deepEqual([status.rdevMajor, status.rdevMinor], [1, 3]);
});

requiringTest(["python3"], "FileStatus: times are exact, before 1970 too", () => {
  using folder = new TempFolder();
  const times = [
    -1_500_000_001n,
    -1n,
    0n,
    1n,
    1_700_000_000_123_456_789n,
    4_294_967_296_000_000_001n,
  ];
  const script = `
import os, sys
for i, time in enumerate(sys.argv[2:]):
    path = f"{sys.argv[1]}/{i}"
    open(path, "w").close()
    os.utime(path, ns=(0, int(time)))
    print(os.lstat(path).st_mtime_ns, os.lstat(path).st_ctime_ns, os.lstat(path).st_dev)
`;
  const args = ["-c", script, folder.path, ...times.map(String)];
  const { stdout, success } = new Deno.Command("python3", { args }).outputSync();
  assert.ok(success);
  const lines = new TextDecoder().decode(stdout).trim().split("\n");
  const fd = openRootDirectory(folder.path);
  const status = new FileStatus();
  try {
    const devices = new Set<number>();
    lines.forEach((line, i) => {
      assert.ok(status.at(fd, `${i}`));
      const [mtime, ctime] = line.split(" ");
      const joined = (seconds: number, nanoseconds: number): string =>
        String(BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds));
      assert.equal(joined(status.mtime, status.mtimeNsec), mtime);
      assert.equal(joined(status.ctime, status.ctimeNsec), ctime);
      devices.add(status.device);
    });
    assert.equal(devices.size, 1);
  } finally {
    libc().close(fd);
  }
});
