/**
 * The program of fuse_daemon.ts as a child of a test, with its mount; both are gone at the end of
 * the scope.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { findMount } from "../../lib/fuse/mount_table.ts";
import { findHolder, stopHolder } from "../../lib/fuse/takeover.ts";
import { unmount } from "../../lib/fuse/unmount.ts";
import type { FuseDaemonReport, FuseDaemonTask } from "./fuse_daemon.ts";

/** The running program. */
export class FuseDaemonProcess implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #target: string;
  readonly #lines: ReadableStreamDefaultReader<string>;
  #text = "";

  constructor(task: FuseDaemonTask) {
    this.#target = task.target;
    this.#process = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        fileURLToPath(new URL("fuse_daemon.ts", import.meta.url)),
        JSON.stringify(task),
      ],
      ...(task.searchPath === undefined ? {} : { env: { PATH: task.searchPath } }),
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#lines = this.#process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** The next thing that it says; undefined when it has ended. */
  async report(): Promise<FuseDaemonReport | undefined> {
    while (!this.#text.includes("\n")) {
      const { value, done } = await this.#lines.read();
      if (done) return undefined;
      this.#text += value;
    }
    const end = this.#text.indexOf("\n");
    const line = this.#text.slice(0, end);
    this.#text = this.#text.slice(end + 1);
    return JSON.parse(line);
  }

  /** Sends a signal, and waits for the end. */
  async kill(signal: Deno.Signal): Promise<Deno.CommandStatus> {
    try {
      this.#process.kill(signal);
    } catch {
      // It has ended.
    }
    return await this.#process.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const entry = await findMount(this.#target);
    if (entry !== undefined) {
      const holder = await findHolder(entry.device);
      await unmount(this.#target, { lazy: true });
      if (holder !== undefined) await stopHolder(holder);
    }
    await this.kill("SIGKILL");
    await this.#lines.cancel();
  }
}
