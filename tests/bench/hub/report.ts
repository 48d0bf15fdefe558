/**
 * Tables of what was measured of a hub, and whether the bars are met.
 *
 * @module
 */

import { atLeast, atMost, type Bar, renderBars } from "../bars.ts";
import { renderMachine } from "../machine.ts";
import { HUB_STEP, HUB_WAY, type HubReport } from "./hub_run.ts";

/** Of nginx's throughput. */
const NGINX_MIN = 0.5;
const SMALL_PER_SECOND_MIN = 5000;
const BATCH_MIN = 3;
const HAS_MS_MAX = 50;
const PACK_MAX = 1.5;

/** All tables and bars, as Markdown. */
export function renderHubReport(report: HubReport, bars: readonly Bar[]): string {
  const { results, runs, skipped } = report;
  const lines = renderMachine(report.machine);
  for (const [step, rows] of Map.groupBy(results, ({ step }) => step)) {
    const [first] = rows;
    const times = first!.values.length === 1 ? "one run" : `median of ${runs} runs`;
    lines.push("", `### ${step} (${times})`, "", "| | | the first/it |", "|---|---:|---:|");
    for (const row of rows) {
      const ratio = row === first ? "" : (first!.median / row.median).toFixed(2);
      lines.push(`| ${row.way} | ${row.median.toPrecision(4)} | ${ratio} |`);
    }
  }
  if (skipped.length > 0) lines.push("", "Not measured:", "", ...skipped.map((one) => `- ${one}`));
  return [...lines, ...renderBars(bars)].join("\n");
}

/** The bars that the results can be held against. */
export function hubBars({ results }: HubReport): Bar[] {
  const bars: Bar[] = [];
  const of = (step: string, way: string): number | undefined =>
    results.find((one) => one.step === step && one.way === way)?.median;
  const ratio = (
    step: string,
    [way, other]: readonly [way: string, other: string],
    bar: (ratio: number) => Bar,
  ): void => {
    const [value, base] = [of(step, way), of(step, other)];
    if (value !== undefined && base !== undefined) bars.push(bar(value / base));
  };
  const single = (step: string, way: string, bar: (value: number) => Bar): void => {
    const value = of(step, way);
    if (value !== undefined) bars.push(bar(value));
  };
  for (const step of [HUB_STEP.large, HUB_STEP.small]) {
    ratio(
      step,
      [HUB_WAY.hub, HUB_WAY.nginx],
      (value) => atLeast(`${step}: that of nginx`, value, NGINX_MIN),
    );
  }
  single(
    HUB_STEP.small,
    HUB_WAY.hub,
    (value) => atLeast(HUB_STEP.small, value, SMALL_PER_SECOND_MIN),
  );
  for (const step of [HUB_STEP.upload, HUB_STEP.tiny]) {
    ratio(
      step,
      [HUB_WAY.batch, HUB_WAY.single],
      (value) => atLeast(`${step}: batches beside one request each`, value, BATCH_MIN),
    );
  }
  single(HUB_STEP.has, HUB_WAY.hub, (value) => atMost(HUB_STEP.has, value, HAS_MS_MAX));
  ratio(
    HUB_STEP.pack,
    [HUB_WAY.packed, HUB_WAY.directory],
    (value) => atMost(`${HUB_STEP.pack}: to a hub, time of a directory`, value, PACK_MAX),
  );
  return bars;
}
