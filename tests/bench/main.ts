/**
 * `deno task bench`: measures myfs and its peers side by side and prints tables and bars.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- a program that prints

import { cpus, release, totalmem } from "node:os";
import { parseArgs } from "node:util";
import { type Corpus, realCorpora, tinyCorpora, treeSize } from "./corpora.ts";
import { run } from "./measure.ts";
import { allTools, missingPrograms, type Tool } from "./peers.ts";
import { bars, type Machine, renderReport } from "./report.ts";
import { Bench, type Result, type Scenario, SCENARIOS } from "./scenarios.ts";

const USAGE = `Usage: deno task bench [options]

  --quick            tiny trees, one run: shows that everything works, measures nothing
  --runs <n>         runs of each program, the median counts (default 3)
  --only <list>      of ${SCENARIOS.join(",")}
  --tools <list>     names of programs, such as myfs,restic
  --tree <folder>    measure this tree too; repeatable
  --corpora <list>   of small-files,binaries (default: both)
  --scratch <folder> work in its subfolder myfs-bench; trees found there are used again
                     (default: a temporary folder)
  --tmpfs <folder>   a folder on a tmpfs (default /dev/shm)
  --results <folder> where the figures go as JSON and Markdown (default: results beside this file)
  --keep             leave the subfolder as it is at the end
`;

/** What the command line asks for. */
export interface MainOptions {
  readonly quick: boolean;
  readonly runs: number;
  readonly only: readonly Scenario[];
  /** Names of tools; all that are there when undefined. */
  readonly tools: readonly string[] | undefined;
  /** Names of the corpora that come with the benchmark; all when undefined. */
  readonly corpora: readonly string[] | undefined;
  /** Further trees. */
  readonly trees: readonly string[];
  /** A temporary folder when undefined. */
  readonly scratch: string | undefined;
  readonly tmpfs: string;
  readonly results: string;
  readonly keep: boolean;
}

/** Reads the command line. @throws {Error} that says what is wrong with it. */
export function parseOptions(args: readonly string[]): MainOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: "boolean", default: false },
      runs: { type: "string" },
      only: { type: "string" },
      tools: { type: "string" },
      corpora: { type: "string" },
      tree: { type: "string", multiple: true, default: [] },
      scratch: { type: "string" },
      tmpfs: { type: "string", default: "/dev/shm" },
      results: { type: "string", default: `${import.meta.dirname}/results` },
      keep: { type: "boolean", default: false },
    },
  });
  const runs = Number(values.runs ?? (values.quick ? 1 : 3));
  if (!Number.isInteger(runs) || runs < 1) throw new RangeError(`Cannot do ${values.runs} runs`);
  const only = values.only?.split(",").map((name) => {
    const scenario = SCENARIOS.find((one) => one === name);
    if (scenario === undefined) throw new RangeError(`Cannot measure ${name}: it is not known`);
    return scenario;
  });
  return {
    quick: values.quick,
    runs,
    only: only ?? SCENARIOS,
    tools: values.tools?.split(","),
    corpora: values.corpora?.split(","),
    trees: values.tree,
    scratch: values.scratch,
    tmpfs: values.tmpfs,
    results: values.results,
    keep: values.keep,
  };
}

/** Measures, prints to standard output, and leaves the figures in the folder for results. */
export async function main(options: MainOptions): Promise<Result[]> {
  const scratch = await makeScratch(options.scratch);
  const memoryFolder = await makeMemoryFolder(options.tmpfs);
  if (memoryFolder === undefined) console.error(`No tmpfs at ${options.tmpfs}: not measured there`);
  try {
    const tools = await chooseTools(options.tools, `${scratch}/cache`);
    const corpora = await makeCorpora(options, scratch);
    const machine = await describeMachine(scratch, tools, corpora);
    const bench = new Bench({
      tools,
      runs: options.runs,
      scratch,
      ...(memoryFolder === undefined ? {} : { memoryFolder }),
      onStep: (text) => console.error(text),
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
    const report = renderReport(machine, results, options.quick ? [] : bars(results));
    console.log(report);
    await saveResults(options.results, machine, results, report);
    return results;
  } finally {
    if (!options.keep) await run({ argv: ["rm", "-rf", scratch] });
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

async function makeMemoryFolder(parent: string): Promise<string | undefined> {
  try {
    if (await fileSystemOf(parent) !== "tmpfs") return undefined;
    return await Deno.makeTempDir({ dir: parent, prefix: "myfs-bench-" });
  } catch {
    return undefined;
  }
}

async function chooseTools(names: readonly string[] | undefined, cache: string): Promise<Tool[]> {
  await Deno.mkdir(cache, { recursive: true });
  const chosen: Tool[] = [];
  for (const tool of allTools(cache)) {
    if (names !== undefined && !names.includes(tool.name)) continue;
    const missing = await missingPrograms(tool);
    if (missing.length === 0) chosen.push(tool);
    else console.error(`Without ${tool.name}: ${missing.join(", ")} not found`);
  }
  return chosen;
}

async function makeCorpora(options: MainOptions, scratch: string): Promise<Corpus[]> {
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
  return {
    date: new Date().toISOString().slice(0, 10),
    processor: cpus()[0]?.model ?? "unknown processor",
    cores: navigator.hardwareConcurrency,
    memoryBytes: totalmem(),
    kernel: `Linux ${release()}`,
    fileSystem: await fileSystemOf(scratch),
    programs: [...programs, ...sizes],
  };
}

async function fileSystemOf(path: string): Promise<string> {
  const lines = await run({ argv: ["df", "--output=fstype", path] });
  return lines.trim().split("\n").at(-1)!;
}

async function saveResults(
  folder: string,
  machine: Machine,
  results: readonly Result[],
  report: string,
): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const name = `${folder}/${new Date().toISOString().replaceAll(":", "-").slice(0, 19)}`;
  await Deno.writeTextFile(`${name}.json`, JSON.stringify({ machine, results }, null, 2));
  await Deno.writeTextFile(`${name}.md`, `${report}\n`);
}

if (import.meta.main) {
  let options: MainOptions;
  try {
    options = parseOptions(Deno.args);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    Deno.exit(2);
  }
  // Ctrl-C ends the program that is being measured; without a handler, the clean-up would not run.
  Deno.addSignalListener("SIGINT", () => {});
  await main(options);
  Deno.exit(0);
}
