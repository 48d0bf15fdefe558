/**
 * A tree with every oddity that Linux knows: see `odd_tree.py`, which builds it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

/** What was built. */
export interface OddTree {
  /** Whether root built it, with devices, owners and capabilities. */
  readonly root: boolean;
  /** Features that the file system or the kernel refused. */
  readonly missing: readonly string[];
}

/** Builds the tree at `path`, which must not exist. Needs `python3`. */
export function buildOddTree(path: string): OddTree {
  const script = fileURLToPath(new URL("odd_tree.py", import.meta.url));
  const { success, stdout, stderr } = new Deno.Command("python3", { args: [script, path] })
    .outputSync();
  assert.ok(success, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}
