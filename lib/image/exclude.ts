/**
 * Patterns of what to leave out of a pack.
 *
 * @module
 */

import { basename, dirname, join } from "node:path";
// @ts-types="@types/picomatch"
import picomatch from "picomatch";
import type { EntryKind } from "../tree/tree_entry.ts";

/**
 * A test for what `patterns` leave out. A pattern is a glob, much as in `.gitignore`:
 *
 * - without a slash it is matched against names anywhere in the tree: `*.o`, `node_modules`;
 * - with a slash it is matched against paths from the tree's root: `/boot`, `var/cache/*`, `a/**\/b`;
 * - with a slash at its end it matches directories only;
 * - `*` stays within a name, `**` does not; names that begin with a dot are matched like others.
 *
 * A directory that matches is left out with everything in it.
 *
 * @throws {RangeError} when a pattern is empty, or begins with `!`.
 */
export function excludeMatcher(
  patterns: readonly string[],
): (path: string, kind: EntryKind) => boolean {
  const rules = patterns.map((pattern) => {
    const directoriesOnly = pattern.endsWith("/");
    const body = directoriesOnly ? pattern.slice(0, -1) : pattern;
    const anchored = body.includes("/");
    const glob = body.startsWith("/") ? body.slice(1) : body;
    if (glob === "") throw new RangeError(`Cannot exclude "${pattern}": the pattern is empty`);
    if (glob.startsWith("!")) {
      // It would leave out everything else, which nobody means.
      throw new RangeError(
        `Cannot exclude "${pattern}": no pattern takes back others; \\! matches an exclamation mark`,
      );
    }
    return { matches: picomatch(glob, { dot: true }), anchored, directoriesOnly };
  });
  return (path, kind) => {
    const name = path.slice(path.lastIndexOf("/") + 1);
    return rules.some(({ matches, anchored, directoriesOnly }) =>
      (!directoriesOnly || kind === "directory") && matches(anchored ? path : name)
    );
  };
}

/**
 * A test for what a pack of `source` itself writes: the flist `meta` and the directories of a store.
 * They are not part of the tree, even where they lie in it.
 *
 * @param directories Absolute paths.
 */
export async function ownOutputMatcher(
  source: string,
  meta: string,
  directories: readonly string[],
): Promise<(path: string) => boolean> {
  const root = await Deno.realPath(source);
  const prefix = root === "/" ? root : `${root}/`;
  const inTree = (path: string): string[] =>
    path.startsWith(prefix) ? [path.slice(prefix.length)] : [];
  const flist = inTree(join(await Deno.realPath(dirname(meta)), basename(meta)));
  const real = await Promise.all(directories.map((path) => Deno.realPath(path)));
  const exact = new Set([...flist, ...real.flatMap(inTree)]);
  if (exact.size === 0) return () => false;
  // The flist is written beside its final name first: see TemporaryFile in lib/flist.
  const isTemporary = (path: string): boolean =>
    flist.some((name) => path.startsWith(`${name}.`) && path.endsWith(".tmp"));
  return (path) => exact.has(path) || isTemporary(path);
}
