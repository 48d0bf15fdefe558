/**
 * What a check of a store found, as lines.
 *
 * @module
 */

import type { SpeedFigure, StoreCheckReport, StorePromise } from "myfs";
import { escapeControls } from "./escape.ts";
import { formatBytes, formatCount, formatDuration, formatNoun } from "./format.ts";

const SCRATCH_TEXT: Readonly<Record<StoreCheckReport["scratch"], string>> = {
  within: "blocks were written to an empty place within it",
  among: "blocks were written beside those that it has",
  none: "nothing was written",
};

const ABILITY_TEXT: Readonly<Record<keyof StoreCheckReport["abilities"], string>> = {
  read: "read blocks",
  list: "list them",
  write: "write blocks",
  skipPresent: "skip what is there",
  flush: "make them durable",
  delete: "delete blocks",
};

/** What the store can do, what it does not keep, and its speed. */
export function* storeCheckLines(report: StoreCheckReport): Generator<string> {
  yield `store     ${escapeControls(report.store)}`;
  for (const [name, text] of Object.entries(ABILITY_TEXT)) {
    const { answer, reason } = report.abilities[name as keyof typeof ABILITY_TEXT];
    const why = reason === undefined ? "" : `: ${escapeControls(reason)}`;
    yield `can       ${text.padEnd(18)}  ${answer}${why}`;
  }
  const kept = report.promises.filter(({ outcome }) => outcome === "kept").length;
  yield `promises  ${formatCount(kept)} kept, ${formatCount(report.brokenCount)} broken`;
  for (const { name, outcome, reason } of report.promises) {
    if (outcome === "broken") yield `broken    ${name}: ${escapeControls(reason ?? "")}`;
  }
  for (const [reason, count] of skippedByReason(report.promises)) {
    yield `untried   ${formatNoun(count, "promise")}: ${escapeControls(reason)}`;
  }
  yield* speedLines(report.speed);
}

/** How it went. */
export function* storeCheckSummary(report: StoreCheckReport): Generator<string> {
  const verdict = report.brokenCount === 0
    ? "no promise is broken"
    : `${formatNoun(report.brokenCount, "promise")} broken`;
  yield `Checked ${report.store} in ${formatDuration(report.durationMs)}: ${verdict}; ` +
    SCRATCH_TEXT[report.scratch];
  if (report.blocksLeft > 0) {
    yield `  left     ${formatNoun(report.blocksLeft, "block")} that could not be deleted`;
  }
}

function skippedByReason(promises: readonly StorePromise[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { outcome, reason = "" } of promises) {
    if (outcome === "skipped") counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  return counts;
}

/** A table, with a line a figure. */
function* speedLines(figures: readonly SpeedFigure[]): Generator<string> {
  if (figures.length === 0) return;
  const rows = [
    ["call", "block", "at once", "calls", "calls/s", "rate", "median", "95 %"],
    ...figures.map((figure) => [
      figure.operation,
      figure.blockBytes === 0 ? "" : formatBytes(figure.blockBytes),
      formatCount(figure.concurrency),
      formatCount(figure.requests),
      formatCount(Math.round(figure.requestsPerSecond)),
      figure.bytesPerSecond === 0 ? "" : `${formatBytes(figure.bytesPerSecond)}/s`,
      milliseconds(figure.latencyMedianMs),
      milliseconds(figure.latencyP95Ms),
    ]),
  ];
  const widths = rows[0]!.map((_, at) => Math.max(...rows.map((row) => row[at]!.length)));
  for (const row of rows) {
    const cells = row.map((cell, at) =>
      at === 0 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!)
    );
    yield `speed     ${cells.join("  ")}`;
  }
}

/** `0.04 ms`, `3.20 ms`, `120 ms`. */
function milliseconds(value: number): string {
  return `${value < 100 ? value.toFixed(2) : Math.round(value)} ms`;
}
