/**
 * A program that mounts and unmounts many times in a process of its own, so that what is left in it
 * is its doing: `deno run -A mount_cycles.ts <directory> <cycles>`. Prints what is left as JSON.
 *
 * @module
 */

import { MemoryMount } from "./memory_mount.ts";
import { until } from "./until.ts";

/** What is left of the mounts in the process. */
export interface MountCyclesReport {
  /** Open descriptors of the device. */
  readonly descriptors: number;
}

/** The tree that is mounted. */
export const CYCLES_TREE = {
  directories: 2,
  filesEach: 2,
  fileSize: 1000,
  many: 10,
  largeSize: 5_000_000,
};

function deviceDescriptors(): number {
  return Array.from(Deno.readDirSync("/proc/self/fd"), ({ name }) => {
    try {
      return Deno.readLinkSync(`/proc/self/fd/${name}`);
    } catch {
      return "";
    }
  }).filter((link) => link === "/dev/fuse").length;
}

function threads(): number {
  return Array.from(Deno.readDirSync("/proc/self/task")).length;
}

async function main(target: string, cycles: number): Promise<void> {
  let threadsAfterFirst = 0;
  for (let cycle = 0; cycle < cycles; cycle++) {
    await using _mount = await MemoryMount.on(target, { tree: CYCLES_TREE });
    const { size } = await Deno.stat(`${target}/large`);
    if (size !== CYCLES_TREE.largeSize) throw new Error(`The file has ${size} bytes`);
    if (cycle === 1) threadsAfterFirst = threads();
  }
  await until(() => threads() <= threadsAfterFirst + 2);
  const report: MountCyclesReport = { descriptors: deviceDescriptors() };
  await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(report)));
}

if (import.meta.main) await main(Deno.args[0]!, Number(Deno.args[1]));
