/**
 * `deno task bench:oci`: measures conversions of container images beside skopeo and umoci.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- a program that prints

import { parseArgs } from "node:util";
import { realCorpora, tinyCorpora } from "../corpora.ts";
import { saveResults } from "../results.ts";
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
      quick: { type: "boolean", default: false },
      runs: { type: "string" },
      corpora: { type: "string" },
      scratch: { type: "string", default: Deno.env.get("TMPDIR") ?? "/tmp" },
      results: { type: "string", default: `${import.meta.dirname}/../results` },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const { quick, scratch } = values;
  const runs = Number(values.runs ?? (quick ? "1" : "3"));
  if (!Number.isInteger(runs) || runs < 1) throw new RangeError(`Cannot do ${values.runs} runs`);
  const name = `myfs-bench-${quick ? "tiny-" : ""}corpora`;
  const folder = values.corpora ?? `${scratch}/${name}`;
  await Deno.mkdir(folder, { recursive: true });
  const report = await ociRun({
    corpora: await (quick ? tinyCorpora(folder) : realCorpora(folder)),
    runs,
    scratch,
    onStep: (text) => console.error(text),
  });
  const bars = quick ? [] : ociBars(report);
  const rendered = renderOciReport(report, bars);
  console.log(rendered);
  await saveResults(values.results, { ...report, bars }, rendered);
  return 0;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
