/**
 * Tables of what was measured, and whether the bars are met.
 *
 * @module
 */

import { atMost, type Bar, renderBars } from "../bars.ts";
import { renderMachine } from "../machine.ts";
import { OCI_STEP, type OciReport, type OciResult, type OciStep } from "./oci_run.ts";

const PEERS_MAX = 0.6;
const MEMORY_MB_MAX = 400;
/** A block more or less at the ends of what is shared, and what the file system counts for folders. */
const OWN_BYTES_MAX = 1.1;
/** What a conversion takes beside the bytes: start, manifests and writing the flist of the whole tree. */
const FIXED_SHARE = 0.1;

/** All tables and bars, as Markdown. */
export function renderOciReport(report: OciReport, bars: readonly Bar[]): string {
  const { shared, firstOwn, secondOwn } = report.sizes;
  const mb = (bytes: number): string => (bytes / 1e6).toFixed(1);
  const runs = report.runs === 1 ? "one run" : `median of ${report.runs} runs`;
  const rows = report.results.map(({ step, median, addedBytes }) =>
    `| ${step} | ${median.wallSeconds.toFixed(2)} | ${median.cpuSeconds.toFixed(2)} | ` +
    `${mb(median.peakMemoryBytes)} | ${addedBytes === undefined ? "" : mb(addedBytes)} |`
  );
  return [
    ...renderMachine(report.machine),
    "",
    `Layers without compression: ${mb(shared)} MB that both images share, and ${mb(firstOwn)} MB ` +
    `and ${mb(secondOwn)} MB of their own.`,
    "",
    `### Container images (${runs})`,
    "",
    "| | s | CPU s | peak MB | stored MB |",
    "|---|---:|---:|---:|---:|",
    ...rows,
    ...renderBars(bars),
  ].join("\n");
}

/** The bars that the results are held against. */
export function ociBars({ results, sizes }: OciReport): Bar[] {
  const of = (step: OciStep): OciResult => results.find((one) => one.step === step)!;
  const [first, second, own] = [OCI_STEP.first, OCI_STEP.second, OCI_STEP.own].map(of);
  const seconds = (step: OciStep): number => of(step).median.wallSeconds;
  const share = sizes.secondOwn / (sizes.shared + sizes.secondOwn);
  return [
    atMost(
      "first image: time of skopeo copy and umoci unpack",
      seconds(OCI_STEP.first) / seconds(OCI_STEP.peers),
      PEERS_MAX,
    ),
    atMost("first image: peak memory, MB", first!.median.peakMemoryBytes / 1e6, MEMORY_MB_MAX),
    atMost(
      "second image: bytes stored, of those that its own layer takes alone",
      second!.addedBytes! / own!.addedBytes!,
      OWN_BYTES_MAX,
    ),
    atMost(
      `second image: time of the first, of whose bytes ${share.toFixed(2)} are new`,
      seconds(OCI_STEP.second) / seconds(OCI_STEP.first),
      Number((share + FIXED_SHARE).toFixed(2)),
    ),
  ];
}
