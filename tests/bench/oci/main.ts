/**
 * `deno task bench:oci`: measures conversions of container images beside skopeo and umoci.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- a program that prints

import { parseArgs } from "node:util";
import { BENCH_OPTIONS, corporaOf, runsOf, showReport } from "../command_line.ts";
import { ociRun } from "./oci_run.ts";
import { ociBars, renderOciReport } from "./report.ts";

const USAGE = `Usage: deno task bench:oci [options]          (as root)

  --quick            tiny images, one run: shows that everything works, measures nothing
  --runs <n>         runs of each, the median counts (default 3)
  --corpora <folder> where the trees are, or are made (default: a scratch folder)
  --scratch <folder> work in a subfolder of it (default: the temporary folder)
  --results <folder> where the figures go as JSON and Markdown (default: results beside bench)
`;

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...BENCH_OPTIONS,
      corpora: { type: "string" },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const { quick, scratch } = values;
  const report = await ociRun({
    corpora: await corporaOf(values),
    runs: runsOf(values),
    scratch,
    onStep: (text) => console.error(text),
  });
  return await showReport(values.results, report, quick ? [] : ociBars(report), renderOciReport);
}

if (import.meta.main) Deno.exit(await main(Deno.args));
