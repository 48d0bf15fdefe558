/**
 * Blocks that a check found to be missing or damaged, as lines.
 *
 * @module
 */

import type { BlockFault, CheckReport } from "myfs";
import { escapeControls } from "./escape.ts";
import { formatCount } from "./format.ts";

/** One line a block, and below it one for each file that needs it. */
export function* faultLines(report: CheckReport): Generator<string> {
  for (const fault of report.missing) yield* linesOf("missing", fault);
  for (const fault of report.corrupt) yield* linesOf("damaged", fault);
  for (const path of report.incomplete) yield `incomplete ${path}: the flist lacks blocks of it`;
}

function* linesOf(label: string, fault: BlockFault): Generator<string> {
  yield `${label} ${fault.id}: ${escapeControls(fault.reason)}`;
  for (const path of fault.paths) yield `  ${escapeControls(path)}`;
  const others = fault.pathCount - fault.paths.length;
  if (others > 0) yield `  … and ${formatCount(others)} more`;
}
