/**
 * Patterns of what to leave out of a pack.
 *
 * @module
 */

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
 * @throws {RangeError} when a pattern is empty.
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
    return { matches: picomatch(glob, { dot: true }), anchored, directoriesOnly };
  });
  return (path, kind) => {
    const name = path.slice(path.lastIndexOf("/") + 1);
    return rules.some(({ matches, anchored, directoriesOnly }) =>
      (!directoriesOnly || kind === "directory") && matches(anchored ? path : name)
    );
  };
}
