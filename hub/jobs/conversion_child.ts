/**
 * A process that converts an image, as the hub sees it.
 *
 * Why a process, and not a thread: the hub answers as before whatever the image is; and one that takes
 * too long, or too much memory, can be ended with everything that it holds.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { UnsupportedError } from "myfs";
import type { ConversionTask } from "./conversion_task.ts";

/** How long a process may take to end in good order, in milliseconds. */
const STOP_MS = 5000;

/** What is kept of what it writes to standard error, in characters. */
const ERROR_LENGTH_MAX = 4000;

/** Variables of the environment that only the hub has to know. */
const HUB_VARIABLE = /^MYFS_HUB_/;

/** How it ended. */
export interface ConversionEnd {
  readonly success: boolean;
  /** What it wrote to standard error. */
  readonly errors: string;
}

/** See the module. */
export class ConversionChild {
  /** Resolves when the process is no more; never rejects. */
  readonly ended: Promise<ConversionEnd>;
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  #stopping: Promise<void> | undefined;

  /** Starts a process. @throws {UnsupportedError} where the program is one file, without its modules. */
  constructor(task: ConversionTask) {
    if (Deno.build.standalone) {
      throw new UnsupportedError("Cannot convert images: this program has no modules of its own", {
        hint: "Run the hub with deno.",
      });
    }
    const module = fileURLToPath(new URL("./conversion_process.ts", import.meta.url));
    const environment = Object.entries(Deno.env.toObject())
      .filter(([name]) => !HUB_VARIABLE.test(name));
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "-A", module],
      clearEnv: true,
      env: Object.fromEntries(environment),
      stdin: "piped",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.ended = this.#watch();
    // One that ended at once says so by its status.
    this.#input.write(new TextEncoder().encode(`${JSON.stringify(task)}\n`)).catch(() => {});
  }

  /** Has it end, by force where it does not in time. */
  async stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    await this.#stopping;
  }

  async #stop(): Promise<void> {
    await this.#input.close().catch(() => {});
    const timer = setTimeout(() => {
      try {
        this.#child.kill("SIGKILL");
      } catch {
        // It has just ended.
      }
    }, STOP_MS);
    await this.ended;
    clearTimeout(timer);
  }

  async #watch(): Promise<ConversionEnd> {
    let errors = "";
    for await (const piece of this.#child.stderr.pipeThrough(new TextDecoderStream())) {
      errors = (errors + piece).slice(-ERROR_LENGTH_MAX);
    }
    const { success } = await this.#child.status;
    await this.#input.close().catch(() => {});
    return { success, errors };
  }
}
