/**
 * Goal: programs see in a mounted image exactly what was packed, and a mount leaves nothing behind.
 * Method: real mounts, compared with the packed trees by rsync and our dump.
 */

import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { FlistReader } from "../../lib/flist/flist_reader.ts";
import { findMount } from "../../lib/fuse/mount_table.ts";
import { packDirectory } from "../../lib/image/pack.ts";
import { LocalBlocks } from "../../lib/store/local_blocks.ts";
import { type MountEvent, mountImage } from "../../lib/mount/mount_image.ts";
import { listMountedImages, unmountImage } from "../../lib/mount/mounts.ts";
import type { ImageMountCyclesReport } from "../helpers/image_mount_cycles.ts";
import { buildOddTree } from "../helpers/odd_tree.ts";
import { faultServer } from "../helpers/fault_server.ts";
import type { LostDeviceReport } from "../helpers/lost_device.ts";
import { requiringTest } from "../helpers/require.ts";
import { cutConnection } from "../helpers/cut_connection.ts";
import { runProgram, tryProgram } from "../helpers/run_program.ts";
import { TempFolder } from "../helpers/temp_folder.ts";
import { assertSameDump, dumpTree } from "../helpers/tree_dump.ts";

requiringTest(
  ["root", "fuse", "python3", "rsync"],
  "mount image: an odd tree is what was packed",
  async () => {
    using folder = new TempFolder();
    const source = folder.file("tree");
    buildOddTree(source);
    // Deeper than rsync can go.
    await Deno.remove(`${source}/deep`, { recursive: true }).catch(() =>
      runProgram("rm", "-rf", `${source}/deep`)
    );
    const meta = folder.file("a.fl");
    await packDirectory(source, { meta, store: `dir://${folder.file("blocks")}` });
    const target = folder.tree("mnt");
    const events: MountEvent[] = [];
    {
      await using mount = await mountImage(meta, target, {
        store: `dir://${folder.file("blocks")}`,
        onEvent: (event) => events.push(event),
      });
      assert.equal(mount.target, target);
      const changes = await runProgram(
        "rsync",
        "-aHAXn",
        "--checksum",
        // Our dump looks at the largest, and takes a fraction of the time.
        "--max-size=100m",
        "--itemize-changes",
        "--delete",
        `${source}/`,
        `${target}/`,
      );
      assert.equal(changes, "");
      assertSameDump(dumpTree(target), dumpTree(source));
      // The threads read directories of this machine by themselves.
      assert.equal(mount.statistics().readsWaited, 0);
      const [mounted] = (await listMountedImages()).filter((each) => each.target === target);
      assert.deepEqual(mounted, {
        target,
        meta,
        userId: 0,
        allowsOthers: true,
        state: "alive",
        upper: undefined,
        pid: Deno.pid,
        status: JSON.parse(JSON.stringify(mount.status())),
      });
      const { requests, bytesRead, errors } = mount.statistics();
      assert.ok(
        (requests.LOOKUP ?? 0) + (requests.READDIRPLUS ?? 0) > 0,
        Object.keys(requests).join(),
      );
      assert.ok(bytesRead > 0);
      assert.equal(errors, 0);
    }
    assert.deepEqual(events, []);
    assert.deepEqual(folder.names("mnt"), []);
    assert.equal(await unmountImage(target), "not mounted");
  },
);

/** A packed tree, and how it is mounted. */
interface Packed {
  readonly source: string;
  readonly meta: string;
  readonly store: string;
  readonly blocks: string;
  readonly target: string;
}

async function pack(
  folder: TempFolder,
  files: Readonly<Record<string, string | Uint8Array>>,
  profile: "myfs" | "rfs" = "myfs",
): Promise<Packed> {
  const source = folder.tree("tree", files);
  const blocks = folder.file("blocks");
  const store = `dir://${blocks}`;
  const meta = folder.file("a.fl");
  await packDirectory(source, { meta, store, profile });
  return { source, meta, store, blocks, target: folder.tree("mnt") };
}

function noise(size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += 65536) crypto.getRandomValues(bytes.subarray(at, at + 65536));
  return bytes;
}

requiringTest(
  ["root", "fuse", "tar"],
  "mount image: who reads many small files asks for a part of them, and gets all right",
  async () => {
    using folder = new TempFolder();
    const files: Record<string, Uint8Array> = {};
    for (let index = 0; index < 600; index++) {
      const directory = `${index % 3}`;
      files[`${directory}/${String(index).padStart(4, "0")}`] = noise(1000 + 7 * index);
    }
    const { source, meta, store, target } = await pack(folder, files);
    await using mount = await mountImage(meta, target, { store });
    // The kernel takes content of what has been listed. Then some files, one after the other.
    await runProgram("ls", "-lR", target);
    for (const path of Object.keys(files).filter((path) => path.startsWith("0/")).slice(0, 8)) {
      assert.deepEqual(await Deno.readFile(`${target}/${path}`), files[path]);
    }
    // The pushing thread comes when it comes.
    const deadline = Date.now() + 20_000;
    while (mount.statistics().bytesPushed === 0 && Date.now() < deadline) await delay(5);
    // Listed and read in one order, as programs do that read everything.
    await runProgram(
      "tar",
      "--create",
      "--sort=name",
      "--file",
      folder.file("a.tar"),
      "-C",
      target,
      ".",
    );
    const { requests, bytesPushed, bytesRead, errors } = mount.statistics();
    const bytes = Object.values(files).reduce((sum, { length }) => sum + length, 0);
    assert.ok(requests.READ! < 600, `${requests.READ} reads`);
    assert.ok(bytesPushed > 0 && bytesRead < bytes && bytesRead + bytesPushed >= bytes);
    assert.equal(errors, 0);
    await runProgram("tar", "--compare", "--file", folder.file("a.tar"), "-C", source);
    for (const [path, content] of Object.entries(files)) {
      assert.deepEqual(await Deno.readFile(`${target}/${path}`), content);
    }
  },
);

requiringTest(["root", "fuse"], "mount image: the rfs profile too", async () => {
  using folder = new TempFolder();
  const { meta, store, source, target } = await pack(folder, {
    "a/one": "1",
    "a/two": noise(1_200_000),
    "empty": "",
    "ä ö/ü": "text",
  }, "rfs");
  await Deno.symlink("a/one", `${source}/link`);
  await packDirectory(source, { meta, store, profile: "rfs" });
  await using _mount = await mountImage(meta, target, { store });
  await runProgram("diff", "-r", source, target);
  assert.equal(await Deno.readLink(`${target}/link`), "a/one");
});

requiringTest(["root", "fuse"], "mount image: a directory of 100,000 entries", async () => {
  using folder = new TempFolder();
  const source = folder.tree("tree/many");
  await runProgram("sh", "-c", `cd ${source} && seq 100000 | xargs touch`);
  const meta = folder.file("a.fl");
  const store = `dir://${folder.file("blocks")}`;
  await packDirectory(folder.file("tree"), { meta, store });
  const target = folder.tree("mnt");
  await using _mount = await mountImage(meta, target, { store });
  // Several readers at once, each with its own place in the directory.
  const listings = await Promise.all(
    Array.from({ length: 3 }, () => runProgram("ls", "-U", `${target}/many`)),
  );
  for (const listing of listings) {
    const names = listing.trimEnd().split("\n");
    assert.equal(names.length, 100_000);
    assert.equal(new Set(names).size, 100_000);
  }
  assert.equal((await Deno.lstat(`${target}/many/77777`)).isFile, true);
  await assert.rejects(Deno.lstat(`${target}/many/100001`), Deno.errors.NotFound);
});

requiringTest(
  ["root", "fuse"],
  "mount image: many readers at once get the right bytes",
  async () => {
    using folder = new TempFolder();
    const content = noise(40_000_000);
    const { meta, store, target } = await pack(folder, { large: content });
    await using _mount = await mountImage(meta, target, { store });
    await Promise.all(Array.from({ length: 16 }, async (_, reader) => {
      using file = await Deno.open(`${target}/large`);
      const part = new Uint8Array(100_000);
      for (let round = 0; round < 40; round++) {
        const offset = (reader * 7_919_777 + round * 15_485_863) % (content.length - part.length);
        await file.seek(offset, Deno.SeekMode.Start);
        for (let at = 0; at < part.length;) {
          const count = await file.read(part.subarray(at));
          assert.ok(count !== null && count > 0);
          at += count;
        }
        assert.ok(Buffer.compare(part, content.subarray(offset, offset + part.length)) === 0);
      }
    }));
  },
);

requiringTest(
  ["root", "fuse"],
  "mount image: a damaged block fails the file that needs it",
  async () => {
    using folder = new TempFolder();
    const good = noise(2_000_000);
    const { meta, store, blocks, target } = await pack(folder, { bad: noise(2_000_000), good });
    {
      using flist = FlistReader.open(meta);
      const [extent] = flist.extents(flist.child(1, "bad")!.ino);
      const local = new LocalBlocks({ directories: [{ start: 0, end: 255, path: blocks }] });
      const { id } = flist.chunk(extent!.chunk);
      const block = local.get(id);
      block[100]! ^= 1;
      local.put(id, block, { replace: true });
    }
    const events: MountEvent[] = [];
    await using mount = await mountImage(meta, target, {
      store,
      onEvent: (event) => events.push(event),
    });
    const { code, stderr } = await tryProgram("cat", `${target}/bad`);
    assert.equal(code, 1);
    assert.match(stderr, /Input\/output error/);
    assert.ok(Buffer.compare(await Deno.readFile(`${target}/good`), good) === 0);
    assert.ok(mount.statistics().errors > 0);
    assert.equal(events[0]?.fault.code, "block_corrupt");
  },
);

requiringTest(
  ["root", "fuse"],
  "mount image: a store that hangs fails reads at the deadline, looking goes on, and it recovers",
  async () => {
    using folder = new TempFolder();
    // More of the second than is fetched ahead.
    const [first, second] = [noise(500_000), noise(8_000_000)];
    const { meta, blocks, target } = await pack(folder, { first, second, "sub/small": "x" });
    let hangs = false;
    await using server = await faultServer(async ({ target }) => {
      if (hangs) return { kind: "silence" };
      try {
        return { kind: "http", body: await Deno.readFile(`${blocks}${target}`) };
      } catch {
        return { kind: "http", status: 404 };
      }
    });
    const events: MountEvent[] = [];
    await using mount = await mountImage(meta, target, {
      store: server.url,
      storeOptions: { deadlineMs: 3000 },
      onEvent: (event) => events.push(event),
    });
    assert.ok(Buffer.compare(await Deno.readFile(`${target}/first`), first) === 0);
    hangs = true;
    const failing = tryProgram("cat", `${target}/second`);
    await runProgram("ls", "-lR", target);
    await runProgram("df", target);
    // Cached by the kernel.
    assert.ok(Buffer.compare(await Deno.readFile(`${target}/first`), first) === 0);
    const { code, stderr } = await failing;
    assert.equal(code, 1);
    assert.match(stderr, /Input\/output error/);
    assert.equal(events[0]?.fault.code, "store_unavailable");
    hangs = false;
    assert.ok(Buffer.compare(await Deno.readFile(`${target}/second`), second) === 0);
    assert.equal(await Deno.readTextFile(`${target}/sub/small`), "x");
    assert.ok(mount.statistics().readsWaited > 0);
  },
);

requiringTest(
  ["root", "fuse"],
  "mount image: a program that is killed does not wait for a store that hangs",
  async () => {
    using folder = new TempFolder();
    const { meta, target } = await pack(folder, { file: noise(100_000) });
    await using server = await faultServer({ kind: "silence" });
    await using mount = await mountImage(meta, target, { store: server.url });
    const child = new Deno.Command("cat", { args: [`${target}/file`], stdout: "null" }).spawn();
    while (mount.statistics().readsWaited === 0) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    child.kill("SIGINT");
    assert.equal((await child.status).signal, "SIGINT");
    assert.equal(await unmountImage(target), "unmounted");
    assert.equal(await mount.finished, "unmounted");
  },
);

/** How often: `MYFS_MOUNT_CYCLES=500` for the long form. */
const CYCLES = Number(Deno.env.get("MYFS_MOUNT_CYCLES") ?? 40);

requiringTest(["root", "fuse"], `mount image: ${CYCLES} mounts leave nothing`, async () => {
  using folder = new TempFolder();
  const { meta, store, target } = await pack(folder, {
    a: "of a",
    b: "of b",
    c: "of c",
    d: "of d",
  });
  const program = new URL("../helpers/image_mount_cycles.ts", import.meta.url).pathname;
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", program, meta, store, target, `${CYCLES}`],
  }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  const report = JSON.parse(new TextDecoder().decode(stdout)) as ImageMountCyclesReport;
  assert.deepEqual(report, { descriptors: 0, holders: 0 });
  assert.equal(await findMount(target), undefined);
});

requiringTest(
  ["root", "fuse"],
  "mount image: where no thread can answer any more, nobody waits",
  async () => {
    using folder = new TempFolder();
    const { meta, store, target } = await pack(folder, { file: "content" });
    const program = new URL("../helpers/lost_device.ts", import.meta.url).pathname;
    const { code, stdout, stderr } = await new Deno.Command("timeout", {
      args: ["--signal=KILL", "60", Deno.execPath(), "run", "-A", program, meta, store, target],
    }).output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
    const report = JSON.parse(new TextDecoder().decode(stdout)) as LostDeviceReport;
    assert.equal(report.end, "failed");
    assert.ok(report.tookMs < 5000, `it took ${report.tookMs} ms`);
    for (const error of report.errors) assert.match(error, /aborted|not connected|os error/);
    assert.equal(await findMount(target), undefined);
  },
);

requiringTest(
  ["root", "fuse"],
  "mount image: removed while it is used, it serves to the end",
  async () => {
    using folder = new TempFolder();
    const content = noise(300_000);
    const { meta, store, target } = await pack(folder, { file: content });
    await using mount = await mountImage(meta, target, { store });
    {
      using file = await Deno.open(`${target}/file`);
      assert.equal(await unmountImage(target), "detached");
      assert.deepEqual(folder.names("mnt"), []);
      const bytes = new Uint8Array(content.length);
      for (let at = 0; at < bytes.length;) at += await file.read(bytes.subarray(at)) ?? 1e9;
      assert.ok(Buffer.compare(bytes, content) === 0);
    }
    assert.equal(await mount.finished, "unmounted");
  },
);

requiringTest(
  ["root", "fuse"],
  "mount image: a flist that is removed at once is served all the same",
  async () => {
    using folder = new TempFolder();
    const [meta, store] = [folder.file("a.fl"), `dir://${folder.file("blocks")}`];
    await packDirectory(folder.tree("tree", { "d/a": "content" }), { meta, store });
    const target = folder.tree("mnt");
    const events: MountEvent[] = [];
    const mount = await mountImage(meta, target, { onEvent: (event) => void events.push(event) });
    await Deno.remove(meta);
    // The other threads begin from now on, and find that it is gone.
    await delay(500);
    assert.equal(await Deno.readTextFile(`${target}/d/a`), "content");
    await mount.unmount();
    assert.equal(await mount.finished, "unmounted");
    assert.deepEqual(events, []);
  },
);

requiringTest(
  ["root", "fuse"],
  "mount image: a flist that takes the mounted one's place changes nothing",
  async () => {
    using folder = new TempFolder();
    const [meta, store] = [folder.file("a.fl"), `dir://${folder.file("blocks")}`];
    const name = (index: number): string => `d/${String(index).padStart(3, "0")}`;
    const tree = (text: (index: number) => string): Record<string, string> =>
      Object.fromEntries(Array.from({ length: 200 }, (_, index) => [name(index), text(index)]));
    const files = tree((index) => `a${index}`.repeat(20 + index % 7));
    await packDirectory(folder.tree("one", files), { meta, store });
    const target = folder.tree("mnt");
    await using mount = await mountImage(meta, target);
    await runProgram("ls", "-l", `${target}/d`);
    const others = tree((index) => `b${index}`.repeat(5 + index * 7 % 40));
    await packDirectory(folder.tree("other", others), { meta, store });
    // Read one after the other, which has their neighbours pushed.
    for (const [path, text] of Object.entries(files)) {
      assert.equal(await Deno.readTextFile(`${target}/${path}`), text, path);
      if (path.endsWith("0")) await delay(5);
    }
    assert.equal(mount.statistics().errors, 0);
  },
);

requiringTest(
  ["root", "fuse"],
  "mount image: one that ends leaves what was mounted there since",
  async () => {
    using folder = new TempFolder();
    const { meta, store, target } = await pack(folder, { file: "content" });
    const earlier = await mountImage(meta, target, { store });
    const later = await mountImage(meta, target, { store });
    const top = await findMount(target);
    assert.equal(await Deno.readTextFile(`${target}/file`), "content");
    // It lies under the other one, and can only end for the programs.
    await earlier.unmount();
    assert.deepEqual(await findMount(target), top);
    assert.equal(await Deno.readTextFile(`${target}/file`), "content");
    await later.unmount();
    assert.equal(await later.finished, "unmounted");
    // What is left of the first is in the way of nobody.
    await unmountImage(target);
    assert.equal(await findMount(target), undefined);
    await earlier.finished;

    // One that is detached is not there any more, and has no claim to the directory.
    const detached = await mountImage(meta, target, { store });
    await unmountImage(target);
    const next = await mountImage(meta, target, { store });
    await detached.unmount();
    assert.equal((await findMount(target))?.target, next.target);
    assert.equal(await Deno.readTextFile(`${target}/file`), "content");
    await next.unmount();

    // Nor has one that was cut off after it was detached.
    const cut = await mountImage(meta, target, { store });
    const { connection } = (await findMount(target))!;
    {
      using _file = await Deno.open(`${target}/file`);
      await runProgram("umount", "--lazy", target);
      await cutConnection(connection);
      assert.equal(await cut.finished, "aborted");
    }
    // It mostly gets the numbers of the one before, which the kernel gives out again.
    await using last = await mountImage(meta, target, { store });
    await cut.unmount();
    assert.equal((await findMount(target))?.target, last.target);
    assert.equal(await Deno.readTextFile(`${target}/file`), "content");
  },
);

requiringTest(["root", "fuse"], "mount image: a signal ends it", async () => {
  using folder = new TempFolder();
  const { meta, store, target } = await pack(folder, { file: "content" });
  const controller = new AbortController();
  await using mount = await mountImage(meta, target, { store, signal: controller.signal });
  controller.abort();
  assert.equal(await mount.finished, "unmounted");
  assert.equal(await findMount(target), undefined);
});

requiringTest(["root", "fuse"], "mount image: what cannot be mounted is said", async () => {
  using folder = new TempFolder();
  const { meta, store, target } = await pack(folder, { file: "content" });
  await assert.rejects(mountImage(folder.file("none.fl"), target), { code: "flist_not_found" });
  await assert.rejects(mountImage(meta, folder.file("nowhere"), { store }), { code: "mount" });
  await assert.rejects(mountImage(meta, target, { store: "none://x" }), { code: "unsupported" });
  assert.equal(await findMount(target), undefined);
});
