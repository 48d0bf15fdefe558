/**
 * What two flists have not in common, as lines. Loads the library: import it when a command runs.
 *
 * @module
 */

import { compareByteStrings, type ImageDiff } from "myfs";
import { displayPath } from "./entries.ts";
import { formatBytes, formatCount, formatNoun } from "./format.ts";

/** One line for each entry that differs, by path. */
export function diffLines(diff: ImageDiff): string[] {
  const lines: (readonly [path: string, line: string])[] = [];
  for (const path of diff.removed) lines.push([path, `- ${displayPath(path)}`]);
  for (const path of diff.added) lines.push([path, `+ ${displayPath(path)}`]);
  for (const { path, changes } of diff.changed) {
    lines.push([path, `~ ${displayPath(path)} (${changes.join(", ")})`]);
  }
  return lines.sort(([left], [right]) => compareByteStrings(left, right)).map(([, line]) => line);
}

/** The differences in figures. */
export function* diffSummary(diff: ImageDiff): Generator<string> {
  const { added, removed, changed } = diff;
  if (added.length + removed.length + changed.length === 0) {
    yield "No entry differs";
    return;
  }
  yield `${formatCount(added.length)} added, ${formatCount(removed.length)} removed, ` +
    `${formatCount(changed.length)} changed; from left to right ` +
    `${formatNoun(diff.blocksAdded, "new block")}, ${formatBytes(diff.blockBytesAdded)}`;
}
