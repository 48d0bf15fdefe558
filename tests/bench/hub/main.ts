/**
 * `deno task bench:hub`: measures the hub beside nginx and docker-registry.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- a program that prints

import { parseArgs } from "node:util";
import { BENCH_OPTIONS, corporaOf, runsOf, showReport } from "../command_line.ts";
import { HUB_SCENARIOS, HUB_SIZES, hubRun, type HubRunOptions, TINY_HUB_SIZES } from "./hub_run.ts";
import { hubBars, renderHubReport } from "./report.ts";

const USAGE = `Usage: deno task bench:hub [options]

  --quick            few blocks, one run: shows that everything works, measures nothing
  --runs <n>         runs of each, the median counts (default 3)
  --seconds <n>      how long each load on a server lasts (default 5)
  --only <list>      of ${HUB_SCENARIOS.join(",")}
  --corpora <folder> where the tree is, or is made (default: a scratch folder)
  --scratch <folder> work in a subfolder of it (default: the temporary folder)
  --results <folder> where the figures go as JSON and Markdown (default: results beside bench)
`;

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...BENCH_OPTIONS,
      seconds: { type: "string" },
      only: { type: "string", default: HUB_SCENARIOS.join(",") },
      corpora: { type: "string" },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const { quick, scratch } = values;
  const only = HUB_SCENARIOS.filter((one) => values.only.split(",").includes(one));
  const [small] = only.includes("pack") ? await corporaOf(values) : [];
  const options: HubRunOptions = {
    only,
    sizes: quick ? TINY_HUB_SIZES : HUB_SIZES,
    tree: small?.tree ?? "",
    runs: runsOf(values),
    seconds: Number(values.seconds ?? (quick ? 1 : 5)),
    scratch,
    onStep: (text) => console.error(text),
  };
  const report = await hubRun(options);
  return await showReport(values.results, report, quick ? [] : hubBars(report), renderHubReport);
}

if (import.meta.main) Deno.exit(await main(Deno.args));
