/**
 * What happens to a mount, as lines in a file or on standard error.
 *
 * @module
 */

import type { MountEvent } from "myfs";
import type { Printer } from "./printer.ts";

/** Takes events as they come. */
export class EventLog implements Disposable {
  readonly #file: Deno.FsFile | undefined;
  readonly #printer: Printer;

  private constructor(file: Deno.FsFile | undefined, printer: Printer) {
    this.#file = file;
    this.#printer = printer;
  }

  /** Opens the log at `path`, to append to; without a path, `printer` gets warnings. */
  static async open(path: string | undefined, printer: Printer): Promise<EventLog> {
    const file = path === undefined
      ? undefined
      : await Deno.open(path, { append: true, create: true });
    return new EventLog(file, printer);
  }

  /** Writes a line. */
  write(event: MountEvent): void {
    const line = eventLine(event);
    if (this.#file === undefined) return this.#printer.warn(() => [`warning: ${line}`]);
    const bytes = new TextEncoder().encode(`${new Date().toISOString()} ${line}\n`);
    try {
      for (let at = 0; at < bytes.length;) at += this.#file.writeSync(bytes.subarray(at));
    } catch {
      // A full disk is no reason to end the mount.
    }
  }

  [Symbol.dispose](): void {
    this.#file?.close();
  }
}

/** An event as one sentence. */
export function eventLine(event: MountEvent): string {
  const { message } = event.fault;
  switch (event.kind) {
    case "stale-removed":
    case "not-kept":
      return message;
    case "fault":
      return `${event.request}: ${message}`;
    case "store-away":
      return `The stores are away: ${message}`;
    case "thread-failed":
      return `A thread of the mount failed: ${message}`;
  }
}
