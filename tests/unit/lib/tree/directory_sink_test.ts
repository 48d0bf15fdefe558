/** Goal: entries get exactly what the tree says, inside the root only, and what cannot be kept is told. */

import assert from "node:assert/strict";
import { openRootDirectory } from "../../../../lib/linux/directory_cursor.ts";
import { libc } from "../../../../lib/linux/libc.ts";
import { DirectorySink } from "../../../../lib/tree/directory_sink.ts";
import type { EntryMetadata } from "../../../../lib/tree/tree_entry.ts";
import { openDescriptors } from "../../../helpers/open_descriptors.ts";
import { requiringTest } from "../../../helpers/require.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";

const text = (content: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(content);

function metadata(mode: number, changes: Partial<EntryMetadata> = {}): EntryMetadata {
  const owner = { uid: Deno.uid()!, gid: Deno.gid()! };
  return { mode, ...owner, size: 0, mtime: 1000, mtimeNsec: 0, rdev: 0, ...changes };
}

/** Runs `use` with a sink into a folder, gives what was lost, and asserts that nothing stays open. */
function withSink(
  use: (sink: DirectorySink, folder: TempFolder) => void,
  preserveOwnership = false,
): string[] {
  using folder = new TempFolder();
  const losses: string[] = [];
  const rootFd = openRootDirectory(folder.path);
  try {
    using sink = new DirectorySink(rootFd, {
      preserveOwnership,
      onLoss: (what, path) => losses.push(`${path}: ${what}`),
    });
    use(sink, folder);
  } finally {
    libc().close(rootFd);
  }
  return losses;
}

/** Makes a file with `content` and `mode`. */
function makeFile(sink: DirectorySink, path: string, content: string, finish: EntryMetadata): void {
  const slash = path.lastIndexOf("/");
  const [parent, name] = [path.slice(0, Math.max(0, slash)), path.slice(slash + 1)];
  const fd = sink.createFile(parent, name);
  try {
    sink.writeAt(fd, text(content), 0, path);
    sink.finishFile(fd, parent, name, finish);
  } finally {
    libc().close(fd);
  }
}

Deno.test("DirectorySink: files get content, mode and time; nobody else may look before", () => {
  const losses = withSink((sink, folder) => {
    sink.makeDirectory("", "d");
    assert.equal(Deno.statSync(folder.file("d")).mode! & 0o7777, 0o700);
    const fd = sink.createFile("d", "file");
    assert.equal(Deno.statSync(folder.file("d/file")).mode! & 0o7777, 0o600);
    sink.writeAt(fd, text("end"), 100, "d/file");
    sink.writeAt(fd, text("begin"), 0, "d/file");
    sink.setSize(fd, 200, "d/file");
    sink.finishFile(fd, "d", "file", metadata(0o100444, { mtime: -7, mtimeNsec: 500_000_000 }));
    libc().close(fd);
    const status = Deno.statSync(folder.file("d/file"));
    assert.deepEqual([status.mode! & 0o7777, status.size, status.mtime!.getTime()], [
      0o444,
      200,
      -6500,
    ]);
    const content = Deno.readFileSync(folder.file("d/file"));
    assert.deepEqual(content.subarray(0, 5), text("begin"));
    assert.deepEqual(content.subarray(100, 103), text("end"));
    assert.equal(openDescriptors(folder.path), 2);
  });
  assert.deepEqual(losses, []);
});

Deno.test("DirectorySink: times beyond 2038 and 2106 are kept", () => {
  withSink((sink, folder) => {
    for (const mtime of [0x8000_0000, 0x1_0000_0001]) {
      makeFile(sink, `${mtime}`, "", metadata(0o100600, { mtime }));
      assert.equal(Deno.statSync(folder.file(`${mtime}`)).mtime!.getTime(), mtime * 1000);
    }
  });
});

Deno.test("DirectorySink: nothing is written through a link, neither on the way nor at its end", () => {
  withSink((sink, folder) => {
    using outside = new TempFolder();
    Deno.writeTextFileSync(outside.file("victim"), "safe");
    Deno.symlinkSync(outside.path, folder.file("out"));
    Deno.symlinkSync(outside.file("victim"), folder.file("file"));
    Deno.symlinkSync(outside.file("new"), folder.file("dangling"));
    const tries: readonly (() => void)[] = [
      () => sink.createFile("out", "a"),
      () => sink.openFile("out", "victim"),
      () => sink.makeDirectory("out", "d"),
      () => sink.createFile("", "file"),
      () => sink.openFile("", "file"),
      () => sink.openFile("", "dangling"),
      () => sink.createFile("", "dangling"),
      () => sink.makeHardLink("out", "x", "", "file"),
      () => sink.removeFile("out", "victim"),
    ];
    for (const attempt of tries) assert.throws(attempt, { code: "system" });
    assert.deepEqual(outside.names(), ["victim"]);
    assert.equal(Deno.readTextFileSync(outside.file("victim")), "safe");
  });
});

Deno.test("DirectorySink: what exists is not made again", () => {
  withSink((sink, folder) => {
    Deno.writeTextFileSync(folder.file("file"), "first");
    assert.throws(() => sink.createFile("", "file"), { errno: "EEXIST", path: "file" });
    assert.throws(() => sink.makeDirectory("", "file"), { errno: "EEXIST" });
    assert.equal(Deno.readTextFileSync(folder.file("file")), "first");
    const fd = sink.openFile("", "file");
    sink.writeAt(fd, text("FI"), 0, "file");
    libc().close(fd);
    assert.equal(Deno.readTextFileSync(folder.file("file")), "FIrst");
    sink.removeFile("", "file");
    sink.removeFile("", "file");
    assert.deepEqual(folder.names(), []);
  });
});

Deno.test("DirectorySink: hard links are the same inode, in any two directories", () => {
  withSink((sink, folder) => {
    sink.makeDirectory("", "a");
    sink.makeDirectory("", "b");
    makeFile(sink, "a/one", "x", metadata(0o100644));
    sink.makeHardLink("b", "two", "a", "one");
    sink.makeHardLink("", "three", "b", "two");
    const inodes = ["a/one", "b/two", "three"].map((path) => Deno.statSync(folder.file(path)).ino);
    assert.equal(new Set(inodes).size, 1);
    assert.throws(() => sink.makeHardLink("", "four", "a", "none"), { errno: "ENOENT" });
  });
});

Deno.test("DirectorySink: setuid and setgid of another owner go where owners are not restored", () => {
  const losses = withSink((sink, folder) => {
    const mine = metadata(0o106755);
    const others = metadata(0o106755, { uid: 12345, gid: 12345 });
    makeFile(sink, "mine", "", mine);
    makeFile(sink, "others", "", others);
    assert.equal(Deno.statSync(folder.file("mine")).mode! & 0o7777, 0o6755);
    assert.equal(Deno.statSync(folder.file("others")).mode! & 0o7777, 0o755);
    assert.equal(Deno.statSync(folder.file("others")).uid, Deno.uid());
  });
  assert.deepEqual(losses, [
    "others: setuid bit, because the owner is not restored",
    "others: setgid bit, because the group is not restored",
  ]);
});

requiringTest(
  ["root"],
  "DirectorySink: owners come back where that is asked, and so do setuid bits",
  () => {
    const losses = withSink((sink, folder) => {
      makeFile(sink, "file", "", metadata(0o104755, { uid: 12345, gid: 54321 }));
      const { uid, gid, mode } = Deno.statSync(folder.file("file"));
      assert.deepEqual([uid, gid, mode! & 0o7777], [12345, 54321, 0o4755]);
    }, true);
    assert.deepEqual(losses, []);
  },
);

Deno.test("DirectorySink: attributes that the system refuses are told, and the rest is done", () => {
  const losses = withSink((sink, folder) => {
    const fd = sink.createFile("", "file");
    const xattrs = new Map([["nonsense.name", new Uint8Array([1])]]);
    sink.finishFile(fd, "", "file", metadata(0o100640), xattrs);
    libc().close(fd);
    const { mode, mtime } = Deno.statSync(folder.file("file"));
    assert.deepEqual([mode! & 0o7777, mtime!.getTime()], [0o640, 1_000_000]);
  });
  assert.deepEqual(losses, ["file: extended attribute nonsense.name"]);
});
