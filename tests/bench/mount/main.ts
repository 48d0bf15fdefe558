/**
 * `deno task bench:mount`: measures mounts beside kernel file systems and other programs' mounts.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- a program that prints

import { parseArgs } from "node:util";
import { BENCH_OPTIONS, corporaOf, positive, runsOf, showReport } from "../command_line.ts";
import { allMounters } from "./mounters.ts";
import { MOUNT_SCENARIOS, mountRun, type MountRunOptions } from "./mount_run.ts";
import { mountBars, renderMountReport } from "./report.ts";

const WAYS = allMounters().map(({ name }) => name);

const USAGE = `Usage: deno task bench:mount [options]          (as root)

  --quick            tiny trees, one run: shows that everything works, measures nothing
  --runs <n>         runs of each, the median counts (default 3)
  --only <list>      of ${MOUNT_SCENARIOS.join(",")}
  --ways <list>      of ${WAYS.join(",")}
  --corpora <folder> where the trees are, or are made (default: a scratch folder)
  --latency <ms>     what the slow network adds to each round trip (default 20)
  --inodes <n>       files of the mount whose memory is measured (default 1000000)
  --scratch <folder> work in a subfolder of it (default: the temporary folder)
  --results <folder> where the figures go as JSON and Markdown (default: results beside bench)
`;

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...BENCH_OPTIONS,
      only: { type: "string", default: MOUNT_SCENARIOS.join(",") },
      ways: { type: "string", default: WAYS.join(",") },
      corpora: { type: "string" },
      latency: { type: "string", default: "20" },
      inodes: { type: "string", default: "1000000" },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const { quick, scratch } = values;
  const [small] = await corporaOf(values);
  const options: MountRunOptions = {
    only: MOUNT_SCENARIOS.filter((one) => values.only.split(",").includes(one)),
    ways: values.ways.split(","),
    tree: small!.tree,
    runs: runsOf(values),
    largeBytes: quick ? 8 << 20 : 1 << 30,
    inodes: quick ? 1000 : positive(values.inodes, "inodes"),
    roundTripMs: positive(values.latency, "milliseconds"),
    scratch,
    onStep: (text) => console.error(text),
  };
  const report = await mountRun(options);
  return await showReport(
    values.results,
    report,
    quick ? [] : mountBars(report),
    renderMountReport,
  );
}

if (import.meta.main) Deno.exit(await main(Deno.args));
