/**
 * A disk that fills up: a small file system in memory.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { TempFolder } from "./temp_folder.ts";

/** A file system of limited size, mounted at a folder until the end of the scope. */
export class SmallDisk implements Disposable {
  readonly path: string;

  /** @param options As of `mount -t tmpfs -o`, such as `size=4m`. */
  constructor(folder: TempFolder, options: string) {
    this.path = folder.tree("disk");
    run("mount", ["-t", "tmpfs", "-o", options, "tmpfs", this.path]);
  }

  /** Gives it another size, such as `12m`. */
  resize(size: string): void {
    run("mount", ["-o", `remount,size=${size}`, this.path]);
  }

  [Symbol.dispose](): void {
    run("umount", ["--lazy", this.path]);
  }
}

function run(command: string, args: string[]): void {
  const { success, stderr } = new Deno.Command(command, { args }).outputSync();
  assert.ok(success, new TextDecoder().decode(stderr));
}
