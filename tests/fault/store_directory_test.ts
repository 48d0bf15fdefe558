/**
 * Goal: a directory that cannot do what it should gives the stated error, keeps what it had, and is
 * left without temporary files. Method: real small, read-only and forbidden file systems.
 */

import assert from "node:assert/strict";
import { StoreDeniedError, StoreUnavailableError } from "../../lib/base/errors.ts";
import { LocalBlocks } from "../../lib/store/local_blocks.ts";
import { randomBlock, testIdOf } from "../helpers/random_block.ts";

const isRoot = Deno.build.os === "linux" && Deno.uid() === 0;

function run(command: string, ...args: string[]): boolean {
  return new Deno.Command(command, { args, stdout: "null", stderr: "inherit" }).outputSync()
    .success;
}

/** Whether this process may mount: root, and not shut in a container without that right. */
function canMount(): boolean {
  if (!isRoot) return false;
  const path = Deno.makeTempDirSync();
  const mounted = run("mount", "-t", "tmpfs", "tmpfs", path);
  if (mounted) run("umount", path);
  Deno.removeSync(path);
  return mounted;
}

const mountable = canMount();
if (!mountable) {
  // deno-lint-ignore no-console -- the reason for skipping is for whoever runs the tests
  console.log("Skipped: tests of full and read-only disks, because mounting is not permitted here");
}

/** A test on a tmpfs of its own. */
function tmpfsTest(name: string, options: string, test: (path: string) => void): void {
  Deno.test({
    name: `directory store: ${name}`,
    ignore: !mountable,
    fn: () => {
      const path = Deno.makeTempDirSync();
      try {
        assert(run("mount", "-t", "tmpfs", "-o", options, "tmpfs", path));
        try {
          test(path);
        } finally {
          assert(run("umount", path));
        }
      } finally {
        Deno.removeSync(path);
      }
    },
  });
}

function folderTest(name: string, test: (path: string) => void): void {
  Deno.test(`directory store: ${name}`, () => {
    const path = Deno.makeTempDirSync();
    try {
      test(path);
    } finally {
      Deno.removeSync(path, { recursive: true });
    }
  });
}

function blocksIn(path: string): LocalBlocks {
  return new LocalBlocks({ directories: [{ start: 0, end: 255, path }] });
}

function temporaryFiles(path: string): string[] {
  return [...Deno.readDirSync(path)].filter((entry) => entry.isDirectory)
    .flatMap((entry) => [...Deno.readDirSync(`${path}/${entry.name}`)])
    .map((entry) => entry.name).filter((name) => name.startsWith("."));
}

/** Puts blocks until one fails; returns those that were stored, and the error. */
function fill(blocks: LocalBlocks, size: number): { ids: Set<string>; error: unknown } {
  const ids = new Set<string>();
  for (let count = 0; count < 1000; count++) {
    const { id, block } = randomBlock(size);
    try {
      blocks.put(id, block);
    } catch (error) {
      return { ids, error };
    }
    ids.add(id);
  }
  throw new Error("the disk did not fill");
}

for (
  const [what, options, size] of [["space", "size=1m", 60_000], [
    "inodes",
    "nr_inodes=20",
    10,
  ]] as const
) {
  tmpfsTest(`a disk without ${what} left is named, and keeps what it has`, options, (path) => {
    const blocks = blocksIn(path);
    const { ids, error } = fill(blocks, size);
    assert(error instanceof StoreUnavailableError, String(error));
    assert.equal(error.store, `dir://${path}`);
    assert.match(error.message, /^Cannot store block [0-9a-f]{64} in dir:.*ENOSPC/);
    assert.match(error.hint!, /space/);
    assert.deepEqual(temporaryFiles(path), []);
    assert.deepEqual(new Set(blocks.list()), ids);
    for (const id of blocks.list()) assert.equal(testIdOf(blocks.get(id)), id);
    // Room again: the store goes on.
    for (const id of [...blocks.list()].slice(0, 3)) {
      blocks.delete(id);
      const again = randomBlock(size, Number.parseInt(id.slice(0, 2), 16));
      assert.equal(blocks.put(again.id, again.block), "stored");
    }
  });
}

tmpfsTest("a read-only file system denies puts and gives what it has", "size=1m", (path) => {
  const blocks = blocksIn(path);
  const { id, block } = randomBlock(1000);
  blocks.put(id, block);
  assert(run("mount", "-o", "remount,ro", path));
  const other = randomBlock(1000);
  assert.throws(() => blocks.put(other.id, other.block), (error) => {
    assert(error instanceof StoreDeniedError, String(error));
    assert.match(error.message, /EROFS/);
    return true;
  });
  assert.throws(() => blocks.delete(id), StoreDeniedError);
  assert.equal(blocks.put(id, block), "present");
  assert.deepEqual(blocks.get(id), block);
});

/** Does something with the file access of another user, where this process is root. */
function asNobody(task: () => void): void {
  if (!isRoot) return task();
  // setfsuid(2) changes one thread only, and all these calls are made on this one. Leaving user 0
  // also gives up root's right to pass over permissions.
  const library = Deno.dlopen("libc.so.6", {
    setfsuid: { parameters: ["u32"], result: "i32" },
  });
  try {
    library.symbols.setfsuid(65534);
    task();
  } finally {
    library.symbols.setfsuid(0);
    library.close();
  }
}

folderTest("a directory that may not be written denies puts and gives what it has", (path) => {
  Deno.chmodSync(path, 0o755);
  const blocks = blocksIn(path);
  const { id, block } = randomBlock(1000, 0x11);
  blocks.put(id, block);
  const sameSubdirectory = randomBlock(1000, 0x11);
  const newSubdirectory = randomBlock(1000, 0x22);
  Deno.chmodSync(path, 0o555);
  Deno.chmodSync(`${path}/11`, 0o555);
  asNobody(() => {
    assert.deepEqual(blocks.get(id), block);
    assert.equal(blocks.put(id, block), "present");
    for (const other of [sameSubdirectory, newSubdirectory]) {
      assert.throws(() => blocks.put(other.id, other.block), (error) => {
        assert(error instanceof StoreDeniedError, String(error));
        assert.match(error.message, /EACCES/);
        assert.match(error.hint!, /permissions/);
        return true;
      });
    }
    assert.throws(() => blocks.delete(id), StoreDeniedError);
  });
  Deno.chmodSync(path, 0o755);
  Deno.chmodSync(`${path}/11`, 0o755);
});

folderTest("a directory that may not be searched is denied, not taken for empty", (path) => {
  Deno.chmodSync(path, 0o755);
  const blocks = blocksIn(path);
  const { id, block } = randomBlock(1000);
  blocks.put(id, block);
  const subdirectory = `${path}/${id.slice(0, 2)}`;
  for (const closed of [subdirectory, path]) {
    Deno.chmodSync(closed, 0o600);
    asNobody(() => {
      assert.throws(() => blocks.get(id), StoreDeniedError);
      assert.throws(() => blocks.has(id), StoreDeniedError);
      assert.throws(() => [...blocks.list()], StoreDeniedError);
    });
    Deno.chmodSync(closed, 0o755);
  }
  assert.deepEqual(blocks.get(id), block);
});

folderTest("a directory in the place of a block's file is named", (path) => {
  const { id, block } = randomBlock(1000);
  const place = `${path}/${id.slice(0, 2)}/${id}`;
  Deno.mkdirSync(place, { recursive: true });
  for (const content of [undefined, "file"]) {
    if (content !== undefined) Deno.writeTextFileSync(`${place}/${content}`, "");
    assert.throws(() => blocksIn(path).put(id, block), (error) => {
      assert(error instanceof StoreUnavailableError, String(error));
      assert.match(error.message, /EISDIR/);
      assert.match(error.hint!, /directory/);
      return true;
    });
    assert.deepEqual(temporaryFiles(path), []);
  }
});

folderTest("a file in the place of a subdirectory is named, not taken for empty", (path) => {
  const { id, block } = randomBlock(1000);
  Deno.writeTextFileSync(`${path}/${id.slice(0, 2)}`, "");
  const blocks = blocksIn(path);
  const calls = [
    () => blocks.put(id, block),
    () => blocks.get(id),
    () => blocks.has(id),
    () => [...blocks.list()],
  ];
  for (const call of calls) {
    assert.throws(call, (error) => {
      assert(error instanceof StoreUnavailableError, String(error));
      assert.match(error.message, /ENOTDIR/);
      return true;
    });
  }
});

folderTest("a directory that is taken away is not made again", (path) => {
  Deno.mkdirSync(`${path}/disk`);
  const blocks = blocksIn(`${path}/disk`);
  const { id, block } = randomBlock(1000);
  blocks.put(id, block);
  Deno.removeSync(`${path}/disk`, { recursive: true });
  assert.throws(() => blocks.put(id, block), StoreUnavailableError);
  assert.throws(() => blocks.get(id), StoreUnavailableError);
  assert.deepEqual([...Deno.readDirSync(path)], []);
});
