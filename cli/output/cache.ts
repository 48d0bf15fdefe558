/**
 * What commands tell a person about a cache.
 *
 * @module
 */

import type { BlockTotal, CacheStatus, CacheVerifyReport, PinImageReport } from "myfs";
import { escapeControls } from "./escape.ts";
import { formatBytes, formatCount, formatNoun, formatShare } from "./format.ts";

/** What is in a cache: one line a fact, and one a pin. */
export function* cacheStatusLines(status: CacheStatus): Generator<string> {
  const { bytes, sizeMax, pins } = status;
  yield `folder    ${escapeControls(status.folder)}`;
  yield `blocks    ${formatCount(status.blocks)}`;
  yield `space     ${formatBytes(bytes)} of ${formatBytes(sizeMax)}, ${
    formatShare(bytes, sizeMax)
  }`;
  yield `pinned    ${formatNoun(status.blocksPinned, "block")}, ${formatBytes(status.bytesPinned)}`;
  yield `disk      ${formatBytes(status.freeBytes)} free, of which ` +
    `${formatBytes(status.freeSpaceMin)} stay free`;
  for (const { name, blocks, blocksPresent, bytesPresent } of pins) {
    yield `pin       ${escapeControls(name)}: ${formatCount(blocksPresent)} of ` +
      `${formatNoun(blocks, "block")}, ${formatBytes(bytesPresent)}`;
  }
}

/** What was pinned, one line an image. */
export function* pinSummary(pins: readonly PinImageReport[]): Generator<string> {
  for (const { name, blocks, blocksPresent, bytesPresent, blocksFetched } of pins) {
    yield `Pinned ${escapeControls(name)}: ${formatCount(blocksPresent)} of ` +
      `${formatNoun(blocks, "block")} are there, ${formatBytes(bytesPresent)}` +
      (blocksFetched === 0 ? "" : `; ${formatCount(blocksFetched)} fetched`);
  }
}

/** What was removed. */
export function* clearSummary(folder: string, removed: BlockTotal): Generator<string> {
  yield `Removed ${formatNoun(removed.blocks, "block")} from ${escapeControls(folder)}, ` +
    formatBytes(removed.bytes);
}

/** One line a block that was damaged. */
export function* damagedLines(report: CacheVerifyReport): Generator<string> {
  for (const id of report.damaged) yield `damaged ${id}: removed`;
}

/** How a check of all blocks went. */
export function* verifySummary(folder: string, report: CacheVerifyReport): Generator<string> {
  const verdict = report.damaged.length === 0
    ? "all well"
    : `${formatCount(report.damaged.length)} damaged and removed`;
  yield `Checked ${formatNoun(report.blocks, "block")} of ${escapeControls(folder)}, ` +
    `${formatBytes(report.bytes)}: ${verdict}`;
}
