/**
 * Tables of what was measured, and whether the bars are met.
 *
 * @module
 */

import { atLeast, atMost, type Bar, renderBars } from "../bars.ts";
import { renderMachine } from "../machine.ts";
import { WAY } from "./mounters.ts";
import { type MountReport, STEP } from "./mount_run.ts";

/** Demands: this step of myfs takes at most so many times what that way, or that step, takes. */
const RATIOS: readonly (readonly [step: string, other: string, limit: number])[] = [
  [STEP.list, WAY.erofs, 1.2],
  [STEP.list, WAY.local, 1.5],
  [STEP.tar, WAY.erofs, 1.2],
  [STEP.tar, WAY.local, 1.5],
  [STEP.some, WAY.erofs, 1.2],
  [STEP.some, WAY.local, 1.5],
  [STEP.firstTar, WAY.squashfuse, 0.5],
  [STEP.firstTar, WAY.erofs, 3],
  [STEP.firstList, WAY.erofs, 1.5],
];
const READY_SECONDS_MAX = 0.25;
const LARGE_MB_MIN = 700;
const HTTP_TAR_MAX = 1.3;
const HTTP_SOME_MAX = 0.15;
const MEMORY_MB_MAX = 250;

/** All tables and bars, as Markdown. */
export function renderMountReport(report: MountReport, bars: readonly Bar[]): string {
  const { results, options, skipped } = report;
  const runs = options.runs === 1 ? "one run" : `median of ${options.runs} runs`;
  const lines = renderMachine(report.machine);
  for (const [step, rows] of Map.groupBy(results, ({ step }) => step)) {
    const ours = rows.find(({ way }) => way === WAY.myfs)?.median;
    const unit = step === STEP.memory ? "MB" : "s";
    const scale = step === STEP.memory ? 1e6 : 1;
    lines.push("", `### ${step} (${runs})`, "", `| | ${unit} | myfs/it |`, "|---|---:|---:|");
    for (const { way, median } of rows) {
      const ratio = ours === undefined || way === WAY.myfs ? "" : (ours / median).toFixed(2);
      lines.push(`| ${way} | ${(median / scale).toFixed(3)} | ${ratio} |`);
    }
  }
  if (skipped.length > 0) lines.push("", "Not measured:", "", ...skipped.map((one) => `- ${one}`));
  return [...lines, ...renderBars(bars)].join("\n");
}

/** The bars that the results can be held against. */
export function mountBars({ results, options }: MountReport): Bar[] {
  const of = (step: string, way: string = WAY.myfs): number | undefined =>
    results.find((one) => one.step === step && one.way === way)?.median;
  const bars: Bar[] = [];
  const add = (
    value: number | undefined,
    other: number | undefined,
    bar: (value: number, other: number) => Bar,
  ): void => {
    if (value !== undefined && other !== undefined) bars.push(bar(value, other));
  };
  for (const [step, way, limit] of RATIOS) {
    add(
      of(step),
      of(step, way),
      (ours, its) => atMost(`${step}: time of ${way}`, ours / its, limit),
    );
  }
  add(of(STEP.ready), 1, (s) => atMost(`${STEP.ready}: seconds`, s, READY_SECONDS_MAX));
  add(
    of(STEP.large),
    options.largeBytes / 1e6,
    (s, size) => atLeast(`${STEP.large}: MB/s`, size / s, LARGE_MB_MIN),
  );
  const unpack = of(STEP.unpackHttp);
  add(
    of(STEP.tarHttp),
    unpack,
    (tar, all) => atMost(`${STEP.tarHttp}: time of the unpack`, tar / all, HTTP_TAR_MAX),
  );
  add(
    of(STEP.someHttp),
    unpack,
    (some, all) => atMost(`${STEP.someHttp}: time of the unpack`, some / all, HTTP_SOME_MAX),
  );
  add(
    of(STEP.memory),
    1e6,
    (bytes, mb) => atMost(`${options.inodes} inodes: peak memory, MB`, bytes / mb, MEMORY_MB_MAX),
  );
  return bars;
}
