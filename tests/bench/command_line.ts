/**
 * What the command lines of all benchmarks share.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- what programs print

import type { Bar } from "./bars.ts";
import { type Corpus, realCorpora, tinyCorpora } from "./corpora.ts";
import { saveResults } from "./results.ts";

/** Options of every benchmark of a part, for `parseArgs`. */
export const BENCH_OPTIONS = {
  quick: { type: "boolean", default: false },
  runs: { type: "string" },
  scratch: { type: "string", default: Deno.env.get("TMPDIR") ?? "/tmp" },
  results: { type: "string", default: `${import.meta.dirname}/results` },
  help: { type: "boolean", short: "h", default: false },
} as const;

/** A number of what is counted. @throws {RangeError} when `text` is none. */
export function positive(text: string, what: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new RangeError(`Cannot do ${text} ${what}`);
  return value;
}

/** How often each is run. @throws {RangeError} when that is no number of runs. */
export function runsOf(
  { quick, runs }: { readonly quick: boolean; readonly runs?: string | undefined },
): number {
  return positive(runs ?? (quick ? "1" : "3"), "runs");
}

/**
 * The trees to measure. Tiny ones have a folder of their own: trees that are there are used again, and
 * nobody is to take them for real ones.
 */
export async function corporaOf(
  { quick, scratch, corpora }: {
    readonly quick: boolean;
    readonly scratch: string;
    readonly corpora?: string | undefined;
  },
): Promise<Corpus[]> {
  const folder = corpora ?? `${scratch}/myfs-bench-${quick ? "tiny-" : ""}corpora`;
  await Deno.mkdir(folder, { recursive: true });
  return await (quick ? tinyCorpora(folder) : realCorpora(folder));
}

/** Prints what was measured, and keeps it in the folder `results`. @returns The exit code. */
export async function showReport<Report extends object>(
  results: string,
  report: Report,
  bars: readonly Bar[],
  render: (report: Report, bars: readonly Bar[]) => string,
): Promise<number> {
  const rendered = render(report, bars);
  console.log(rendered);
  await saveResults(results, { ...report, bars }, rendered);
  return 0;
}
