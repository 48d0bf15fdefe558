/**
 * Trees on disk as text, and their comparison. `tree_dump.py` does the reading, and shares no code
 * with what it is there to check.
 *
 * @module
 */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

/** What to leave out of a dump. */
export interface TreeDumpOptions {
  /** Whether to say where files have holes. @default {true} */
  readonly holes?: boolean;
  /** Whether to say who owns entries. @default {true} */
  readonly owners?: boolean;
}

/** The tree at `path`, a line for each entry: see `tree_dump.py`. Needs `python3`. */
export function dumpTree(path: string, options: TreeDumpOptions = {}): string[] {
  const script = fileURLToPath(new URL("tree_dump.py", import.meta.url));
  const args = [script, path];
  if (options.holes === false) args.push("--no-holes");
  if (options.owners === false) args.push("--no-owners");
  const { success, stdout, stderr } = new Deno.Command("python3", { args }).outputSync();
  assert.ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout).trimEnd().split("\n");
}

const SHOWN_MAX = 10;

/** Asserts that two dumps are the same, and shows a few lines where they are not. */
export function assertSameDump(actual: readonly string[], expected: readonly string[]): void {
  const actualOnly = new Set(actual);
  const differing: string[] = [];
  for (const line of expected) if (!actualOnly.delete(line)) differing.push(`- ${shorten(line)}`);
  for (const line of actualOnly) differing.push(`+ ${shorten(line)}`);
  differing.sort((a, b) => a.slice(2) < b.slice(2) ? -1 : 1);
  if (differing.length > 0) {
    const more = differing.length > SHOWN_MAX ? `\n… ${differing.length} lines differ` : "";
    assert.fail(`The trees differ:\n${differing.slice(0, SHOWN_MAX).join("\n")}${more}`);
  }
  assert.deepEqual(actual, expected);
}

function shorten(line: string): string {
  return line.length <= 400 ? line : `${line.slice(0, 100)} … ${line.slice(-290)}`;
}
