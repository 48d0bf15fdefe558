/**
 * A program that mounts an image and unmounts it many times in a process of its own, so that what is
 * left in it is its doing: `deno run -A image_mount_cycles.ts <flist> <store> <target> <cycles>`. Some
 * mounts are to fail. Prints what is left as JSON.
 *
 * @module
 */

import { mountImage } from "../../lib/mount/mount_image.ts";
import { openDescriptors } from "./open_descriptors.ts";
import { until } from "./until.ts";

/** What is left of the mounts in the process. */
export interface ImageMountCyclesReport {
  /** Open descriptors of the device, and of the flist and the blocks. */
  readonly descriptors: number;
  /** Those who kept a mount, running or not waited for. */
  readonly holders: number;
}

/** How many threads the process has. The runtime keeps some for its own work. */
async function threads(): Promise<number> {
  return Number(/^Threads:\s+(\d+)/m.exec(await Deno.readTextFile("/proc/self/status"))![1]);
}
const OWN_THREADS = 4;

async function cycle(meta: string, store: string, target: string): Promise<void> {
  await using mount = await mountImage(meta, target, { store, keep: {} });
  if (!mount.status().isKept) throw new Error("Nobody keeps the mount");
  // One file after the other, as it takes for content to be pushed.
  const entries = await Array.fromAsync(Deno.readDir(target));
  for (const name of entries.map(({ name }) => name).toSorted()) {
    await Deno.readFile(`${target}/${name}`);
  }
}

async function failingCycle(meta: string, store: string, target: string): Promise<void> {
  const failing: readonly (readonly [string, string, string])[] = [
    [`${meta}.none`, store, target],
    [meta, store, `${target}/nowhere`],
    [meta, "none://x", target],
  ];
  for (const [meta, store, target] of failing) {
    const failed = await mountImage(meta, target, { store }).then(() => false, () => true);
    if (!failed) throw new Error(`${meta} was mounted on ${target}`);
  }
}

async function main([meta, store, target, cycles]: string[]): Promise<void> {
  await cycle(meta!, store!, target!);
  await failingCycle(meta!, store!, target!);
  const threadsBefore = await threads();
  for (let round = 0; round < Number(cycles); round++) {
    await cycle(meta!, store!, target!);
    if (round % 10 === 0) await failingCycle(meta!, store!, target!);
  }
  await until(async () => await threads() <= threadsBefore + OWN_THREADS);
  const { stdout } = await new Deno.Command("ps", {
    args: ["-o", "args=", "--ppid", String(Deno.pid)],
  }).output();
  const report: ImageMountCyclesReport = {
    descriptors: openDescriptors("/dev/fuse") + openDescriptors(target!.replace(/\/[^/]*$/, "")),
    holders: new TextDecoder().decode(stdout).split("myfs-mount-holder").length - 1,
  };
  await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(report)));
}

if (import.meta.main) await main(Deno.args);
