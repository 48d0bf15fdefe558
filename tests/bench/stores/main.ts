/**
 * `deno task bench:stores`: measures stores beside the programs that are made for their servers.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- a program that prints

import { parseArgs } from "node:util";
import { runsOf, showReport } from "../command_line.ts";
import { fileSystemOf } from "../machine.ts";
import { TINY_WORKLOADS, WORKLOADS } from "./block_set.ts";
import { STORE_KINDS } from "./kinds.ts";
import { renderStoresReport, storeBars } from "./report.ts";
import { storesRun, type StoresRunOptions } from "./stores_run.ts";

const USAGE = `Usage: deno task bench:stores [options]

  --quick            few blocks, one run: shows that everything works, measures nothing
  --runs <n>         runs of each program, the median counts (default 3)
  --only <list>      of ${STORE_KINDS.map(({ name }) => name).join(",")}
  --blocks <list>    of large,small (default: both)
  --latency <ms>     what the slow network adds to each round trip (default 20)
  --scratch <folder> work in a subfolder of it (default: /dev/shm if it is a tmpfs, else the
                     temporary folder)
  --results <folder> where the figures go as JSON and Markdown (default: results beside bench)
`;

interface MainOptions extends StoresRunOptions {
  readonly results: string;
  readonly quick: boolean;
}

/** Reads the command line; undefined when it asks for help. @throws {Error} that says what is wrong with it. */
async function parseOptions(args: readonly string[]): Promise<MainOptions | undefined> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: "boolean", default: false },
      runs: { type: "string" },
      only: { type: "string" },
      blocks: { type: "string", default: "large,small" },
      latency: { type: "string", default: "20" },
      scratch: { type: "string" },
      results: { type: "string", default: `${import.meta.dirname}/../results` },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return undefined;
  const roundTripMs = Number(values.latency);
  if (!(roundTripMs >= 0)) throw new RangeError(`Cannot wait ${values.latency} milliseconds`);
  const kinds = values.only?.split(",").map((name) => {
    const kind = STORE_KINDS.find((one) => one.name === name);
    if (kind === undefined) throw new RangeError(`Cannot measure ${name}: it is not known`);
    return kind;
  });
  const sizes = values.blocks.split(",");
  const workloads = (values.quick ? TINY_WORKLOADS : WORKLOADS)
    .filter(({ kind }) => sizes.includes(kind));
  if (workloads.length !== sizes.length) {
    throw new RangeError(`Cannot measure blocks that are ${values.blocks}: large,small`);
  }
  return {
    quick: values.quick,
    runs: runsOf(values),
    kinds: kinds ?? STORE_KINDS,
    workloads,
    roundTripMs,
    scratch: values.scratch ?? await defaultScratch(),
    results: values.results,
    onStep: (text) => console.error(text),
  };
}

async function defaultScratch(): Promise<string> {
  const memory = "/dev/shm";
  try {
    if (await fileSystemOf(memory) === "tmpfs") return memory;
  } catch {
    // There is no such folder.
  }
  return Deno.env.get("TMPDIR") ?? "/tmp";
}

async function main(args: readonly string[]): Promise<number> {
  let options: MainOptions | undefined;
  try {
    options = await parseOptions(args);
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
  const report = await storesRun(options);
  const bars = options.quick ? [] : storeBars(report);
  return await showReport(options.results, report, bars, renderStoresReport);
}

if (import.meta.main) Deno.exit(await main(Deno.args));
