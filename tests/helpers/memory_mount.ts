/**
 * A mount of a {@link MemoryFileSystem} for tests, which is gone at the end of the scope, whatever
 * happened.
 *
 * @module
 */

import { cloneFuseDevice, closeDescriptor } from "../../lib/fuse/device_file.ts";
import { abortConnection } from "../../lib/fuse/kernel_tuning.ts";
import { mountDevice, type MountOptions } from "../../lib/fuse/kernel_device.ts";
import { findMount, type MountEntry } from "../../lib/fuse/mount_table.ts";
import { OPCODE_LIMIT } from "../../lib/fuse/opcodes.ts";
import { unmount } from "../../lib/fuse/unmount.ts";
import type { FuseWorkerMessage, FuseWorkerStart } from "./fuse_worker.ts";
import type { MemoryTree } from "./memory_file_system.ts";

/** How to mount. */
export interface MemoryMountOptions {
  readonly tree: MemoryTree;
  /** How many threads answer. @default {1} */
  readonly threads?: number;
  readonly mount?: Partial<MountOptions>;
  /** Told what threads say besides that they ended. */
  readonly onMessage?: (message: FuseWorkerMessage) => void;
  /** Whether reads of the file `slow` are left to `onMessage`. */
  readonly leavesSlowReads?: boolean;
}

const END_TIMEOUT_MS = 5000;

/** The mount. */
export class MemoryMount implements AsyncDisposable {
  readonly target: string;
  /** Descriptors of the device: one a thread. */
  readonly descriptors: readonly number[];
  /** How each thread ended, when it did. */
  readonly ended: Promise<string[]>;
  readonly #counts: Uint32Array[] = [];
  #isOpen = true;

  private constructor(target: string, descriptors: readonly number[], options: MemoryMountOptions) {
    this.target = target;
    this.descriptors = descriptors;
    this.ended = Promise.all(descriptors.map((fd) => this.#startThread(fd, options)));
  }

  /** Mounts on a directory that exists. */
  static async on(target: string, options: MemoryMountOptions): Promise<MemoryMount> {
    const fd = await mountDevice(target, { source: "test source", ...options.mount });
    const descriptors = [fd];
    while (descriptors.length < (options.threads ?? 1)) {
      const clone = cloneFuseDevice(fd);
      if (clone === undefined) throw new Error("Cannot clone the device");
      descriptors.push(clone);
    }
    return new MemoryMount(target, descriptors, options);
  }

  /** How many requests of each number there were so far. */
  counts(): Uint32Array {
    const sums = new Uint32Array(OPCODE_LIMIT);
    for (const counts of this.#counts) counts.forEach((count, opcode) => sums[opcode]! += count);
    return sums;
  }

  /** What the kernel's table says of it. */
  async entry(): Promise<MountEntry> {
    const entry = await findMount(await Deno.realPath(this.target));
    if (entry === undefined) throw new Error(`Nothing is mounted on ${this.target}`);
    return entry;
  }

  /** Output of a program that is run in the mount, which must succeed in time. */
  async run(command: string, ...args: string[]): Promise<string> {
    const { success, stdout, stderr } = await new Deno.Command("timeout", {
      args: ["--signal=KILL", "60", command, ...args],
      cwd: this.target,
      env: { LC_ALL: "C" },
    }).output();
    const decoder = new TextDecoder();
    if (!success) throw new Error(`${command} ${args.join(" ")}: ${decoder.decode(stderr)}`);
    return decoder.decode(stdout);
  }

  /** Ends it, by force where it must be. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    const entry = await findMount(await Deno.realPath(this.target).catch(() => this.target));
    await unmount(this.target, { lazy: true });
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<"late">((resolve) => {
      timer = setTimeout(() => resolve("late"), END_TIMEOUT_MS);
    });
    if (await Promise.race([this.ended, late]) === "late") {
      if (entry !== undefined) await abortConnection(entry.connection);
      throw new Error(`Threads still serve ${this.target} after it was unmounted`);
    }
    clearTimeout(timer);
    this.descriptors.forEach(closeDescriptor);
  }

  #startThread(fd: number, options: MemoryMountOptions): Promise<string> {
    const worker = new Worker(new URL("fuse_worker.ts", import.meta.url), { type: "module" });
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    worker.onmessage = ({ data }: MessageEvent<FuseWorkerMessage>) => {
      if (data.kind !== "ended") return options.onMessage?.(data);
      resolve(data.end);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(event.message));
    };
    const counts = new Uint32Array(new SharedArrayBuffer(4 * OPCODE_LIMIT));
    this.#counts.push(counts);
    const start: FuseWorkerStart = {
      fd,
      counts,
      tree: options.tree,
      leavesSlowReads: options.leavesSlowReads ?? false,
    };
    worker.postMessage(start);
    return promise;
  }
}
