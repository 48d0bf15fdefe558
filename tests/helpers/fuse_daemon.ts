/**
 * A program that mounts a {@link MemoryFileSystem} and serves it until it is unmounted: for tests
 * that kill it, or that want it to be another user's.
 *
 * One argument: a {@link FuseDaemonTask} as JSON. It prints one line when the mount answers, or when
 * it cannot ({@link FuseDaemonReport}), and one when it ends.
 *
 * @module
 */

import { MyfsError } from "../../lib/base/errors.ts";
import { cloneFuseDevice } from "../../lib/fuse/device_file.ts";
import { mountDevice } from "../../lib/fuse/kernel_device.ts";
import { findMount } from "../../lib/fuse/mount_table.ts";
import { notifyResend } from "../../lib/fuse/notify.ts";
import { OPCODE_LIMIT } from "../../lib/fuse/opcodes.ts";
import {
  findHolder,
  type HolderOptions,
  startHolder,
  stopHolder,
  takeDescriptors,
} from "../../lib/fuse/takeover.ts";
import { unmount } from "../../lib/fuse/unmount.ts";
import type { FuseWorkerMessage, FuseWorkerStart } from "./fuse_worker.ts";
import type { MemoryTree } from "./memory_file_system.ts";

/** What it is to do. */
export interface FuseDaemonTask {
  readonly target: string;
  readonly tree: MemoryTree;
  readonly allowOther?: boolean;
  /** The user that it becomes before it mounts. */
  readonly userId?: number;
  /** Where it looks for programs. */
  readonly searchPath?: string;
  /** Whether a holder keeps the mount when the daemon dies. */
  readonly hasHolder?: boolean;
  /** How long it does, in seconds. */
  readonly graceSeconds?: number;
  /** Whether it takes over the mount of one that died, instead of mounting. */
  readonly takesOver?: boolean;
  /** Whether reads of the file `slow` are never answered. */
  readonly leavesSlowReads?: boolean;
}

/** What it says. */
export type FuseDaemonReport =
  | { readonly kind: "ready"; readonly pid: number }
  | { readonly kind: "failed"; readonly name: string; readonly message: string; hint?: string }
  | { readonly kind: "slow" }
  | { readonly kind: "ended"; readonly end: string };

function say(report: FuseDaemonReport): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${JSON.stringify(report)}\n`));
}

/** Gives up root for good. Modules are loaded by then: others may not read where they are. */
function becomeUser(userId: number): void {
  const { symbols } = Deno.dlopen("libc.so.6", {
    setgroups: { parameters: ["usize", "buffer"], result: "i32" },
    setresgid: { parameters: ["u32", "u32", "u32"], result: "i32" },
    setresuid: { parameters: ["u32", "u32", "u32"], result: "i32" },
  });
  symbols.setgroups(0n, null);
  if (symbols.setresgid(userId, userId, userId) !== 0) throw new Error("Cannot change the group");
  if (symbols.setresuid(userId, userId, userId) !== 0) throw new Error("Cannot change the user");
}

function graceOf({ graceSeconds }: FuseDaemonTask): HolderOptions {
  return graceSeconds === undefined ? {} : { graceSeconds };
}

async function main(task: FuseDaemonTask): Promise<void> {
  const workers = [1, 2].map(() =>
    new Worker(new URL("fuse_worker.ts", import.meta.url), { type: "module" })
  );
  // Each says so when its module is there.
  await Promise.all(
    workers.map((worker) => new Promise((resolve) => worker.onmessage = resolve)),
  );
  if (task.userId !== undefined) becomeUser(task.userId);
  const target = await Deno.realPath(task.target);
  const descriptors: number[] = [];
  if (task.takesOver === true) {
    const { device } = (await findMount(target))!;
    const old = (await findHolder(device))!;
    descriptors.push(...takeDescriptors(old));
    startHolder(device, descriptors, graceOf(task));
    await stopHolder(old);
  } else {
    const fd = await mountDevice(target, {
      source: "daemon",
      ...(task.allowOther === undefined ? {} : { allowOther: task.allowOther }),
    });
    // Where the device may not be opened again, both threads read from the same descriptor.
    descriptors.push(fd, cloneFuseDevice(fd) ?? fd);
  }
  const ends = workers.map((worker, index) => {
    const start: FuseWorkerStart = {
      fd: descriptors[index]!,
      tree: task.tree,
      counts: new Uint32Array(OPCODE_LIMIT),
      leavesSlowReads: task.leavesSlowReads ?? false,
    };
    worker.postMessage(start);
    return new Promise<string>((resolve) => {
      worker.onmessage = ({ data }: MessageEvent<FuseWorkerMessage>) => {
        if (data.kind === "slow") say({ kind: "slow" });
        if (data.kind === "ended") resolve(data.end);
      };
    });
  });
  await Deno.lstat(`${target}/large`);
  if (task.takesOver === true) notifyResend(descriptors[0]!);
  else if (task.hasHolder === true) {
    startHolder((await findMount(target))!.device, [...new Set(descriptors)], graceOf(task));
  }
  Deno.addSignalListener("SIGTERM", () => unmount(target, { lazy: true }));
  say({ kind: "ready", pid: Deno.pid });
  const [end] = await Promise.all(ends);
  say({ kind: "ended", end: end! });
  Deno.exit(0);
}

if (import.meta.main) {
  try {
    await main(JSON.parse(Deno.args[0]!));
  } catch (error) {
    const { name, message } = error as Error;
    const hint = error instanceof MyfsError ? error.hint : undefined;
    say({ kind: "failed", name, message, ...(hint === undefined ? {} : { hint }) });
    Deno.exit(1);
  }
}
