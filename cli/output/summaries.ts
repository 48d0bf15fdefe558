/**
 * What commands tell a person when they are done.
 *
 * @module
 */

import type {
  CheckReport,
  CloneReport,
  CommitReport,
  EntryCounts,
  PackReport,
  UnpackReport,
} from "myfs";
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatNoun,
  formatRate,
  formatShare,
} from "./format.ts";

/**
 * What was packed, and what it cost.
 *
 * @param known What blocks were known from.
 */
export function* packSummary(
  source: string,
  report: PackReport,
  known = "the base",
): Generator<string> {
  const { contentBytes, durationMs } = report;
  yield `Packed ${source} into ${report.meta} in ${timeAndRate(contentBytes, durationMs)}`;
  yield* packedLines(report, known);
}

/** What an overlay's changes came to, and what they cost. */
export function* commitSummary(report: CommitReport): Generator<string> {
  const { base, blocksElsewhere, durationMs, meta, upper } = report;
  yield `Committed ${upper} on ${base} into ${meta} in ${formatDuration(durationMs)}`;
  yield `  changes  ${formatNoun(report.upperEntries, "entry", "entries")} from the overlay, ` +
    `${formatNoun(report.whiteouts, "name")} of the base taken away`;
  yield* packedLines(report, "the base");
  if (blocksElsewhere > 0) {
    yield `  routes   ${formatNoun(blocksElsewhere, "block")} in the stores of the base alone, ` +
      "which the flist names too";
  }
}

/** The lines that describe an image and its blocks. */
function* packedLines(report: PackReport, known: string): Generator<string> {
  const { contentBytes } = report;
  yield `  tree     ${countsText(report)}`;
  yield `  content  ${formatBytes(contentBytes)} in ${formatNoun(report.chunks, "chunk")}; ` +
    `blocks ${formatBytes(report.referencedBytes)}, ` +
    `${formatShare(report.referencedBytes, contentBytes)} of the content`;
  yield `  stored   ${formatNoun(report.blocksStored, "new block")}, ` +
    `${formatBytes(report.storedBytes)}; ${formatCount(report.blocksPresent)} were there already`;
  const reused: string[] = [];
  if (report.unchangedFiles > 0) reused.push(formatNoun(report.unchangedFiles, "unchanged file"));
  if (report.blocksReused > 0) reused.push(formatNoun(report.blocksReused, "block"));
  if (reused.length > 0) yield `  reused   ${reused.join(", ")} of ${known}`;
  yield `  flist    ${formatBytes(report.flistBytes)}, profile ${report.profile}`;
}

/** What was unpacked. */
export function* unpackSummary(report: UnpackReport, meta: string): Generator<string> {
  const { contentBytes, durationMs } = report;
  yield `Unpacked ${meta} into ${report.target} in ${timeAndRate(contentBytes, durationMs)}`;
  yield `  tree     ${countsText(report)}`;
  yield `  content  ${formatBytes(contentBytes)} from ${formatNoun(report.blocksRead, "block")}, ` +
    formatBytes(report.blockBytes);
}

/** What was copied. */
export function* cloneSummary(report: CloneReport): Generator<string> {
  const { copiedBytes, durationMs } = report;
  yield `Cloned ${report.meta} to ${report.target} in ${timeAndRate(copiedBytes, durationMs)}`;
  yield `  blocks   ${formatCount(report.blocksCopied)} copied, ${formatBytes(copiedBytes)}; ` +
    `${formatCount(report.blocksPresent)} were there already`;
}

/** How a check went. */
export function* checkSummary(report: CheckReport): Generator<string> {
  const { missing, corrupt, incomplete } = report;
  const verdict = missing.length + corrupt.length + incomplete.length === 0
    ? "all well"
    : `${formatCount(missing.length)} missing, ${formatCount(corrupt.length)} damaged` +
      (incomplete.length === 0 ? "" : `; ${formatCount(incomplete.length)} files cut short`);
  yield `Checked ${formatNoun(report.blocks, "block")} of ${report.meta} in ` +
    `${timeAndRate(report.blockBytes, report.durationMs)}: ${verdict}`;
}

/** `48,443 files, 10,982 directories, 12 symlinks`: kinds that do not occur are left out. */
export function countsText(counts: EntryCounts): string {
  const parts = [formatNoun(counts.files, "file")];
  const others: readonly (readonly [number, string, string])[] = [
    [counts.directories, "directory", "directories"],
    [counts.symlinks, "symlink", "symlinks"],
    [counts.specials, "special file", "special files"],
    [counts.hardLinks, "hard link", "hard links"],
  ];
  for (const [count, noun, plural] of others) {
    if (count > 0) parts.push(formatNoun(count, noun, plural));
  }
  return parts.join(", ");
}

/** `3.2 s (250 MiB/s)`; the rate only where there are bytes. */
export function timeAndRate(bytes: number, durationMs: number): string {
  const rate = bytes > 0 ? formatRate(bytes, durationMs) : "";
  return formatDuration(durationMs) + (rate === "" ? "" : ` (${rate})`);
}
