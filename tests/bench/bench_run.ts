/**
 * One run of the benchmark: makes the trees, has all tools measured on them, and cleans up.
 *
 * @module
 */

import { statfs } from "node:fs/promises";
import { type Corpus, realCorpora, tinyCorpora, treeSize } from "./corpora.ts";
import { fileSystemOf, type Machine, machine } from "./machine.ts";
import { run } from "./measure.ts";
import { allTools, missingPrograms, type Tool } from "./peers.ts";
import { bars, type Report } from "./report.ts";
import { Bench, type Result, type Scenario } from "./scenarios.ts";

/** What to measure, and where. */
export interface BenchRunOptions {
  /** Tiny trees instead of those of npm. */
  readonly quick: boolean;
  readonly runs: number;
  readonly only: readonly Scenario[];
  /** Names of tools; all that are there when undefined. */
  readonly tools: readonly string[] | undefined;
  /** Names of the corpora that come with the benchmark; all when undefined. */
  readonly corpora: readonly string[] | undefined;
  /** Further trees. */
  readonly trees: readonly string[];
  /** Folder in which a subfolder is used; a temporary one when undefined. */
  readonly scratch: string | undefined;
  /** A folder on a tmpfs, if it is one. */
  readonly tmpfs: string;
  /** Whether the trees stay in the scratch folder, for the next run. */
  readonly keep: boolean;
  /** Told what is about to run, and what cannot. */
  readonly onStep: (text: string) => void;
}

/** Measures all that `options` ask for. */
export async function benchRun(options: BenchRunOptions): Promise<Report> {
  const { onStep } = options;
  const scratch = await makeScratch(options.scratch);
  const memoryFolder = await makeMemoryFolder(options.tmpfs);
  if (memoryFolder === undefined) onStep(`No tmpfs at ${options.tmpfs}: not measured there`);
  try {
    if (!options.quick) await requireSpace(scratch);
    const tools = await chooseTools(options, `${scratch}/cache`);
    const corpora = await makeCorpora(options, scratch);
    const work = `${scratch}/work`;
    await run({ argv: ["rm", "-rf", work] });
    await Deno.mkdir(work);
    const bench = new Bench({
      tools,
      runs: options.runs,
      scratch: work,
      ...(memoryFolder === undefined ? {} : { memoryFolder }),
      onStep,
    });
    const results: Result[] = [];
    for (const corpus of corpora) {
      for (const scenario of options.only) {
        if (scenario !== "growth") results.push(...await bench.run(scenario, corpus));
      }
    }
    if (options.only.includes("growth")) {
      results.push(...await bench.growth(options.quick ? [200, 400] : [60_000, 260_000]));
    }
    const described = await describeMachine(scratch, tools, corpora);
    return { machine: described, results, bars: options.quick ? [] : bars(results) };
  } finally {
    onStep("clean up");
    await run({ argv: ["rm", "-rf", options.keep ? `${scratch}/work` : scratch] });
    if (memoryFolder !== undefined) await run({ argv: ["rm", "-rf", memoryFolder] });
  }
}

async function makeScratch(wanted: string | undefined): Promise<string> {
  if (wanted === undefined) return await Deno.makeTempDir({ prefix: "myfs-bench-" });
  // A subfolder, because all of it is removed at the end.
  const folder = `${wanted}/myfs-bench`;
  await Deno.mkdir(folder, { recursive: true });
  return await Deno.realPath(folder);
}

/** Bytes that a full run writes: nothing is removed before its end. */
const SPACE_NEEDED = 30e9;

async function requireSpace(folder: string): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize >= SPACE_NEEDED) return;
  const [needed, free] = [SPACE_NEEDED, bavail * bsize].map((bytes) => (bytes / 1e9).toFixed(0));
  throw new Error(`Cannot measure in ${folder}: ${needed} GB are needed and ${free} are free`);
}

async function makeMemoryFolder(parent: string): Promise<string | undefined> {
  try {
    if (await fileSystemOf(parent) !== "tmpfs") return undefined;
    return await Deno.makeTempDir({ dir: parent, prefix: "myfs-bench-" });
  } catch {
    return undefined;
  }
}

async function chooseTools(options: BenchRunOptions, cache: string): Promise<Tool[]> {
  await Deno.mkdir(cache, { recursive: true });
  const chosen: Tool[] = [];
  for (const tool of allTools(cache)) {
    if (options.tools?.includes(tool.name) === false) continue;
    const missing = await missingPrograms(tool);
    if (missing.length === 0) chosen.push(tool);
    else options.onStep(`Without ${tool.name}: ${missing.join(", ")} not found`);
  }
  return chosen;
}

async function makeCorpora(options: BenchRunOptions, scratch: string): Promise<Corpus[]> {
  const folder = `${scratch}/corpora`;
  await Deno.mkdir(folder, { recursive: true });
  const made = await (options.quick ? tinyCorpora(folder) : realCorpora(folder));
  const corpora = made.filter(({ name }) => options.corpora?.includes(name) ?? true);
  for (const tree of options.trees) {
    corpora.push({ name: tree, tree: await Deno.realPath(tree) });
  }
  return corpora;
}

async function describeMachine(
  scratch: string,
  tools: readonly Tool[],
  corpora: readonly Corpus[],
): Promise<Machine> {
  const programs = await Promise.all(
    tools.filter(({ isVariant }) => !isVariant).map(async ({ name, version }) => {
      const text = (await run(version)).trim().split("\n").join("; ");
      return `${name}: ${text.replaceAll("*", "").replace(/\s+/g, " ").trim()}`;
    }),
  );
  const sizes = await Promise.all(
    corpora.map(async ({ name, tree }) => {
      const { files, entries, bytes } = await treeSize(tree);
      return `${name}: ${files} files, ${entries} entries, ${(bytes / 1e6).toFixed(0)} MB`;
    }),
  );
  return await machine(scratch, [...programs, ...sizes]);
}
