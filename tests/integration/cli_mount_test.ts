/**
 * Goal: the commands around mounts do what they say, and leave nothing behind however they end.
 * Method: the commands as processes, and the kernel's table of mounts.
 */

import assert from "node:assert/strict";
import type { MountedImage } from "../../mod.ts";
import { findMount } from "../../lib/fuse/mount_table.ts";
import { unmount } from "../../lib/fuse/unmount.ts";
import { faultServer } from "../helpers/fault_server.ts";
import { requiringTest } from "../helpers/require.ts";
import { tryProgram } from "../helpers/run_program.ts";
import { until } from "../helpers/until.ts";
import { finish, myfs, myfsJson, myfsOk, startMyfs, Workplace } from "./cli_process.ts";

/** A place with a packed tree and a directory to mount on, which is free in the end. */
async function mountPlace(): Promise<Workplace> {
  const place = await Workplace.create(async (place) => {
    await place.write({ "tree/a.txt": "content", "tree/sub/b.txt": "more" });
    await Deno.mkdir(`${place.path}/mnt`);
    await myfsOk(["pack", "--meta", "a.fl", "--store", place.store(), "tree"], place.options);
  });
  const dispose = place[Symbol.asyncDispose].bind(place);
  place[Symbol.asyncDispose] = async () => {
    await unmount(`${place.path}/mnt`, { lazy: true });
    await dispose();
  };
  return place;
}

const isMounted = async (place: Workplace): Promise<boolean> =>
  await findMount(`${place.path}/mnt`) !== undefined;

/** A mount command in the foreground that is given up to end itself. */
async function startMount(
  place: Workplace,
  ...options: readonly string[]
): Promise<Deno.ChildProcess> {
  const child = startMyfs(["mount", ...options, "--meta", "a.fl", "./mnt"], place.options);
  await until(() => isMounted(place));
  return child;
}

for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
  requiringTest(["root", "fuse"], `mount: ${signal} unmounts, also while it is used`, async () => {
    await using place = await mountPlace();
    const child = await startMount(place);
    using file = await Deno.open(`${place.path}/mnt/sub/b.txt`);
    assert.equal(await Deno.readTextFile(`${place.path}/mnt/a.txt`), "content");
    assert.ok(file.readable);
    child.kill(signal);
    const result = await finish(child);
    assert.equal(result.code, code, result.stderr);
    assert.match(result.stderr, /a\.fl is mounted on \.\/mnt\n/);
    assert.equal(await isMounted(place), false);
  });
}

requiringTest(["root", "fuse"], "mount: a trace has the requests and their replies", async () => {
  await using place = await mountPlace();
  const child = await startMount(place, "--trace", "trace.txt");
  assert.equal(await Deno.readTextFile(`${place.path}/mnt/a.txt`), "content");
  await myfsOk(["umount", "mnt"], place.options);
  assert.equal((await finish(child)).code, 0);
  const lines = (await Deno.readTextFile(`${place.path}/trace.txt`)).trimEnd().split("\n");
  assert.match(lines[0]!, /^# A line is a request/);
  const [, number] = /^→ (\d+) LOOKUP of 1, "a\.txt" \[/.exec(
    lines.find((line) => line.includes('"a.txt"')) ?? "",
  ) ?? [];
  assert.ok(lines.some((line) => line.startsWith(`← ${number} inode `) && / size 7$/.test(line)));
  assert.ok(lines.some((line) => /^→ \d+ READ of \d+, \d+ from 0 \[/.test(line)));
});

requiringTest(["root", "fuse"], "umount: ends the mount, and the command ends well", async () => {
  await using place = await mountPlace();
  const child = await startMount(place);
  const { document } = await myfsJson(["mounts"], place.options);
  const mounts = document.mounts as { target: string; meta: string; state: string }[];
  const [mine] = mounts.filter(({ target }) => target === `${place.path}/mnt`);
  assert.equal(mine?.meta, `${place.path}/a.fl`);
  assert.equal(mine?.state, "alive");
  await myfsOk(["umount", "mnt"], place.options);
  assert.equal((await finish(child)).code, 0);
  assert.equal(await isMounted(place), false);
  const again = await myfs(["umount", "mnt"], place.options);
  assert.equal(again.code, 10, again.stderr);
});

requiringTest(["root", "fuse"], "mount --daemon: returns when the mount answers", async () => {
  await using place = await mountPlace();
  await myfsOk(["mount", "--daemon", "--log", "log", "a.fl", "mnt"], place.options);
  assert.equal(await Deno.readTextFile(`${place.path}/mnt/a.txt`), "content");
  await myfsOk(["umount", "mnt"], place.options);
  assert.equal(await isMounted(place), false);
  assert.equal(await Deno.readTextFile(`${place.path}/log`), "");
});

requiringTest(
  ["root", "fuse"],
  "mount --daemon --json: one document says what is where",
  async () => {
    await using place = await mountPlace();
    const { document } = await myfsJson(["mount", "--daemon", "a.fl", "mnt"], place.options);
    assert.deepEqual(Object.keys(document), ["meta", "target", "pid"]);
    assert.equal(document.meta, "a.fl");
    assert.equal(document.target, "mnt");
    assert.equal(await Deno.readTextFile(`${place.path}/mnt/a.txt`), "content");
    await myfsOk(["umount", "mnt"], place.options);
  },
);

requiringTest(["root", "fuse"], "mount --daemon: says why there is no mount", async () => {
  await using place = await mountPlace();
  const missing = await myfs(["mount", "--daemon", "b.fl", "mnt"], place.options);
  assert.equal(missing.code, 10);
  assert.match(missing.stderr, /b\.fl/);
  const noTarget = await myfs(["mount", "--daemon", "a.fl", "nowhere"], place.options);
  assert.equal(noTarget.code, 10);
  assert.match(noTarget.stderr, /Cannot mount on nowhere: it does not exist/);
});

/** Whether any process has this word among its arguments. */
async function isNamedByAny(word: string): Promise<boolean> {
  for await (const { name } of Deno.readDir("/proc")) {
    const line = /^\d+$/.test(name)
      // It may have ended meanwhile.
      ? await Deno.readTextFile(`/proc/${name}/cmdline`).catch(() => "")
      : "";
    if (line.split("\0").includes(word)) return true;
  }
  return false;
}

requiringTest(
  ["root", "fuse"],
  "mount --daemon: Ctrl-C ends it also while it waits, and nobody is left in the background",
  async () => {
    await using place = await mountPlace();
    // The flist never comes.
    await using server = await faultServer({ kind: "silence" });
    const url = `${server.url}/never.fl`;
    const starter = startMyfs(["mount", "--daemon", url, "mnt"], place.options);
    await until(() => server.requests.length > 0);
    starter.kill("SIGINT");
    assert.equal((await finish(starter)).code, 130);
    await until(async () => !await isNamedByAny(url));
    assert.equal(await isMounted(place), false);
  },
);

requiringTest(
  ["root", "fuse"],
  "mount: a flist at a web address, whose store hangs: looking, umount and the end do not",
  async () => {
    await using place = await mountPlace();
    let hangs = false;
    await using server = await faultServer(async ({ target }) => {
      if (hangs) return { kind: "silence" };
      const name = target === "/tree.fl" ? "a.fl" : `blocks${target}`;
      try {
        return { kind: "http", body: await Deno.readFile(`${place.path}/${name}`) };
      } catch {
        return { kind: "http", status: 404 };
      }
    });
    const store = ["--store", server.url, "--no-cache", "--timeout", "3", "--retries", "0"];
    await myfsOk(["mount", "-d", `${server.url}/tree.fl`, "mnt", ...store], place.options);
    hangs = true;
    const reading = tryProgram("cat", `${place.path}/mnt/sub/b.txt`);
    const looking = await tryProgram("ls", "-lR", `${place.path}/mnt`);
    assert.equal(looking.code, 0);
    assert.equal((await tryProgram("df", `${place.path}/mnt`)).code, 0);
    const { stdout } = await myfsOk(["umount", "mnt", "--json"], place.options);
    assert.match(stdout, /"outcome": ?"(detached|unmounted)"/);
    assert.equal(await isMounted(place), false);
    const { code, stderr } = await reading;
    assert.equal(code, 1);
    assert.match(stderr, /Input\/output error/);
    await until(async () => !await isNamedByAny(`${server.url}/tree.fl`));
  },
);

/** What `myfs mounts` says of the mount of a place. */
async function listed(place: Workplace): Promise<MountedImage | undefined> {
  const { document } = await myfsJson(["mounts"], place.options);
  const mounts = document.mounts as MountedImage[];
  return mounts.find(({ target }) => target === `${place.path}/mnt`);
}

requiringTest(["root", "fuse"], "umount: removes what a killed process left", async () => {
  await using place = await mountPlace();
  const child = await startMount(place, "--grace", "0");
  assert.equal(await Deno.readTextFile(`${place.path}/mnt/a.txt`), "content");
  child.kill("SIGKILL");
  await finish(child);
  assert.equal((await listed(place))?.state, "stale");
  await myfsOk(["umount", "mnt"], place.options);
  assert.equal(await isMounted(place), false);
});

requiringTest(["root", "fuse"], "mount: removes what a killed process left there", async () => {
  await using place = await mountPlace();
  const child = await startMount(place, "--grace", "0");
  assert.equal(await Deno.readTextFile(`${place.path}/mnt/a.txt`), "content");
  child.kill("SIGKILL");
  await finish(child);
  const { stderr } = await myfsOk(["mount", "--daemon", "a.fl", "mnt"], place.options);
  assert.match(stderr, /What a process left on mnt that has died was removed/);
  assert.equal(await Deno.readTextFile(`${place.path}/mnt/a.txt`), "content");
  await myfsOk(["umount", "mnt"], place.options);
  assert.equal(await isMounted(place), false);
});

requiringTest(["root", "fuse"], "mount --takeover: serves on what was killed", async () => {
  await using place = await mountPlace();
  const first = await startMount(place);
  using file = await Deno.open(`${place.path}/mnt/sub/b.txt`);
  await until(async () => (await listed(place))?.status !== undefined);
  const refused = await myfs(["mount", "--takeover", "mnt"], place.options);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, new RegExp(`process ${first.pid} serves it`));
  first.kill("SIGKILL");
  await finish(first);
  assert.equal((await listed(place))?.state, "orphaned");
  const blocked = await myfs(["mount", "a.fl", "mnt"], place.options);
  assert.match(blocked.stderr, /--takeover/);
  // It waits for an answer until there is one.
  const reading = Deno.readTextFile(`${place.path}/mnt/a.txt`);
  await Deno.copyFile(`${place.path}/a.fl`, `${place.path}/b.fl`);
  const other = await myfs(["mount", "--takeover", "b.fl", "mnt"], place.options);
  assert.match(other.stderr, /the mount is of .*a\.fl, not of .*b\.fl/);
  const second = startMyfs(["mount", "--takeover", "mnt"], place.options);
  assert.equal(await reading, "content");
  const bytes = new Uint8Array(10);
  assert.equal(await file.read(bytes), 4);
  await until(async () => (await listed(place))?.pid === second.pid);
  second.kill("SIGTERM");
  assert.equal((await finish(second)).code, 143);
  assert.equal(await isMounted(place), false);
});

requiringTest(
  ["root", "fuse"],
  "mount --daemon: comes back when it is killed under load, again and again",
  async () => {
    await using place = await mountPlace();
    await place.writeNoise("tree/large", 30_000_000);
    await myfsOk(["pack", "--meta", "a.fl", "--store", place.store(), "tree"], place.options);
    await myfsOk(["mount", "--daemon", "a.fl", "mnt"], place.options);
    const readers = Array.from({ length: 4 }, () =>
      new Deno.Command("sh", {
        // Each round asks for what the kernel does not have.
        args: [
          "-c",
          "for i in 1 2 3 4 5 6; do cmp tree/large mnt/large || exit 1; sleep 0.2; done",
        ],
        cwd: place.path,
      }).output());
    let last: number | undefined;
    for (let round = 0; round < 3; round++) {
      await until(async () => {
        const pid = (await listed(place))?.pid;
        return pid !== undefined && pid !== last && (last = pid) > 0;
      });
      await Deno.writeTextFile("/proc/sys/vm/drop_caches", "1").catch(() => {});
      Deno.kill(last!, "SIGKILL");
    }
    for (const { success, stderr } of await Promise.all(readers)) {
      assert.ok(success, new TextDecoder().decode(stderr));
    }
    await until(async () => (await listed(place))?.state === "alive");
    await myfsOk(["umount", "mnt"], place.options);
    await until(async () => !await isMounted(place));
    await until(() => !processes().includes(`${place.path}/mnt`));
  },
);

/** Names in a directory. */
function names(path: string): string[] {
  return Array.from(Deno.readDirSync(path), ({ name }) => name);
}

/** Command lines of all processes. */
function processes(): string {
  const { stdout } = new Deno.Command("ps", { args: ["-eo", "args"] }).outputSync();
  return new TextDecoder().decode(stdout);
}

requiringTest(
  ["root", "fuse", "rsync"],
  "mount --writable: changes are kept, and a commit makes an image of them",
  async () => {
    await using place = await mountPlace();
    const { path, options } = place;
    await place.write({
      "tree/gone/x": "x",
      "tree/replaced/old": "old",
      "tree/moved/in": "in",
      "tree/text": "text",
    });
    await Deno.chmod(`${path}/tree`, 0o751);
    await myfsOk(["pack", "--meta", "a.fl", "--store", place.store(), "tree"], options);
    await myfsOk(["mount", "--daemon", "--writable", "upper", "a.fl", "mnt"], options);
    assert.equal((await Deno.stat(`${path}/mnt`)).mode! & 0o777, 0o751);
    assert.equal((await listed(place))?.upper, `${path}/upper`);
    const busy = await myfs(["mount", "--writable", "upper", "a.fl", "tree"], options);
    assert.match(busy.stderr, /upper directory .* is in use on .*mnt/);
    const script =
      "rm -r gone a.txt && rm -r replaced && mkdir replaced && echo new > replaced/new &&" +
      "mv moved there && chmod 600 text && ln text linked && echo more >> sub/b.txt";
    const { success, stderr } = await new Deno.Command("sh", {
      args: ["-c", script],
      cwd: `${path}/mnt`,
    }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
    await rsync("-aHAX", `${path}/mnt/`, `${path}/wanted/`);
    // The process behind it may even be killed meanwhile.
    Deno.kill((await listed(place))!.pid!, "SIGKILL");
    await until(async () => (await listed(place))?.state === "alive");
    await myfsOk(["umount", "mnt"], options);
    await until(async () => !await isMounted(place));
    await until(() => !names(path).includes("upper.work"));
    assert.deepEqual(names(`${path}/mnt`), []);
    await myfsOk(["commit", "--base", "a.fl", "--meta", "b.fl", "upper"], options);
    await myfsOk(["mount", "--daemon", "b.fl", "mnt"], options);
    const changes = await rsync("-aHAXn", "--checksum", "--delete", "-i", "wanted/", "mnt/");
    await myfsOk(["umount", "mnt"], options);
    assert.equal(changes, "");

    async function rsync(...args: string[]): Promise<string> {
      const { success, stdout } = await new Deno.Command("rsync", { args, cwd: path }).output();
      assert.ok(success);
      return new TextDecoder().decode(stdout);
    }
  },
);
