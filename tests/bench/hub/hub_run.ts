/**
 * One run of the benchmark of the hub.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { BLOCK_STREAM_MEDIA_TYPE, joinBlockStream } from "../../../lib/hub_api/block_stream.ts";
import { NGINX } from "../../helpers/nginx_server.ts";
import { type Machine, machine } from "../machine.ts";
import { median, run } from "../measure.ts";
import { BlockSet } from "../stores/block_set.ts";
import { secondsOf } from "../stores/transfers.ts";
import type { ClientAction } from "./client.ts";
import { underLoad } from "./load.ts";
import {
  addBlob,
  type BenchHub,
  memoryOf,
  ON_CLIENT_CORE,
  startHub,
  startNginx,
  startRegistry,
} from "./servers.ts";

/** What can be measured. */
export const HUB_SCENARIOS = ["get", "upload", "has", "pack"] as const;

/** One of {@link HUB_SCENARIOS}. */
export type HubScenario = typeof HUB_SCENARIOS[number];

/** Sizes of the blocks that are asked for, and how many of each there are. */
export interface HubSizes {
  readonly large: number;
  readonly small: number;
  readonly uploaded: number;
}

/** So many that nginx's share of them fits the page cache, and the small ones the hub's memory. */
export const HUB_SIZES: HubSizes = { large: 1000, small: 10_000, uploaded: 20_000 };

/** So few that nothing is measured, but everything is done. */
export const TINY_HUB_SIZES: HubSizes = { large: 4, small: 8, uploaded: 20 };

/** What to measure, and where. */
export interface HubRunOptions {
  readonly only: readonly HubScenario[];
  readonly sizes: HubSizes;
  /** The tree that is packed. */
  readonly tree: string;
  readonly runs: number;
  /** How long each load lasts, in seconds. */
  readonly seconds: number;
  readonly scratch: string;
  readonly onStep: (text: string) => void;
}

/** What one way did in one step. */
export interface HubResult {
  readonly step: string;
  readonly way: string;
  /** Of each run, in the step's unit. */
  readonly values: readonly number[];
  readonly median: number;
}

/** All that a run found. */
export interface HubReport {
  readonly machine: Machine;
  readonly runs: number;
  readonly results: readonly HubResult[];
  readonly skipped: readonly string[];
}

/** Names of the steps, with their units. */
export const HUB_STEP = {
  large: "GET of 256 KiB blocks, MB/s",
  small: "GET of 4 KiB blocks, requests/s",
  upload: "upload of blocks of 4 KiB, blocks/s",
  tiny: "upload of blocks of 1000 bytes, blocks/s",
  has: "existence of 10,000 ids, ms",
  pack: "pack of the tree, s",
  memory: "largest memory of the hub, MB",
} as const;

/** Names of what is measured in the steps. */
export const HUB_WAY = {
  hub: "hub",
  token: "hub, with a token",
  nginx: "nginx",
  registry: "docker-registry",
  single: "one request each",
  batch: "in batches",
  directory: "to a directory",
  packed: "to a hub",
} as const;

const LARGE_SIZE = 256 * 1024;
const SMALL_SIZE = 4096;
const TINY_SIZE = 1000;
const CONNECTIONS = 32;

const CLIENT = fileURLToPath(new URL("client.ts", import.meta.url));
const MYFS = fileURLToPath(new URL("../../../cli/myfs.ts", import.meta.url));

/** Measures all that `options` ask for. */
export async function hubRun(options: HubRunOptions): Promise<HubReport> {
  const scratch = await Deno.makeTempDir({ dir: options.scratch, prefix: "myfs-bench-hub-" });
  try {
    const bench = new HubBench(options, scratch);
    await bench.measure();
    return {
      machine: await machine(scratch, await programs()),
      runs: options.runs,
      results: bench.results(),
      skipped: bench.skipped,
    };
  } finally {
    await run({ argv: ["rm", "-rf", "--one-file-system", scratch] });
  }
}

class HubBench {
  readonly skipped: string[] = [];
  readonly #options: HubRunOptions;
  readonly #scratch: string;
  readonly #values = new Map<string, { step: string; way: string; values: number[] }>();
  #folders = 0;

  constructor(options: HubRunOptions, scratch: string) {
    this.#options = options;
    this.#scratch = scratch;
  }

  results(): HubResult[] {
    return Array.from(this.#values.values(), (one) => ({ ...one, median: median(one.values) }));
  }

  async measure(): Promise<void> {
    const { only } = this.#options;
    if (only.includes("get")) await this.#get();
    if (only.includes("upload")) await this.#upload();
    if (only.includes("has")) await this.#has();
    if (only.includes("pack")) await this.#pack();
  }

  async #get(): Promise<void> {
    const { sizes, runs, seconds } = this.#options;
    const folder = this.#folder();
    const paths = `${folder}/paths`;
    await Deno.mkdir(paths, { recursive: true });
    const workloads = [
      { step: HUB_STEP.large, size: LARGE_SIZE, count: sizes.large },
      { step: HUB_STEP.small, size: SMALL_SIZE, count: sizes.small },
    ] as const;
    const registryFolder = this.#folder();
    await Deno.mkdir(registryFolder);
    await using stack = new AsyncDisposableStack();
    const hub = stack.use(await startHub(this.#folder()));
    for (const { step, size, count } of workloads) {
      const set = new BlockSet({ kind: "small", name: step, size, count, concurrency: 1 });
      this.#options.onStep(`${count} blocks of ${size} bytes go to all servers`);
      await uploadSet(hub, set);
      const blobs: string[] = [];
      const block = set.buffer();
      for (const index of set.ids.keys()) {
        set.fill(block, index);
        blobs.push(await addBlob(registryFolder, block));
      }
      const write = (way: string, lines: readonly string[]): Promise<void> =>
        Deno.writeTextFile(`${paths}/${way} ${size}`, `${lines.join("\n")}\n`);
      await write(HUB_WAY.hub, set.ids.map((id) => `/api/v1/block/${id}`));
      await write(HUB_WAY.nginx, set.ids.map((id) => `/${id.slice(0, 2)}/${id}`));
      await write(HUB_WAY.registry, blobs);
    }
    const servers: { way: string; paths: string; port: number; token?: string }[] = [
      { way: HUB_WAY.hub, paths: HUB_WAY.hub, port: hub.port },
      { way: HUB_WAY.token, paths: HUB_WAY.hub, port: hub.port, token: hub.token },
    ];
    if (await this.#isThere(NGINX)) {
      const { port } = stack.use(await startNginx(hub.blocks, this.#folder()));
      servers.push({ way: HUB_WAY.nginx, paths: HUB_WAY.nginx, port });
    }
    if (await this.#isThere("docker-registry")) {
      const { port } = stack.use(await startRegistry(registryFolder));
      servers.push({ way: HUB_WAY.registry, paths: HUB_WAY.registry, port });
    }
    for (const { step, size } of workloads) {
      // A round before the others is for compilers and caches.
      for (let round = runs === 1 ? 1 : 0; round <= runs; round++) {
        for (const { way, paths: name, port, token } of servers) {
          this.#options.onStep(`${way}: ${step}`);
          const { requestsPerSecond, bytesPerSecond } = await underLoad({
            port,
            paths: `${paths}/${name} ${size}`,
            seconds,
            connections: CONNECTIONS,
            token,
          });
          if (round === 0) continue;
          const isLarge = step === HUB_STEP.large;
          this.#keep(step, way, isLarge ? bytesPerSecond / 1e6 : requestsPerSecond);
        }
      }
    }
    this.#keep(HUB_STEP.memory, HUB_WAY.hub, await memoryOf(hub.pid, "VmHWM") / 1e6);
  }

  async #upload(): Promise<void> {
    const { uploaded } = this.#options.sizes;
    for (
      const [step, size] of [[HUB_STEP.upload, SMALL_SIZE], [HUB_STEP.tiny, TINY_SIZE]] as const
    ) {
      await using hub = await startHub(this.#folder());
      await this.#rounds(step, [HUB_WAY.single, HUB_WAY.batch], async (way) => {
        const action = way === HUB_WAY.single ? "single" : "batch";
        return uploaded / await client(action, hub, uploaded, size);
      });
      if (step === HUB_STEP.upload) {
        this.#keep(HUB_STEP.memory, "hub, after uploads", await memoryOf(hub.pid, "VmHWM") / 1e6);
      }
    }
  }

  async #has(): Promise<void> {
    await using hub = await startHub(this.#folder());
    const count = Math.min(10_000, this.#options.sizes.uploaded);
    await this.#rounds(HUB_STEP.has, [HUB_WAY.hub], async () => {
      return await client("has", hub, count, TINY_SIZE) * 1000;
    });
  }

  async #pack(): Promise<void> {
    const { tree } = this.#options;
    // Each run has to store everything: in a directory that is new, or in a hub that is.
    await this.#rounds(HUB_STEP.pack, [HUB_WAY.directory, HUB_WAY.packed], async (way) => {
      const folder = this.#folder();
      await Deno.mkdir(folder);
      const pack = (store: string): Promise<number> =>
        secondsOf(() =>
          run({
            argv: [
              Deno.execPath(),
              ...["run", "-A", MYFS, "pack", "--quiet"],
              ...["--meta", `${folder}/tree.fl`, "--store", store, tree],
            ],
          })
        );
      if (way === HUB_WAY.directory) return await pack(`dir://${folder}/blocks`);
      await using hub = await startHub(`${folder}/hub`, { isFree: true });
      return await pack(`hub://127.0.0.1:${hub.port}?token=${hub.token}`);
    });
  }

  /** Measures ways in turn, `runs` times. */
  async #rounds(
    step: string,
    ways: readonly string[],
    act: (way: string) => Promise<number>,
  ): Promise<void> {
    for (let round = 0; round < this.#options.runs; round++) {
      for (const way of round % 2 === 0 ? ways : ways.toReversed()) {
        this.#options.onStep(`${way}: ${step}`);
        this.#keep(step, way, await act(way));
      }
    }
  }

  async #isThere(program: string): Promise<boolean> {
    const found = await run({ argv: ["sh", "-c", 'command -v "$1" || true', "sh", program] });
    if (found === "") this.skipped.push(`${program} not found`);
    return found !== "";
  }

  #keep(step: string, way: string, value: number): void {
    this.#values.getOrInsertComputed(`${step}\0${way}`, () => ({ step, way, values: [] }))
      .values.push(value);
  }

  /** Path of a folder that is not there. */
  #folder(): string {
    return `${this.#scratch}/${this.#folders++}`;
  }
}

/** Brings blocks into a hub, a few MiB a request. */
export async function uploadSet(hub: BenchHub, set: BlockSet): Promise<void> {
  const perRequest = Math.ceil(4 * 2 ** 20 / set.workload.size);
  for (let at = 0; at < set.ids.length; at += perRequest) {
    const blocks = set.ids.slice(at, at + perRequest).map((id, index) => {
      const block = set.buffer();
      set.fill(block, at + index);
      return { id, block };
    });
    const response = await fetch(`${hub.url}/api/v1/blocks/upload`, {
      method: "POST",
      headers: { authorization: `Bearer ${hub.token}`, "content-type": BLOCK_STREAM_MEDIA_TYPE },
      body: joinBlockStream(blocks),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`Cannot upload: ${response.status} ${text}`);
  }
}

/** Seconds that an action of `client.ts` takes. */
async function client(
  action: ClientAction,
  { url, token }: BenchHub,
  count: number,
  size: number,
): Promise<number> {
  const output = await run({
    argv: [
      ...ON_CLIENT_CORE,
      ...[Deno.execPath(), "run", "-A", CLIENT, action, url, token],
      ...[String(count), String(size)],
    ],
  });
  return Number(output);
}

/** A line for each program that is measured. */
async function programs(): Promise<string[]> {
  const lines = [`hub: deno ${Deno.version.deno}`];
  for (
    const [name, command] of [
      ["nginx", `${NGINX} -v 2>&1`],
      ["docker-registry", "docker-registry --version"],
      ["wrk", "wrk -v 2>&1 | head -1"],
    ]
  ) {
    const output = await run({ argv: ["sh", "-c", `${command} || true`] });
    lines.push(`${name}: ${output.trim()}`);
  }
  return lines;
}
