/**
 * `deno task bench`: measures myfs and its peers side by side and prints tables and bars.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- a program that prints

import { parseArgs } from "node:util";
import { benchRun, type BenchRunOptions } from "./bench_run.ts";
import { runsOf } from "./command_line.ts";
import { renderReport } from "./report.ts";
import { saveResults } from "./results.ts";
import { SCENARIOS } from "./scenarios.ts";

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
  --keep             leave the trees there for the next run
`;

interface MainOptions extends BenchRunOptions {
  readonly results: string;
}

/** Reads the command line; undefined when it asks for help. @throws {Error} that says what is wrong with it. */
function parseOptions(args: readonly string[]): MainOptions | undefined {
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
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return undefined;
  const only = values.only?.split(",").map((name) => {
    const scenario = SCENARIOS.find((one) => one === name);
    if (scenario === undefined) throw new RangeError(`Cannot measure ${name}: it is not known`);
    return scenario;
  });
  return {
    quick: values.quick,
    runs: runsOf(values),
    only: only ?? SCENARIOS,
    tools: values.tools?.split(","),
    corpora: values.corpora?.split(","),
    trees: values.tree,
    scratch: values.scratch,
    tmpfs: values.tmpfs,
    results: values.results,
    keep: values.keep,
    onStep: (text) => console.error(text),
  };
}

async function main(args: readonly string[]): Promise<number> {
  let options: MainOptions | undefined;
  try {
    options = parseOptions(args);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    return 2;
  }
  if (options === undefined) {
    console.log(USAGE);
    return 0;
  }
  // Ctrl-C ends the program that is being measured; without a handler, the clean-up would not run.
  Deno.addSignalListener("SIGINT", () => {});
  const report = await benchRun(options);
  console.log(renderReport(report));
  await saveResults(options.results, report, renderReport(report));
  return 0;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
