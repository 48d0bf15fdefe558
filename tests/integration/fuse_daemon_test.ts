/**
 * Goal: whatever happens to a daemon, programs that use its mount get an answer or an error, and
 * nothing is left. Method: a program that mounts, killed and replaced.
 *
 * @module
 */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { findMount } from "../../lib/fuse/mount_table.ts";
import { unmount } from "../../lib/fuse/unmount.ts";
import { FuseDaemonProcess } from "../helpers/fuse_daemon_process.ts";
import { fillContent, MemoryFileSystem } from "../helpers/memory_file_system.ts";
import type { MountCyclesReport } from "../helpers/mount_cycles.ts";
import { requiringTest } from "../helpers/require.ts";
import { TempFolder } from "../helpers/temp_folder.ts";

const TREE = { directories: 2, filesEach: 2, fileSize: 1000, many: 10, largeSize: 5_000_000 };
const expected = new MemoryFileSystem(TREE);

/** Output and end of a program, which is killed when it takes too long. */
async function run(...command: string[]): Promise<{ code: number; out: string; error: string }> {
  const { code, stdout, stderr } = await new Deno.Command("timeout", {
    args: ["--signal=KILL", "20", ...command],
    env: { LC_ALL: "C" },
  }).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), error: decoder.decode(stderr) };
}

requiringTest(["root", "fuse"], "fuse daemon: SIGTERM removes the mount", async () => {
  using folder = new TempFolder();
  const target = await Deno.realPath(folder.tree("mnt"));
  await using daemon = new FuseDaemonProcess({ target, tree: TREE });
  assert.equal((await daemon.report())?.kind, "ready");
  assert.equal((await run("cat", `${target}/large`)).code, 0);
  const { code } = await daemon.kill("SIGTERM");
  assert.equal(code, 0);
  assert.deepEqual(await daemon.report(), { kind: "ended", end: "unmounted" });
  assert.equal(await findMount(target), undefined);
});

requiringTest(
  ["root", "fuse"],
  "fuse daemon: killed without a holder, programs get an error",
  async () => {
    using folder = new TempFolder();
    const target = await Deno.realPath(folder.tree("mnt"));
    await using daemon = new FuseDaemonProcess({ target, tree: TREE, leavesSlowReads: true });
    assert.equal((await daemon.report())?.kind, "ready");
    // One program waits for an answer, another will ask.
    const waiting = run("cat", `${target}/slow`);
    assert.deepEqual(await daemon.report(), { kind: "slow" });
    assert.equal((await daemon.kill("SIGKILL")).signal, "SIGKILL");
    assert.notEqual((await waiting).code, 0);
    assert.match((await run("ls", target)).error, /Transport endpoint is not connected/);
    // The stale mount is found, and can be removed.
    assert.equal((await findMount(target))?.source, "daemon");
    assert.equal(await unmount(target), "unmounted");
    assert.equal((await run("ls", target)).code, 0);
  },
);

requiringTest(
  ["root", "fuse"],
  "fuse daemon: another one takes over, and whoever waited goes on",
  async () => {
    using folder = new TempFolder();
    const target = await Deno.realPath(folder.tree("mnt"));
    const task = { target, tree: TREE, hasHolder: true };
    await using first = new FuseDaemonProcess({ ...task, leavesSlowReads: true });
    assert.equal((await first.report())?.kind, "ready");
    const file = await Deno.open(`${target}/large`);
    const waiting = run("md5sum", `${target}/slow`);
    assert.deepEqual(await first.report(), { kind: "slow" });
    assert.equal((await first.kill("SIGKILL")).signal, "SIGKILL");
    await using second = new FuseDaemonProcess({ ...task, takesOver: true });
    assert.equal((await second.report())?.kind, "ready");
    // The read that the first one left behind is answered by the second.
    const slow = new Uint8Array(4096);
    fillContent(slow, expected.inoOf("slow")!, 0);
    const { code, out } = await waiting;
    assert.equal(code, 0);
    assert.equal(out.split(" ")[0], createHash("md5").update(slow).digest("hex"));
    // What was open stays open.
    const bytes = new Uint8Array(4096);
    const right = new Uint8Array(4096);
    fillContent(right, expected.inoOf("large")!, 3_000_000);
    await file.seek(3_000_000, Deno.SeekMode.Start);
    assert.equal(await file.read(bytes), 4096);
    assert.deepEqual(bytes, right);
    file.close();
    // And a third after the second.
    assert.equal((await second.kill("SIGKILL")).signal, "SIGKILL");
    await using third = new FuseDaemonProcess({ ...task, takesOver: true });
    assert.equal((await third.report())?.kind, "ready");
    assert.equal((await run("ls", `${target}/many`)).out.split("\n").length, TREE.many + 1);
  },
);

requiringTest(
  ["root", "fuse"],
  "fuse daemon: where nobody takes over, the wait has an end",
  async () => {
    using folder = new TempFolder();
    const target = await Deno.realPath(folder.tree("mnt"));
    const task = { target, tree: TREE, hasHolder: true, graceSeconds: 1, leavesSlowReads: true };
    await using daemon = new FuseDaemonProcess(task);
    assert.equal((await daemon.report())?.kind, "ready");
    const waiting = run("cat", `${target}/slow`);
    assert.deepEqual(await daemon.report(), { kind: "slow" });
    await daemon.kill("SIGKILL");
    const { code, error } = await waiting;
    assert.equal(code, 1);
    assert.match(error, /aborted|not connected|Input\/output/i);
  },
);

const CYCLES = 50;

requiringTest(["root", "fuse"], `fuse mount: ${CYCLES} times, and nothing is left`, async () => {
  using folder = new TempFolder();
  const target = await Deno.realPath(folder.tree("mnt"));
  const program = new URL("../helpers/mount_cycles.ts", import.meta.url).pathname;
  const { code, stdout, stderr } = await new Deno.Command("timeout", {
    args: ["--signal=KILL", "60", Deno.execPath(), "run", "-A", program, target, `${CYCLES}`],
  }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  const report = JSON.parse(new TextDecoder().decode(stdout)) as MountCyclesReport;
  assert.deepEqual(report, { descriptors: 0 });
  assert.equal(await findMount(target), undefined);
});
