/**
 * Tables of what was measured, and whether the bars are met.
 *
 * @module
 */

import { atMost, type Bar, renderBars } from "./bars.ts";
import { type Machine, renderMachine } from "./machine.ts";
import { TOOL } from "./peers.ts";
import type { Result, Scenario } from "./scenarios.ts";

/** All that a run found. */
export interface Report {
  readonly machine: Machine;
  readonly results: readonly Result[];
  /** None where trees are too small for bars to mean anything. */
  readonly bars: readonly Bar[];
}

const HEADING: Readonly<Record<Scenario, string>> = {
  pack: "Pack",
  unpack: "Unpack to disk",
  "unpack-tmpfs": "Unpack to tmpfs",
  again: "Pack again, nothing changed",
  next: "Pack the next version into the same store",
  growth: "Memory by number of files",
};

const MEGABYTE = 1e6;

/** All tables and bars, as Markdown. */
export function renderReport({ machine, results, bars }: Report): string {
  const lines = renderMachine(machine);
  for (const group of groups(results)) lines.push("", ...renderTable(group));
  lines.push(...renderBars(bars));
  return lines.join("\n");
}

/** Results of one table: a scenario with a corpus, or all of the growth of memory. */
function groups(results: readonly Result[]): Result[][] {
  return Object.values(
    Object.groupBy(
      results,
      ({ scenario, corpus }) => scenario === "growth" ? scenario : `${scenario} ${corpus}`,
    ),
  ).map((group) => group!);
}

function renderTable(group: readonly Result[]): string[] {
  const { scenario, corpus, runs } = group[0]!;
  const what = scenario === "growth" ? "" : `: ${corpus}`;
  const times = runs.length === 1 ? "one run" : `median of ${runs.length} runs`;
  const ours = group.find(({ tool }) => tool === TOOL.myfs);
  const lines = [
    `### ${HEADING[scenario]}${what} (${times})`,
    "",
    "| tool | wall s | CPU s | peak MB | stored MB | myfs/it: wall | CPU | stored |",
    "|---|---:|---:|---:|---:|---:|---:|---:|",
  ];
  for (const result of group) {
    const { wallSeconds, cpuSeconds, peakMemoryBytes } = result.median;
    const isPeer = ours !== undefined && result.tool !== ours.tool;
    const cells = [
      scenario === "growth" ? result.corpus : result.tool,
      wallSeconds.toFixed(2),
      cpuSeconds.toFixed(2),
      (peakMemoryBytes / MEGABYTE).toFixed(0),
      result.storedBytes === undefined ? "" : (result.storedBytes / MEGABYTE).toFixed(2),
      isPeer ? (ours.median.wallSeconds / wallSeconds).toFixed(2) : "",
      isPeer ? (ours.median.cpuSeconds / cpuSeconds).toFixed(2) : "",
      isPeer && ours.storedBytes !== undefined && result.storedBytes !== undefined
        ? (ours.storedBytes / result.storedBytes).toFixed(2)
        : "",
    ];
    lines.push(`| ${cells.join(" | ")} |`);
  }
  return lines;
}

type Figure = (result: Result) => number | undefined;

const time: Figure = ({ median }) => median.wallSeconds;
const stored: Figure = ({ storedBytes }) => storedBytes;

/** The bars that the results can be held against. */
export function bars(results: readonly Result[]): Bar[] {
  const found: Bar[] = [];
  const add = (text: string, value: number, limit: number): void => {
    found.push(atMost(text, value, limit));
  };
  const compare = (
    scenario: Scenario,
    figure: Figure,
    limit: number,
    [tool, peer]: readonly [tool: string, peer: string],
    text: string,
  ): void => {
    for (const ours of results.filter((one) => one.scenario === scenario && one.tool === tool)) {
      const theirs = results.find((one) =>
        one.scenario === scenario && one.corpus === ours.corpus && one.tool === peer
      );
      const [value, base] = [figure(ours), theirs && figure(theirs)];
      if (value === undefined || base === undefined) continue;
      add(`${ours.corpus}: ${text} of ${peer}`, value / base, limit);
    }
  };
  compare("pack", time, 0.7, [TOOL.myfs, TOOL.squashfs], "pack time");
  compare("pack", stored, 0.95, [TOOL.myfs, TOOL.squashfs], "size");
  compare("pack", time, 0.5, [TOOL.myfs, TOOL.restic], "pack time");
  compare("pack", time, 0.5, [TOOL.myfs, TOOL.casync], "pack time");
  compare("again", time, 0.5, [TOOL.myfsBase, TOOL.restic], "unchanged pack with --base, time");
  compare("next", stored, 0.9, [TOOL.myfs, TOOL.restic], "next version, new bytes");
  compare("next", stored, 0.7, [TOOL.myfsBase, TOOL.restic], "next version with --base, new bytes");
  compare("unpack", time, 0.9, [TOOL.myfs, TOOL.tar], "unpack to disk, time");
  compare("unpack-tmpfs", time, 0.6, [TOOL.myfs, TOOL.tar], "unpack to tmpfs, time");
  compare("unpack", time, 0.5, [TOOL.myfs, TOOL.restic], "unpack to disk, time");
  const ours = results.filter(({ tool, files }) => isOurs(tool) && files <= MEMORY_FILES_MAX);
  for (const [corpus, group] of Object.entries(Object.groupBy(ours, ({ corpus }) => corpus))) {
    const bytes = Math.max(...group!.map(({ median }) => median.peakMemoryBytes));
    add(`${corpus}: largest peak memory of ${TOOL.myfs}, MB`, bytes / MEGABYTE, 300);
  }
  for (const step of ["pack", "pack again", "unpack"]) {
    const [few, many] = results
      .filter(({ scenario, corpus }) =>
        scenario === "growth" && /^\D*/.exec(corpus)![0] === `${step} `
      )
      .toSorted((left, right) => left.files - right.files);
    if (few === undefined || many === undefined) continue;
    const bytes = many.median.peakMemoryBytes - few.median.peakMemoryBytes;
    add(`${step}: memory for each further file, bytes`, bytes / (many.files - few.files), 1000);
  }
  return found;
}

/** The bar on memory is for 60,000 files; a corpus has about as many. */
const MEMORY_FILES_MAX = 62_000;

function isOurs(tool: string): boolean {
  return tool === TOOL.myfs || tool === TOOL.myfsBase;
}
