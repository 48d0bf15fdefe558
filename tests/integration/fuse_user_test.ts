/**
 * Goal: an ordinary user can mount, through fusermount3, and is told what is missing where not.
 * Method: a program that gives up root before it mounts.
 *
 * @module
 */

import assert from "node:assert/strict";
import { findMount } from "../../lib/fuse/mount_table.ts";
import { FuseDaemonProcess } from "../helpers/fuse_daemon_process.ts";
import { fillContent, MemoryFileSystem } from "../helpers/memory_file_system.ts";
import { requiringTest } from "../helpers/require.ts";
import { TempFolder } from "../helpers/temp_folder.ts";

const TREE = { directories: 2, filesEach: 2, fileSize: 1000, many: 3000, largeSize: 5_000_000 };
const expected = new MemoryFileSystem(TREE);
/** Nobody on every system. */
const USER = 65534;

async function asUser(...command: string[]): Promise<{ success: boolean; output: Uint8Array }> {
  const { success, stdout } = await new Deno.Command("setpriv", {
    args: [`--reuid=${USER}`, `--regid=${USER}`, "--clear-groups", "timeout", "20", ...command],
    stderr: "null",
  }).output();
  return { success, output: stdout };
}

/** A directory that the user may mount on. */
async function userTarget(folder: TempFolder): Promise<string> {
  await Deno.chmod(folder.path, 0o755);
  const target = await Deno.realPath(folder.tree("mnt"));
  await Deno.chown(target, USER, USER);
  return target;
}

requiringTest(
  ["root", "fuse", "fusermount3"],
  "fuse user: mounts, reads, and unmounts",
  async () => {
    using folder = new TempFolder();
    const target = await userTarget(folder);
    await using daemon = new FuseDaemonProcess({ target, tree: TREE, userId: USER });
    assert.deepEqual(await daemon.report(), { kind: "ready", pid: daemon.pid });
    const entry = await findMount(target);
    assert.deepEqual(
      [entry!.source, entry!.userId, entry!.allowsOthers],
      ["daemon", USER, false],
    );
    for (const option of ["ro", "nosuid", "nodev"]) assert.ok(entry!.options.includes(option));
    const { output } = await asUser("cat", `${target}/large`);
    const right = new Uint8Array(TREE.largeSize);
    fillContent(right, expected.inoOf("large")!, 0);
    assert.ok(Buffer.compare(output, right) === 0);
    const { output: names } = await asUser("ls", `${target}/many`);
    assert.equal(new TextDecoder().decode(names).trim().split("\n").length, TREE.many);
    // Permissions count although the files are root's: the kernel checks them.
    assert.equal((await asUser("cat", `${target}/odd/private`)).success, false);
    // Even root is kept out.
    await assert.rejects(Deno.stat(`${target}/large`), /denied/i);
    assert.equal((await daemon.kill("SIGTERM")).code, 0);
    assert.equal(await findMount(target), undefined);
  },
);

requiringTest(
  ["root", "fuse", "fusermount3"],
  "fuse user: is told what stands in the way",
  async (t) => {
    using folder = new TempFolder();
    const target = await userTarget(folder);
    const failure = async (task: { target: string; allowOther?: boolean }) => {
      await using daemon = new FuseDaemonProcess({ tree: TREE, userId: USER, ...task });
      const report = await daemon.report();
      assert.equal(report?.kind, "failed");
      return report as Extract<typeof report, { kind: "failed" }>;
    };

    await t.step("a directory that is another's", async () => {
      const { name, message, hint } = await failure({ target: folder.tree("root's") });
      assert.equal(name, "MountError");
      assert.match(message, /^Cannot mount on .*root's: user has no write access to mountpoint/);
      assert.match(hint!, /your own/);
    });

    await t.step("letting others in without user_allow_other", async () => {
      const config = await Deno.readTextFile("/etc/fuse.conf").catch(() => "");
      if (/^\s*user_allow_other/m.test(config)) return;
      const { message, hint } = await failure({ target, allowOther: true });
      assert.match(message, /user_allow_other/);
      assert.match(hint!, /\/etc\/fuse\.conf/);
    });

    assert.equal(await findMount(target), undefined);
  },
);

requiringTest(
  ["root", "fuse"],
  "fuse user: a missing fusermount3 is named, and how to get it",
  async () => {
    using folder = new TempFolder();
    const target = await userTarget(folder);
    await using daemon = new FuseDaemonProcess({
      target,
      tree: TREE,
      userId: USER,
      searchPath: folder.tree("empty"),
    });
    const report = await daemon.report();
    assert.ok(report?.kind === "failed");
    assert.match(report.message, /fusermount3 is not installed/);
    assert.match(report.hint!, /apt-get install fuse3/);
  },
);
