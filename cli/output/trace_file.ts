/**
 * What the kernel asks of a mount, and what it is answered, as lines in a file.
 *
 * @module
 */

/** Takes lines as they come. */
export class TraceFile implements Disposable {
  readonly #file: Deno.FsFile;

  private constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  /** Opens the file at `path`, to append to, and says in it what the lines mean. */
  static async open(path: string): Promise<TraceFile> {
    const { TRACE_LEGEND } = await import("myfs");
    const trace = new TraceFile(await Deno.open(path, { append: true, create: true }));
    trace.write(TRACE_LEGEND.trimEnd());
    return trace;
  }

  /** Writes a line. */
  write(line: string): void {
    const bytes = new TextEncoder().encode(`${line}\n`);
    try {
      for (let at = 0; at < bytes.length;) at += this.#file.writeSync(bytes.subarray(at));
    } catch {
      // A full disk is no reason to end the mount.
    }
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}
