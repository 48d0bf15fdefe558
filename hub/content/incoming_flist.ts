/**
 * A flist on its way in: a file that is gone at the end unless it was published.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { tooLarge } from "./body.ts";
import { removeIfThere } from "../remove_if_there.ts";

/** See the module. */
export class IncomingFlist implements AsyncDisposable {
  /** Where it lies. */
  readonly path: string;
  readonly #file: Deno.FsFile;
  readonly #sizeMax: number;
  #size = 0;
  #isOpen = true;

  private constructor(path: string, file: Deno.FsFile, sizeMax: number) {
    this.path = path;
    this.#file = file;
    this.#sizeMax = sizeMax;
  }

  /** Starts one in `directory`. */
  static async create(directory: string, sizeMax: number): Promise<IncomingFlist> {
    const path = `${directory}/${crypto.randomUUID()}.part`;
    const file = await Deno.open(path, { createNew: true, write: true, mode: 0o600 });
    return new IncomingFlist(path, file, sizeMax);
  }

  /** Adds bytes. @throws {HubProblem} 413 when they become too many. */
  async write(bytes: Uint8Array): Promise<void> {
    this.#size += bytes.length;
    if (this.#size > this.#sizeMax) throw tooLarge(this.#sizeMax);
    for (let at = 0; at < bytes.length;) at += await this.#file.write(bytes.subarray(at));
  }

  /** Ends the writing. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#file.close();
  }

  /** Gives it its place, durably. */
  async moveTo(path: string): Promise<void> {
    {
      using file = await Deno.open(this.path, { read: true });
      await file.syncData();
    }
    await Deno.rename(this.path, path);
    using directory = await Deno.open(path.slice(0, path.lastIndexOf("/")));
    await directory.sync();
  }

  /** SHA-256 and size of the file as it is now. */
  async digest(): Promise<{ readonly sha256: string; readonly size: number }> {
    const hash = createHash("sha256");
    let size = 0;
    using file = await Deno.open(this.path);
    for await (const bytes of file.readable) {
      hash.update(bytes);
      size += bytes.length;
    }
    return { sha256: hash.digest("hex"), size };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await removeIfThere(this.path);
  }
}
