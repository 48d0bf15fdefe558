/**
 * Goal: programs see through a real mount what the file system has, and nothing of a mount is left
 * afterwards. Method: a tree in memory, the kernel of this machine, and the programs that people use.
 *
 * @module
 */

import assert from "node:assert/strict";
import { closeDescriptor } from "../../lib/fuse/device_file.ts";
import { setReadAhead } from "../../lib/fuse/kernel_tuning.ts";
import { LateReplies } from "../../lib/fuse/late_reply.ts";
import { mountDevice } from "../../lib/fuse/kernel_device.ts";
import { findMount } from "../../lib/fuse/mount_table.ts";
import { notifyEntryChanged, notifyInodeChanged } from "../../lib/fuse/notify.ts";
import { OPCODE_NUMBERS } from "../../lib/fuse/opcodes.ts";
import { ContentPusher } from "../../lib/fuse/push_content.ts";
import { unmount } from "../../lib/fuse/unmount.ts";
import { EINTR } from "../../lib/linux/errno.ts";
import { fillContent, MemoryFileSystem, MTIME } from "../helpers/memory_file_system.ts";
import { MemoryMount } from "../helpers/memory_mount.ts";
import { requiringTest } from "../helpers/require.ts";
import { TempFolder } from "../helpers/temp_folder.ts";
import { until } from "../helpers/until.ts";
import type { FuseWorkerMessage } from "../helpers/fuse_worker.ts";

const TREE = {
  directories: 20,
  filesEach: 30,
  fileSize: 10_000,
  many: 100_000,
  largeSize: 20_000_000,
};
const expected = new MemoryFileSystem(TREE);
const ino = (path: string): number => expected.inoOf(path)!;

/** For what does not need that many entries. */
const SMALL_TREE = { ...TREE, many: 1 };
const small = new MemoryFileSystem(SMALL_TREE);

function content(path: string, fileSystem = expected): Uint8Array {
  const ino = fileSystem.inoOf(path)!;
  const bytes = new Uint8Array(fileSystem.attributesOf(ino).size);
  fillContent(bytes, ino, 0);
  return bytes;
}

requiringTest(
  ["root", "fuse", "python3"],
  "fuse mount: everything is as it should be",
  async (t) => {
    using folder = new TempFolder();
    const target = folder.tree("mnt");
    await using mount = await MemoryMount.on(target, { tree: TREE, threads: 2 });

    await t.step("attributes", async () => {
      const format = "%i %f %s %h %u %g %Y %t %T";
      for (const path of ["", "large", "odd/device", "odd/linked", "odd/link", "odd/setuid"]) {
        const of = expected.attributesOf(ino(path));
        const device = path === "odd/device"
          ? `${(300).toString(16)} ${(70_000).toString(16)}`
          : "0 0";
        assert.equal(
          (await mount.run("stat", "-c", format, `./${path}`)).trim(),
          `${of.ino} ${of.mode.toString(16)} ${of.size} ${of.linkCount} 0 0 ${MTIME} ${device}`,
          path,
        );
      }
      assert.match(await mount.run("stat", "-c", "%y", "large"), /\.123456789 /);
    });

    await t.step("content", async () => {
      for (const path of ["large", "dir0007/file0003.txt", "odd/linked", "odd/linked again"]) {
        assert.ok(
          Buffer.compare(await Deno.readFile(`${target}/${path}`), content(path)) === 0,
          path,
        );
      }
      assert.equal(await mount.run("readlink", "odd/link"), "linked\n");
      assert.equal((await Deno.readLink(`${target}/odd/long link`)).length, 4095);
    });

    await t.step("names, holes and extended attributes, exactly", async () => {
      const script = `
import os, errno
odd = os.listdir(b"odd")
assert len(odd) == len(set(odd)) == 12, odd
assert b"not utf-8 \\xff\\x80" in odd and b"new\\nline" in odd and b"n" * 255 in odd
assert os.stat(b"odd/linked").st_ino == os.stat(b"odd/linked again").st_ino
assert os.getxattr("odd/with xattrs", "user.first") == b"value"
assert os.getxattr("odd/with xattrs", "user.empty") == b""
assert len(os.getxattr("odd/with xattrs", "user.long")) == 300
assert os.listxattr("odd/with xattrs") == ["user.first", "user.empty", "user.long"]
assert os.listxattr("large") == []
def fails(number, call, *arguments):
    try: call(*arguments)
    except OSError as error: assert error.errno == number, error
    else: raise AssertionError(call)
fails(errno.ENODATA, os.getxattr, "large", "user.absent")
fails(errno.ENOENT, os.stat, "absent")
fails(errno.ENOTDIR, os.stat, "large/x")
fails(errno.EROFS, open, "new", "w")
fails(errno.EROFS, open, "large", "r+")
fails(errno.EROFS, os.mkdir, "new")
fails(errno.EROFS, os.unlink, "large")
fails(errno.EROFS, os.setxattr, "large", "user.x", b"")
fails(errno.EIO, open("broken", "rb", 0).read)
mib = 1 << 20
fd = os.open("sparse", os.O_RDONLY)
at, parts = 0, []
while True:
    try: data = os.lseek(fd, at, os.SEEK_DATA)
    except OSError as error:
        assert error.errno == errno.ENXIO
        break
    at = os.lseek(fd, data, os.SEEK_HOLE)
    parts.append((data // mib, at // mib))
assert parts == [(0, 1), (2, 3), (4, 5), (6, 7)], parts
assert os.pread(fd, mib, mib) == bytes(mib)
fails(errno.ENXIO, os.lseek, fd, 8 * mib, os.SEEK_DATA)
st = os.statvfs(".")
assert st.f_bfree == 0 and st.f_files == ${expected.inodeCount}, st
`;
      await mount.run("python3", "-c", script);
    });

    await t.step("a directory of 100,000 entries, read by several programs at once", async () => {
      const listings = await Promise.all(
        Array.from({ length: 4 }, () => mount.run("ls", "-U", "-a", "many")),
      );
      for (const listing of listings) {
        const names = listing.trimEnd().split("\n");
        assert.equal(names.length, TREE.many + 2);
        assert.equal(new Set(names).size, names.length);
        assert.equal(names.at(-1), "entry-099999");
      }
      const warm = (await mount.run("ls", "-U", "many")).trimEnd().split("\n");
      assert.equal(warm.length, TREE.many);
    });

    await t.step("a directory stream that goes back and forth", async () => {
      const script = `
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
libc.opendir.restype = libc.readdir.restype = ctypes.c_void_p
for call in (libc.readdir, libc.telldir, libc.rewinddir): call.argtypes = [ctypes.c_void_p]
libc.telldir.restype = ctypes.c_long
libc.seekdir.argtypes = [ctypes.c_void_p, ctypes.c_long]
name = lambda entry: ctypes.string_at(entry + 19)
stream = libc.opendir(b"many")
seen = []
while (entry := libc.readdir(stream)): seen.append((name(entry), libc.telldir(stream)))
assert len(seen) == ${TREE.many + 2}
for at in (5, 99000, 0, 50001):
    libc.seekdir(stream, seen[at][1])
    assert name(libc.readdir(stream)) == seen[at + 1][0]
libc.rewinddir(stream)
assert name(libc.readdir(stream)) == seen[0][0]
`;
      await mount.run("python3", "-c", script);
    });

    await t.step("the kernel keeps what it has: a second look asks nothing", async () => {
      const look = () => mount.run("sh", "-c", "find dir* odd -ls; cat dir*/*; readlink odd/link");
      const first = await look();
      let asked = new Uint32Array();
      // A kernel that is short of memory may drop something, but not again and again.
      for (let attempt = 0; attempt < 5; attempt++) {
        const before = mount.counts();
        assert.equal(await look(), first);
        asked = mount.counts().map((count, opcode) => count - before[opcode]!);
        // It is never kept, and find(1) wants it of each directory.
        asked[OPCODE_NUMBERS.get("STATFS")!] = 0;
        if (asked.every((count) => count === 0)) break;
      }
      assert.deepEqual(asked, new Uint32Array(asked.length));
    });

    await t.step(
      "the table of mounts shows it, and the kernel can be told to read ahead",
      async () => {
        const entry = await mount.entry();
        assert.deepEqual(
          [entry.source, entry.userId, entry.allowsOthers],
          ["test source", 0, true],
        );
        for (const option of ["ro", "nosuid", "nodev"]) {
          assert.ok(
            entry.options.includes(option),
            option,
          );
        }
        assert.equal(await setReadAhead(entry.device, 1024), true);
        const path = `/sys/class/bdi/${entry.device}/read_ahead_kb`;
        assert.equal((await Deno.readTextFile(path)).trim(), "1024");
      },
    );

    await t.step("what the kernel keeps can be taken back", async () => {
      const fd = mount.descriptors[0]!;
      assert.equal(notifyInodeChanged(fd, ino("large")), "written");
      assert.equal(notifyEntryChanged(fd, 1, "large"), "written");
      assert.equal(notifyEntryChanged(fd, 1, "never looked for"), "not awaited");
      assert.ok(Buffer.compare(await Deno.readFile(`${target}/large`), content("large")) === 0);
    });
  },
);

requiringTest(["root", "fuse"], "fuse mount: late answers, from another thread", async (t) => {
  using folder = new TempFolder();
  const target = folder.tree("mnt");
  const waiting: { uniqueLow: number; uniqueHigh: number }[] = [];
  const interrupted: FuseWorkerMessage[] = [];
  await using mount = await MemoryMount.on(target, {
    tree: SMALL_TREE,
    leavesSlowReads: true,
    onMessage: (message) => {
      if (message.kind === "slow") waiting.push(message);
      if (message.kind === "interrupted") interrupted.push(message);
    },
  });
  const fd = mount.descriptors[0]!;
  const replies = new LateReplies();

  await t.step("a read waits, and others do not wait for it", async () => {
    const reading = mount.run("sh", "-c", "wc -c < slow");
    await until(() => waiting.length > 0);
    assert.equal((await mount.run("ls", "many")).trim(), "entry-000000");
    const { uniqueLow, uniqueHigh } = waiting.shift()!;
    replies.content.fill(65, 0, 4096);
    assert.equal(replies.answer(fd, uniqueLow, uniqueHigh, 4096), "written");
    assert.equal((await reading).trim(), "4096");
    assert.equal(replies.answer(fd, uniqueLow, uniqueHigh, 4096), "not awaited");
  });

  await t.step("whoever waits can be killed", async () => {
    notifyInodeChanged(fd, small.inoOf("slow")!);
    const reader = new Deno.Command("dd", {
      args: ["if=slow", "iflag=direct", "bs=4096", "status=none"],
      cwd: target,
      stdout: "null",
    }).spawn();
    await until(() => waiting.length > 0);
    reader.kill("SIGKILL");
    await until(() => interrupted.length > 0);
    const { uniqueLow, uniqueHigh } = waiting.shift()!;
    assert.deepEqual(interrupted, [{ kind: "interrupted", uniqueLow, uniqueHigh }]);
    replies.fail(fd, uniqueLow, uniqueHigh, EINTR);
    assert.equal((await reader.status).signal, "SIGKILL");
  });

  await t.step("an error is the reader's", async () => {
    notifyInodeChanged(fd, small.inoOf("slow")!);
    const reading = assert.rejects(mount.run("cat", "slow"), /Input\/output error/);
    const answering = (async () => {
      for (let count = 0; count < 2; count++) {
        await until(() => waiting.length > 0);
        const { uniqueLow, uniqueHigh } = waiting.shift()!;
        replies.fail(fd, uniqueLow, uniqueHigh, 5);
        if (count === 0) {
          // Read-ahead failed; the read itself may come again.
          await new Promise((resolve) => setTimeout(resolve, 200));
          if (waiting.length === 0) return;
        }
      }
    })();
    await Promise.all([reading, answering]);
  });
});

requiringTest(
  ["root", "fuse"],
  "fuse mount: content that was pushed is not asked for",
  async () => {
    using folder = new TempFolder();
    const target = folder.tree("mnt");
    await using mount = await MemoryMount.on(target, { tree: SMALL_TREE });
    const fd = mount.descriptors[0]!;
    const pusher = new ContentPusher();
    const path = "dir0003/file0004.txt";
    const number = small.inoOf(path)!;
    // Nobody has looked at it yet.
    assert.equal(pusher.push(fd, number, 0, TREE.fileSize), "not awaited");
    await mount.run("ls", "-l", "dir0003");
    const before = mount.counts()[OPCODE_NUMBERS.get("READ")!];
    pusher.content.set(content(path, small));
    assert.equal(pusher.push(fd, number, 0, TREE.fileSize), "written");
    assert.deepEqual(await Deno.readFile(`${target}/${path}`), content(path, small));
    assert.equal(mount.counts()[OPCODE_NUMBERS.get("READ")!], before);
  },
);

requiringTest(["root", "fuse"], "fuse mount: unmounting while it is used", async () => {
  using folder = new TempFolder();
  const target = folder.tree("mnt");
  await using mount = await MemoryMount.on(target, { tree: SMALL_TREE });
  const file = await Deno.open(`${target}/large`);
  assert.equal(await unmount(target), "busy");
  assert.equal(await unmount(target, { lazy: true }), "unmounted");
  // It is gone from the tree, and whoever has a file open reads on.
  assert.deepEqual(folder.names("mnt"), []);
  assert.equal(await unmount(target), "not mounted");
  const bytes = new Uint8Array(1000);
  await file.seek(1_000_000, Deno.SeekMode.Start);
  assert.equal(await file.read(bytes), 1000);
  assert.ok(Buffer.compare(bytes, content("large", small).subarray(1_000_000, 1_001_000)) === 0);
  file.close();
  assert.deepEqual(await mount.ended, ["unmounted"]);
});

requiringTest(["root", "fuse"], "fuse mount: options of root", async () => {
  using folder = new TempFolder();
  const target = folder.tree("mnt");
  const options = { source: "a, b", allowOther: false, setuid: true, devices: true };
  await using mount = await MemoryMount.on(target, { tree: SMALL_TREE, mount: options });
  const entry = await mount.entry();
  assert.deepEqual([entry.source, entry.allowsOthers], ["a, b", false]);
  assert.ok(!entry.options.includes("nosuid") && !entry.options.includes("nodev"));
  assert.equal((await mount.run("wc", "-c", "large")).trim(), `${TREE.largeSize} large`);
  // Others are kept out altogether.
  const other = new Deno.Command("setpriv", {
    args: ["--reuid=65534", "--regid=65534", "--clear-groups", "ls", target],
    stdout: "null",
    stderr: "piped",
  });
  assert.match(text((await other.output()).stderr), /Permission denied/);
});

requiringTest(["root", "fuse"], "fuse mount: permissions count for other users", async () => {
  using folder = new TempFolder();
  await Deno.chmod(folder.path, 0o755);
  const target = folder.tree("mnt");
  await using mount = await MemoryMount.on(target, { tree: SMALL_TREE });
  const asNobody = async (path: string): Promise<string> => {
    const { success, stderr } = await new Deno.Command("setpriv", {
      args: ["--reuid=65534", "--regid=65534", "--clear-groups", "cat", `${target}/${path}`],
      stdout: "null",
    }).output();
    return success ? "read" : text(stderr);
  };
  assert.equal(await asNobody("dir0001/file0001.txt"), "read");
  assert.match(await asNobody("odd/private"), /Permission denied/);
  assert.match(await asNobody("odd/linked"), /Permission denied/);
  assert.equal(mount.counts()[OPCODE_NUMBERS.get("ACCESS")!], 0);
});

requiringTest(
  ["root", "fuse"],
  "fuse mount: a mount that nobody answers is removed all the same",
  async () => {
    using folder = new TempFolder();
    const target = folder.tree("mnt");
    const fd = await mountDevice(target, { source: "x" });
    assert.notEqual(await findMount(await Deno.realPath(folder.path) + "/mnt"), undefined);
    assert.equal(await unmount(target), "unmounted");
    closeDescriptor(fd);
    assert.equal(await findMount(await Deno.realPath(folder.path) + "/mnt"), undefined);
  },
);

function text(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}
