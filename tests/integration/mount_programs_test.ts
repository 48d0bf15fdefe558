/**
 * Goal: programs cannot tell a mounted image from the tree that was packed, whoever mounts it and
 * whatever happens to what is behind it. Method: real programs on real mounts, as root and as an
 * ordinary user, and the same programs on the source.
 *
 * @module
 */

import assert from "node:assert/strict";
import { findMount } from "../../lib/fuse/mount_table.ts";
import { packDirectory } from "../../lib/image/pack.ts";
import { mountImage } from "../../lib/mount/mount_image.ts";
import { unmount } from "../../lib/fuse/unmount.ts";
import { UnprivilegedUser } from "../helpers/api_runner.ts";
import { serveBlocks } from "../helpers/block_server.ts";
import { faultServer } from "../helpers/fault_server.ts";
import { requiringTest } from "../helpers/require.ts";
import { cutConnection } from "../helpers/cut_connection.ts";
import { runProgram, tryProgram } from "../helpers/run_program.ts";
import { TempFolder } from "../helpers/temp_folder.ts";
import { until } from "../helpers/until.ts";
import { myfsOk, programArgs, Workplace } from "./cli_process.ts";

/** Runs a shell script that must succeed, with arguments. */
const shell = (script: string, ...args: string[]): Promise<string> =>
  runProgram("sh", "-e", "-c", script, "sh", ...args);

/** A tree with programs in it: a compiler, a repository with its program, and libraries of Python. */
const PROGRAMS = `
mkdir -p "$1/gcc" "$1/bin" "$1/python"
cp "$(gcc -print-prog-name=cc1)" "$1/gcc"
cp -L "$(command -v git)" "$1/bin/git"
printf '#include <stdio.h>\\nint main(void) { puts("compiled"); return 0; }\\n' > "$1/main.c"
std=$(python3 -I -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')
cp "$std"/*.py "$1/python"
for package in json email asyncio html http collections encodings; do
  cp -r "$std/$package" "$1/python"
done
git init -q "$1/repository"
cd "$1/repository"
git config user.name test && git config user.email test@test.example
cp -r ../python/*.py . && git add . && git commit -qm first && git rm -q abc.py ast.py &&
  git commit -qm second`;

requiringTest(
  ["root", "fuse", "gcc", "git", "python3", "rsync", "diff"],
  "mount programs: a compiler, Python and git run from a mount, and trees are equal",
  async () => {
    using folder = new TempFolder();
    const source = folder.tree("tree");
    await shell(PROGRAMS, source);
    const meta = folder.file("a.fl");
    const store = `dir://${folder.file("blocks")}`;
    await packDirectory(source, { meta, store });
    const target = folder.tree("mnt");
    await using mount = await mountImage(meta, target, { store });
    const out = folder.file("main");
    await shell(`gcc -B "$1/gcc/" -o "$2" "$1/main.c"`, target, out);
    assert.equal(await runProgram(out), "compiled\n");
    const script = `import sys; sys.path[:] = [sys.argv[1]] + sys.path
import email, json, asyncio, html.parser
assert email.__file__.startswith(sys.argv[1]), email.__file__
print(json.dumps({"ran": True}))`;
    assert.equal(
      await runProgram("python3", "-B", "-c", script, `${target}/python`),
      '{"ran": true}\n',
    );
    const git = (tree: string): Promise<string> =>
      shell(
        `"$1/bin/git" -c safe.directory='*' -C "$1/repository" "$2" "$3"`,
        tree,
        "log",
        "--stat=200",
      );
    assert.equal(await git(target), await git(source));
    await shell(`"$1/bin/git" -c safe.directory='*' -C "$1/repository" fsck --strict`, target);
    await runProgram("diff", "-r", source, target);
    const args = ["-aHAXn", "--checksum", "--delete", "-i", `${source}/`, `${target}/`];
    assert.equal(await runProgram("rsync", ...args), "");
    assert.equal(mount.status().errors, 0);
  },
);

requiringTest(
  ["root", "fuse", "fio"],
  "mount programs: fio reads at random and verifies what it wrote",
  async () => {
    using folder = new TempFolder();
    const source = folder.tree("tree");
    const job = [
      "--name=v",
      "--bs=8k",
      "--size=24m",
      "--verify=crc32c",
      "--minimal",
      "--verify_state_save=0",
    ];
    await runProgram("fio", ...job, `--filename=${source}/v`, "--rw=write", "--do_verify=0");
    const meta = folder.file("a.fl");
    const store = `dir://${folder.file("blocks")}`;
    await packDirectory(source, { meta, store });
    const target = folder.tree("mnt");
    await using mount = await mountImage(meta, target, { store });
    const reading = [...job, "--rw=randread", "--readonly", "--numjobs=4", "--thread"];
    await runProgram("fio", ...reading, `--filename=${target}/v`, "--verify_fatal=1");
    assert.ok(mount.status().bytesRead >= 24 * 1024 ** 2);
    // It would have noticed.
    const damaged = folder.file("damaged");
    await Deno.copyFile(`${source}/v`, damaged);
    using file = await Deno.open(damaged, { write: true });
    await file.seek(8192 * 7 + 4000, Deno.SeekMode.Start);
    await file.write(new Uint8Array([1, 2, 3, 4]));
    const { code } = await tryProgram(
      "fio",
      ...reading,
      `--filename=${damaged}`,
      "--verify_fatal=1",
    );
    assert.notEqual(code, 0);
  },
);

requiringTest(
  ["root", "fuse", "fusermount3", "rsync"],
  "mount programs: an ordinary user mounts, reads, and keeps the mount when its daemon is killed",
  async () => {
    using folder = new TempFolder();
    await Deno.chmod(folder.path, 0o755);
    const user = new UnprivilegedUser(folder.tree("program"));
    const source = folder.tree("tree", { "a/one": "1", "b": "two".repeat(100_000) });
    await Deno.symlink("a/one", `${source}/link`);
    const home = folder.tree("home/mnt").slice(0, -"/mnt".length);
    await runProgram("chown", "-R", `${user.uid}:${user.uid}`, home, source);
    const myfs = async (...args: string[]): Promise<string> => {
      const { code, stdout, stderr } = await user.command(...args).output();
      assert.equal(code, 0, new TextDecoder().decode(stderr));
      return new TextDecoder().decode(stdout);
    };
    const asUser = (...command: string[]): Promise<string> =>
      runProgram(
        "setpriv",
        `--reuid=${user.uid}`,
        `--regid=${user.uid}`,
        "--clear-groups",
        ...command,
      );
    const [meta, target] = [`${home}/a.fl`, `${home}/mnt`];
    await myfs("pack", "--meta", meta, "--store", `dir://${home}/blocks`, source);
    try {
      await myfs("mount", "--daemon", meta, target);
      const args = ["-aHAXn", "--checksum", "--delete", "-i", `${source}/`, `${target}/`];
      assert.equal(await asUser("rsync", ...args), "");
      await asUser("diff", "-r", source, target);
      const pid = async (): Promise<number | undefined> => {
        const { mounts } = JSON.parse(await myfs("mounts", "--json"));
        const found = (mounts as { target: string; pid?: number }[]).find((each) =>
          each.target === target
        );
        return found?.pid;
      };
      const first = (await pid())!;
      Deno.kill(first, "SIGKILL");
      assert.equal(await asUser("cat", `${target}/a/one`), "1");
      await until(async () => ![undefined, first].includes(await pid()));
      await myfs("umount", target);
      await until(async () => await findMount(target) === undefined);
      const refused = await user.command("mount", "--writable", `${home}/u`, meta, target).output();
      assert.match(new TextDecoder().decode(refused.stderr), /only root may mount it writable/);
    } finally {
      await unmount(target, { lazy: true });
    }
  },
);

requiringTest(
  ["root", "fuse"],
  "mount programs: with 256 descriptors, a small full cache, and a store that dies and comes back",
  async () => {
    await using place = await Workplace.create(async (place) => {
      for (let index = 0; index < 30; index++) {
        await place.writeNoise(`tree/file${index}`, 400_000 + index);
      }
      await Deno.mkdir(`${place.path}/mnt`);
      await myfsOk(["pack", "-q", "-m", "a.fl", "-s", place.store(), "tree"], place.options);
    });
    await using server = await serveBlocks(`${place.path}/blocks`);
    const { path, options } = place;
    const program = new Deno.Command("sh", {
      args: [
        "-c",
        'ulimit -n 256; exec "$@"',
        "sh",
        Deno.execPath(),
        ...programArgs(["mount", "a.fl", "mnt", "-s", server.url, "--timeout", "2", "--retries"]),
        ...["0", "--cache-size", "3M", "--cache=cache", "--log", "log"],
      ],
      cwd: path,
      env: { ...options.env },
      stdout: "null",
      stderr: "null",
    }).spawn();
    try {
      await until(async () => await findMount(`${path}/mnt`) !== undefined);
      const readAll = async (): Promise<{ code: number }[]> =>
        await Promise.all(
          Array.from({ length: 30 }, (_, index) =>
            tryProgram("cmp", `${path}/tree/file${index}`, `${path}/mnt/file${index}`)),
        );
      const drop = (): Promise<void> => Deno.writeTextFile("/proc/sys/vm/drop_caches", "1");
      const reading = readAll();
      server.isAway = true;
      // Wrong bytes would be 1 as well, but say where: all that failed could not be read.
      for (const { code } of await reading) assert.ok(code === 0 || code === 2, `${code}`);
      await runProgram("ls", "-lR", `${path}/mnt`);
      await runProgram("df", `${path}/mnt`);
      server.isAway = false;
      await drop();
      await until(async () => (await readAll()).every(({ code }) => code === 0));
      const { code, stdout } = await tryProgram("du", "-sb", `${path}/cache`);
      assert.equal(code, 0);
      assert.ok(parseInt(new TextDecoder().decode(stdout)) < 5_000_000);
    } finally {
      await unmount(`${path}/mnt`, { lazy: true });
      program.kill("SIGTERM");
      await program.status;
    }
  },
);

requiringTest(
  ["root", "fuse"],
  "mount programs: blocks of a store on the network are kept without being asked to",
  async () => {
    await using place = await Workplace.create(async (place) => {
      await place.writeNoise("tree/file", 300_000);
      await Deno.mkdir(`${place.path}/mnt`);
      await myfsOk(["pack", "-q", "-m", "a.fl", "-s", place.store(), "tree"], place.options);
    });
    const { path, options } = place;
    const isCached = async (): Promise<boolean> =>
      await Deno.stat(`${path}/state/blocks`).then(() => true, () => false);
    const look = async (...more: string[]): Promise<void> => {
      await myfsOk(["mount", "--daemon", "a.fl", "mnt", ...more], options);
      try {
        await runProgram("cmp", `${path}/tree/file`, `${path}/mnt/file`);
      } finally {
        await myfsOk(["umount", "mnt"], options);
      }
    };
    // What is on this machine is not kept twice.
    await look();
    assert.equal(await isCached(), false);
    await using server = await serveBlocks(`${path}/blocks`);
    await look("--store", server.url, "--no-cache");
    assert.equal(await isCached(), false);
    await look("--store", server.url);
    const before = server.asked.length;
    server.isAway = true;
    await look("--store", server.url, "--retries", "0");
    assert.ok(await isCached());
    assert.ok(before > 0);
  },
);

requiringTest(
  ["root", "fuse"],
  "mount programs: a connection that is aborted ends the mount, and its readers",
  async () => {
    using folder = new TempFolder();
    const meta = folder.file("a.fl");
    const source = folder.tree("tree", { file: "content".repeat(10_000) });
    await packDirectory(source, { meta, store: `dir://${folder.file("blocks")}` });
    const target = folder.tree("mnt");
    await using server = await faultServer({ kind: "silence" });
    await using mount = await mountImage(meta, target, { store: server.url });
    const { connection } = (await findMount(mount.target))!;
    const reading = tryProgram("cat", `${target}/file`);
    await until(() => mount.statistics().readsWaited > 0);
    await cutConnection(connection);
    assert.notEqual((await reading).code, 0);
    assert.equal(await mount.finished, "aborted");
  },
);
