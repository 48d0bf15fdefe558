/**
 * One run of the benchmark of container images.
 *
 * @module
 */

import { DockerRegistry } from "../../helpers/docker_registry.ts";
import type { Corpus } from "../corpora.ts";
import { type Machine, machine } from "../machine.ts";
import { type Command, measure, type Measurement, medianOf, run } from "../measure.ts";
import { IMAGE, type ImageSizes, pushImages } from "./images.ts";

/** What to measure, and where. */
export interface OciRunOptions {
  readonly corpora: readonly Corpus[];
  readonly runs: number;
  readonly scratch: string;
  readonly onStep: (text: string) => void;
}

/** What is measured. */
export const OCI_STEP = {
  /** The first image, into an empty store. */
  first: "myfs: first image",
  /** The same, as other programs put it on disk. */
  peers: "skopeo copy and umoci unpack: first image",
  /** The second image, into the store that has the first. */
  second: "myfs: second image",
  /** The second image by those, with the first one's layers in the layout already. */
  peersSecond: "skopeo copy and umoci unpack: second image",
  /** The layer that only the second image has, into an empty store. */
  own: "myfs: own layer of the second image alone",
} as const;

/** One of {@link OCI_STEP}. */
export type OciStep = typeof OCI_STEP[keyof typeof OCI_STEP];

/** What one step took, and left behind. */
export interface OciResult {
  readonly step: OciStep;
  readonly runs: readonly Measurement[];
  readonly median: Measurement;
  /** Bytes that it added to the store of blocks; undefined where there is none. */
  readonly addedBytes: number | undefined;
}

/** All that a run found. */
export interface OciReport {
  readonly machine: Machine;
  readonly runs: number;
  readonly sizes: ImageSizes;
  readonly results: readonly OciResult[];
}

const CLI = `${import.meta.dirname}/../../../cli/myfs_tool.ts`;

/** Measures all of it. */
export async function ociRun(options: OciRunOptions): Promise<OciReport> {
  const { corpora, onStep } = options;
  const scratch = await Deno.makeTempDir({ dir: options.scratch, prefix: "myfs-bench-oci-" });
  try {
    for (const name of ["registry", "images"]) await Deno.mkdir(`${scratch}/${name}`);
    await using registry = await DockerRegistry.start(`${scratch}/registry`);
    onStep("makes images");
    const sizes = await pushImages(corpora, `${scratch}/images`, registry.host);
    await run({ argv: ["rm", "-rf", `${scratch}/images`] });
    const found = new Map<OciStep, { runs: Measurement[]; addedBytes: number | undefined }>();
    for (let round = 0; round < options.runs; round++) {
      const place = `${scratch}/round`;
      await Deno.mkdir(place);
      await measureRound(registry.host, place, async (step, command, store) => {
        onStep(step);
        const before = store === undefined ? undefined : await sizeOf(store);
        const measured = await measure(command, place);
        const addedBytes = before === undefined ? undefined : await sizeOf(store!) - before;
        found.getOrInsertComputed(step, () => ({ runs: [], addedBytes })).runs.push(measured);
      });
      await run({ argv: ["rm", "-rf", place] });
    }
    return {
      machine: await machine(scratch, [
        `myfs: deno ${Deno.version.deno}`,
        await versionOf("skopeo"),
        await versionOf("umoci"),
      ]),
      runs: options.runs,
      sizes,
      results: Array.from(
        found,
        ([step, one]) => ({ step, ...one, median: medianOf(one.runs) }),
      ),
    };
  } finally {
    await run({ argv: ["rm", "-rf", scratch] });
  }
}

async function measureRound(
  host: string,
  place: string,
  step: (step: OciStep, command: Command, store?: string) => Promise<void>,
): Promise<void> {
  const store = `${place}/blocks`;
  const alone = `${place}/alone`;
  for (const folder of [store, alone]) await Deno.mkdir(folder);
  const convert = (image: string, into: string): Command => ({
    argv: [
      ...[Deno.execPath(), "run", "-A", CLI, "container", "--quiet", "--plain-http"] as const,
      ...["--image-name", `${host}/${image}:latest`, "--store", `dir://${into}`],
      ...["--meta", `${into}.fl`],
    ],
    // What is known of layers is of this store only.
    env: { MYFS_CACHE_DIR: `${into}.state`, NO_COLOR: "1" },
  });
  const unpack = (image: string): Command => ({
    argv: [
      ...["bash", "-e", "-c"] as const,
      'skopeo copy -q --src-tls-verify=false "docker://$1/$2:latest" "oci:$3/layout:$4"; ' +
      'umoci unpack --image "$3/layout:$4" "$3/$4"',
      ...["bash", host, image, place, image.replace("/", "-")],
    ],
  });
  await step(OCI_STEP.first, convert(IMAGE.first, store), store);
  await step(OCI_STEP.peers, unpack(IMAGE.first));
  await step(OCI_STEP.second, convert(IMAGE.second, store), store);
  await step(OCI_STEP.peersSecond, unpack(IMAGE.second));
  await step(OCI_STEP.own, convert(IMAGE.own, alone), alone);
}

async function sizeOf(folder: string): Promise<number> {
  const [size] = (await run({ argv: ["du", "--bytes", "--summarize", folder] })).split("\t", 1);
  return Number(size);
}

async function versionOf(program: string): Promise<string> {
  const text = await run({ argv: [program, "--version"] });
  return text.trim().split("\n", 1)[0]!;
}
