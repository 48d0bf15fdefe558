/**
 * Overlay file systems of the kernel. Need the rights of root.
 *
 * @module
 */

import assert from "node:assert/strict";

/** A mounted overlay over one lower directory, until it is unmounted or the scope ends. */
export class OverlayMount implements Disposable {
  /** Where changes go. */
  readonly upper: string;
  /** Where it is mounted. */
  readonly merged: string;
  #isMounted = false;

  /**
   * Mounts it.
   *
   * @param folder An existing directory for what the overlay needs, which holds nothing of the name
   *   `upper`, `work` or `merged`, unless an overlay was there before: its changes are kept.
   * @param options Further mount options, such as `redirect_dir=on`.
   */
  constructor(lower: string, folder: string, options: readonly string[] = []) {
    this.upper = `${folder}/upper`;
    this.merged = `${folder}/merged`;
    for (const name of ["upper", "work", "merged"]) {
      Deno.mkdirSync(`${folder}/${name}`, { recursive: true });
    }
    const places = [`lowerdir=${lower}`, `upperdir=${this.upper}`, `workdir=${folder}/work`];
    run("mount", "-t", "overlay", "-o", [...places, ...options].join(), "overlay", this.merged);
    this.#isMounted = true;
  }

  /** Unmounts it. What is in the upper directory stays. */
  unmount(): void {
    if (!this.#isMounted) return;
    this.#isMounted = false;
    run("umount", this.merged);
  }

  [Symbol.dispose](): void {
    this.unmount();
  }
}

function run(command: string, ...args: string[]): void {
  const { success, stderr } = new Deno.Command(command, { args }).outputSync();
  assert.ok(success, `${command} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}
