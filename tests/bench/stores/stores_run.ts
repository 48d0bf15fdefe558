/**
 * One run of the benchmark of stores.
 *
 * @module
 */

import { UnsupportedError } from "../../../lib/base/errors.ts";
import { delayingProxy } from "../../helpers/delaying_proxy.ts";
import { type Machine, machine } from "../machine.ts";
import { median, run } from "../measure.ts";
import { BlockSet, type Workload } from "./block_set.ts";
import type { Peer, StartedStore, StoreKind } from "./kinds.ts";
import {
  deleteAll,
  fileWay,
  type Folders,
  memoryWay,
  putAndDeleteSome,
  secondsOf,
  type Way,
} from "./transfers.ts";

/** What to measure, and where. */
export interface StoresRunOptions {
  readonly kinds: readonly StoreKind[];
  readonly workloads: readonly Workload[];
  readonly runs: number;
  /** What the slow network adds to each round trip, in milliseconds. */
  readonly roundTripMs: number;
  /** Folder in which a subfolder is used. */
  readonly scratch: string;
  /** Told what is about to run, and what cannot. */
  readonly onStep: (text: string) => void;
}

/** Which way blocks go. */
export type Direction = "upload" | "download";

/** Names of what myfs does. */
export const TOOL = {
  myfs: "myfs",
  /** Through the proxy that the slow network is made of, which adds no latency. */
  near: "myfs, proxy",
  slow: "myfs, slow network",
} as const;

/** All blocks of a workload, moved one way by one program. */
export interface StoreResult {
  readonly kind: string;
  readonly workload: string;
  readonly direction: Direction;
  readonly tool: string;
  /** How many blocks, and their bytes in all. */
  readonly count: number;
  readonly bytes: number;
  /** Of each run, in seconds. */
  readonly seconds: readonly number[];
  readonly medianSeconds: number;
}

/** All that a run found. */
export interface StoresReport {
  readonly machine: Machine;
  readonly roundTripMs: number;
  readonly results: readonly StoreResult[];
  /** What was not measured, and why. */
  readonly skipped: readonly string[];
}

/** Measures all that `options` ask for. */
export async function storesRun(options: StoresRunOptions): Promise<StoresReport> {
  const scratch = await Deno.makeTempDir({ dir: options.scratch, prefix: "myfs-bench-stores-" });
  try {
    const bench = new StoresBench(options, scratch);
    for (const workload of options.workloads) await bench.measure(workload);
    const deno = await firstLine(`'${Deno.execPath()}' --version`);
    const peers = Array.from(bench.peers, ([name, version]) => `${name}: ${version}`);
    return {
      machine: await machine(scratch, [`myfs: ${deno}`, ...peers]),
      roundTripMs: options.roundTripMs,
      results: bench.results,
      skipped: [...bench.skipped],
    };
  } finally {
    await run({ argv: ["rm", "-rf", scratch] });
  }
}

class StoresBench {
  readonly results: StoreResult[] = [];
  /** Versions of the programs that were compared, by name. */
  readonly peers = new Map<string, string>();
  /** What was not measured, and why. */
  readonly skipped = new Set<string>();
  readonly #options: StoresRunOptions;
  readonly #scratch: string;

  constructor(options: StoresRunOptions, scratch: string) {
    this.#options = options;
    this.#scratch = scratch;
  }

  async measure(workload: Workload): Promise<void> {
    const set = new BlockSet(workload);
    const source = await this.#folder();
    await set.writeTo(source);
    for (const kind of this.#options.kinds) {
      const missing = await missingPrograms(kind.programs);
      const obstacle = missing.length > 0
        ? `${missing.join(" and ")} not found`
        : kind.obstacle?.();
      if (obstacle !== undefined) {
        this.#skip(`${kind.name}: ${obstacle}`);
        continue;
      }
      try {
        await this.#measureKind(kind, set, source);
      } catch (error) {
        // What this myfs, or this machine, does not have is no reason not to measure the others.
        if (!(error instanceof UnsupportedError)) throw error;
        this.#skip(`${kind.name}: this myfs has no such stores`);
      }
    }
    await run({ argv: ["rm", "-rf", source] });
  }

  async #measureKind(kind: StoreKind, set: BlockSet, source: string): Promise<void> {
    const folder = await this.#folder();
    const target = await this.#folder();
    const folders: Folders = { source, target };
    const underWay = set.workload.kind === "small" ? kind.smallUnderWay : undefined;
    const way = kind.files ? fileWay(set, folders) : memoryWay(set, underWay);
    const directions: readonly Direction[] = kind.readOnly === true
      ? ["download"]
      : ["upload", "download"];
    await using started = await kind.start(folder, folders);
    const peers: Peer[] = [];
    for (const peer of kind.peers(started, folder)) {
      const isMissing = (await missingPrograms([peer.program])).length > 0;
      if (isMissing) this.#skip(`${peer.name} beside ${kind.name}: ${peer.program} not found`);
      else {
        peers.push(peer);
        if (peer.version !== undefined) this.peers.set(peer.name, await firstLine(peer.version));
      }
    }

    const times = new Map<string, Map<Direction, number[]>>();
    /** Measures one program both ways. The target is emptied after, and the store by the program's own. */
    const inTurn = async (
      tool: string,
      move: (direction: Direction) => Promise<number>,
    ): Promise<void> => {
      for (const direction of directions) {
        this.#options.onStep(`${kind.name}: ${direction} of ${set.workload.name} by ${tool}`);
        const seconds = await move(direction);
        const byDirection = times.getOrInsertComputed(tool, () => new Map());
        byDirection.getOrInsertComputed(direction, () => []).push(seconds);
      }
      await run({ argv: ["find", target, "-mindepth", "1", "-delete"] });
    };
    const ours = async (tool: string, port?: number): Promise<void> => {
      await using store = await started.open(port);
      await inTurn(tool, (direction) => secondsOf(() => way[direction](store)));
      if (kind.readOnly !== true) await deleteAll(store, set);
    };
    await this.#warmUp(kind, started, way);
    for (let round = 0; round < this.#options.runs; round++) {
      await ours(TOOL.myfs);
      for (const peer of peers) {
        await inTurn(peer.name, (direction) => peer[direction]!(set, folders));
        await peer.cleanUp?.();
      }
      if (started.port !== undefined) {
        for (
          const [tool, roundTripMs] of [[TOOL.near, 0], [
            TOOL.slow,
            this.#options.roundTripMs,
          ]] as const
        ) {
          await using proxy = await delayingProxy(started.port, { latencyMs: roundTripMs / 2 });
          await ours(tool, proxy.port);
        }
      }
    }
    this.#keep(kind, set, times);
    await run({ argv: ["rm", "-rf", target, folder] });
  }

  /** What is slower the first time, such as filling a cache, is done once, unmeasured. */
  async #warmUp(kind: StoreKind, started: StartedStore, way: Way): Promise<void> {
    await using store = await started.open();
    if (kind.readOnly === true) await way.download(store);
    else await putAndDeleteSome(store);
  }

  #keep(
    kind: StoreKind,
    { workload, bytes }: BlockSet,
    times: ReadonlyMap<string, ReadonlyMap<Direction, readonly number[]>>,
  ): void {
    for (const [tool, byDirection] of times) {
      for (const [direction, seconds] of byDirection) {
        this.results.push({
          kind: kind.name,
          workload: workload.name,
          direction,
          tool,
          count: workload.count,
          bytes,
          seconds,
          medianSeconds: median(seconds),
        });
      }
    }
  }

  #folder(): Promise<string> {
    return Deno.makeTempDir({ dir: this.#scratch });
  }

  #skip(reason: string): void {
    this.skipped.add(reason);
    this.#options.onStep(`Without ${reason}`);
  }
}

/** What a shell command prints first, on either output. */
async function firstLine(command: string): Promise<string> {
  return (await run({ argv: ["sh", "-c", `(${command}) 2>&1 | head -n 1`] })).trim();
}

async function missingPrograms(programs: readonly string[]): Promise<string[]> {
  const missing: string[] = [];
  for (const program of programs) {
    const found = await run({ argv: ["sh", "-c", 'command -v "$1" || true', "sh", program] });
    if (found === "") missing.push(program);
  }
  return missing;
}
