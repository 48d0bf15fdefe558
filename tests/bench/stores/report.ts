/**
 * Tables of what was measured, and whether the bars are met.
 *
 * @module
 */

import { atLeast, atMost, type Bar, renderBars } from "../bars.ts";
import { renderMachine } from "../machine.ts";
import { WORKLOADS } from "./block_set.ts";
import { type StoreResult, type StoresReport, TOOL } from "./stores_run.ts";

/** Of the peer's throughput, for large blocks. */
const THROUGHPUT_MIN = 0.7;
/** Of the time through the same proxy without latency, which takes half of the machine for itself. */
const SLOW_TIME_MAX = 1.3;

/** Of the directory store's time. */
const CACHE_TIME_MAX = 1.3;

/** All tables and bars, as Markdown. */
export function renderStoresReport(report: StoresReport, bars: readonly Bar[]): string {
  const lines = renderMachine(report.machine);
  const byWorkload = Map.groupBy(report.results, ({ workload }) => workload);
  for (const [workload, results] of byWorkload) {
    const { count, seconds } = results[0]!;
    const times = seconds.length === 1 ? "one run" : `median of ${seconds.length} runs`;
    lines.push(
      "",
      `### ${count} blocks of ${workload} (${times})`,
      "",
      "| store | | program | s | MB/s | blocks/s | myfs/it: throughput | its time/proxy's |",
      "|---|---|---|---:|---:|---:|---:|---:|",
      ...results.map((result) => renderRow(result, results)),
    );
  }
  if (report.skipped.length > 0) {
    lines.push("", "Not measured:", "", ...report.skipped.map((reason) => `- ${reason}`));
  }
  lines.push(...renderBars(bars));
  return lines.join("\n");
}

function renderRow(result: StoreResult, results: readonly StoreResult[]): string {
  const { kind, direction, tool, medianSeconds, bytes, count } = result;
  const ours = oursBeside(result, results);
  const isPeer = ours !== undefined && tool !== TOOL.slow;
  const cells = [
    kind,
    direction,
    tool,
    medianSeconds.toFixed(2),
    (bytes / medianSeconds / 1e6).toFixed(0),
    (count / medianSeconds).toFixed(0),
    isPeer ? (medianSeconds / ours.medianSeconds).toFixed(2) : "",
    ours !== undefined && tool === TOOL.slow ? (medianSeconds / ours.medianSeconds).toFixed(2) : "",
  ];
  return `| ${cells.join(" | ")} |`;
}

/** What myfs did that a result is compared with; undefined for what is compared with nothing. */
function oursBeside(
  { kind, workload, direction, tool }: StoreResult,
  results: readonly StoreResult[],
): StoreResult | undefined {
  if (tool === TOOL.myfs || tool === TOOL.near) return undefined;
  const other = tool === TOOL.slow ? TOOL.near : TOOL.myfs;
  return results.find((one) =>
    one.kind === kind && one.workload === workload && one.direction === direction &&
    one.tool === other
  );
}

/** The bars that the results can be held against. */
export function storeBars({ results, roundTripMs }: StoresReport): Bar[] {
  const large = WORKLOADS[0]!.name;
  return results.flatMap((result): Bar[] => {
    const ours = oursBeside(result, results);
    if (ours === undefined) return [];
    const what = `${result.kind}: ${result.direction} of ${result.workload} blocks`;
    const ratio = result.medianSeconds / ours.medianSeconds;
    if (result.tool === TOOL.slow) {
      return [
        atMost(`${what}, time with ${roundTripMs} ms more to that without`, ratio, SLOW_TIME_MAX),
      ];
    }
    // The peer of a cache is the directory store, and the bar is on its time.
    if (result.kind === "cache") {
      return [atMost(`${what}, time of ${result.tool}`, 1 / ratio, CACHE_TIME_MAX)];
    }
    if (result.workload !== large) return [];
    return [atLeast(`${what}, throughput of ${result.tool}`, ratio, THROUGHPUT_MIN)];
  });
}
