/**
 * What a copy of a store did, as lines.
 *
 * @module
 */

import type { CopyStoreFault, CopyStoreReport } from "myfs";
import { escapeControls } from "./escape.ts";
import { formatBytes, formatCount, formatNoun } from "./format.ts";
import { timeAndRate } from "./summaries.ts";

/** One line for each block that could not be copied. */
export function* copyFaultLines(report: CopyStoreReport): Generator<string> {
  yield* linesOf("missing", report.missing, report.blocksMissing);
  yield* linesOf("damaged", report.corrupt, report.blocksCorrupt);
}

function* linesOf(
  label: string,
  faults: readonly CopyStoreFault[],
  count: number,
): Generator<string> {
  for (const { id, reason } of faults) yield `${label} ${id}: ${escapeControls(reason)}`;
  const others = count - faults.length;
  if (others > 0) yield `${label} … and ${formatNoun(others, "more block")}`;
}

/** What was copied. */
export function* copySummary(report: CopyStoreReport): Generator<string> {
  const { copiedBytes, durationMs, blocksMissing, blocksCorrupt } = report;
  yield `Copied ${report.source} to ${report.targets.join(", ")} in ` +
    timeAndRate(copiedBytes, durationMs);
  yield `  blocks   ${formatCount(report.blocksCopied)} copied, ${formatBytes(copiedBytes)}; ` +
    `${formatCount(report.blocksPresent)} were there already`;
  if (report.blocksRepaired > 0) {
    yield `  repaired ${formatNoun(report.blocksRepaired, "damaged copy", "damaged copies")}`;
  }
  if (report.blocksOutside > 0) {
    yield `  left     ${formatNoun(report.blocksOutside, "block")} that no target is for`;
  }
  if (report.blocksDeleted > 0) {
    yield `  deleted  ${formatNoun(report.blocksDeleted, "block")} from the source`;
  }
  if (blocksMissing + blocksCorrupt > 0) {
    yield `  failed   ${formatCount(blocksMissing)} missing, ${
      formatCount(blocksCorrupt)
    } damaged at the source`;
  }
}
