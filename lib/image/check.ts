/**
 * Checks that every block of an image is there and right.
 *
 * @module
 */

import { displayByteString } from "../base/byte_string.ts";
import type { Failure } from "../base/errors.ts";
import type { ProgressListener } from "../base/progress.ts";
import { type ChunkRecord, FlistReader } from "../flist/flist_reader.ts";
import type { Store } from "../store/store.ts";
import type { CheckDone, CheckWorkerSetup } from "./check_worker.ts";
import { codecSetupOf } from "./flist_codec.ts";
import { pathOf } from "./image.ts";
import { HealCounter, type HealReport } from "./healing.ts";
import { type ReadStoreOptions, useStoreOf } from "./image_stores.ts";
import { resolveJobs } from "./pack.ts";
import type { SentChunk } from "./unpack_messages.ts";
import { fetchChunks, fetchedAhead } from "./unpack_plan.ts";
import { feedPool, stopOnAbort, WorkerPool } from "./worker_pool.ts";

/** How to check. */
export interface CheckOptions extends ReadStoreOptions {
  /**
   * Whether to ask only if the blocks are there, without reading them.
   * @default {false}
   */
  readonly presenceOnly?: boolean;
  /**
   * Worker threads, 1 to 64.
   * @default {navigator.hardwareConcurrency}
   */
  readonly jobs?: number;
  /** Stops the check. */
  readonly signal?: AbortSignal;
  /** Told how far the check is: entries are blocks. */
  readonly onProgress?: ProgressListener;
}

/** A block that is missing or damaged. */
export interface BlockFault {
  /** Id of the block. */
  readonly id: string;
  /** What is wrong. */
  readonly reason: string;
  /** How many files need the block. */
  readonly pathCount: number;
  /** The first of them, escaped for display. */
  readonly paths: readonly string[];
}

/** What a check found. */
export interface CheckReport {
  /** Path of the flist. */
  readonly meta: string;
  /** Blocks that the flist refers to. */
  readonly blocks: number;
  /** How many of them are right (or, where only presence was asked for, there). */
  readonly blocksOk: number;
  /** Bytes of the blocks that were read. */
  readonly blockBytes: number;
  /** Blocks that are not in their store. */
  readonly missing: readonly BlockFault[];
  /** Blocks that are not what they should be. */
  readonly corrupt: readonly BlockFault[];
  /**
   * Files whose blocks the flist does not name all, escaped for display: rfs leaves such files behind
   * where it fails to pack them.
   */
  readonly incomplete: readonly string[];
  /** What was written back to stores, where that was asked for. */
  readonly healing?: HealReport;
  /** How long it took, in milliseconds. */
  readonly durationMs: number;
}

const PATHS_SHOWN_MAX = 20;
/** A task ends when its chunks have this many bytes. */
const TASK_SIZE_END = 4 * 1024 * 1024;
/** Ids asked for at once. */
const IDS_A_REQUEST = 1000;

/**
 * Checks the image whose flist is `meta`: the flist's own rules, and that every block is in its
 * store, has the digest that is its id, opens with its key, and holds the chunk it should.
 *
 * With `heal`, every store that should have a block is looked at, not only the first that has it.
 *
 * @throws {TypeError} when blocks are to be healed without being read.
 * @throws {FlistFormatError} when the flist breaks a rule.
 * @throws {StoreUnavailableError} when a store cannot be asked.
 */
export async function checkImage(meta: string, options: CheckOptions = {}): Promise<CheckReport> {
  const startedMs = performance.now();
  const { presenceOnly = false, heal = false } = options;
  if (presenceOnly && heal) {
    throw new TypeError(
      "Cannot heal blocks that are not read: heal and presenceOnly exclude each other",
    );
  }
  const jobs = resolveJobs(options.jobs);
  using flist = FlistReader.open(meta);
  flist.validate({ allowIncomplete: true });
  const heals = new HealCounter();
  const check = new Check(flist, options);
  {
    await using used = await useStoreOf(flist, heals.listening(options), "all");
    if (presenceOnly) await check.askFor(used.store);
    else await check.read(used.store, jobs);
  }
  const { faults, blocks, blockBytes } = check;
  const found = describeFaults(flist, faults);
  return {
    meta,
    blocks,
    blocksOk: blocks - faults.size,
    blockBytes,
    missing: found.filter(({ code }) => code === "block_not_found").map(({ fault }) => fault),
    corrupt: found.filter(({ code }) => code !== "block_not_found").map(({ fault }) => fault),
    incomplete: Array.from(
      flist.incompleteFiles(),
      (ino) => displayByteString(pathOf(flist, flist.inode(ino)!)),
    ),
    ...(heal ? { healing: heals.report() } : {}),
    durationMs: Math.round(performance.now() - startedMs),
  };
}

/** One check under way. */
class Check {
  /** What is wrong, by block. */
  readonly faults = new Map<string, Failure>();
  blocks = 0;
  blockBytes = 0;
  readonly #flist: FlistReader;
  readonly #options: CheckOptions;
  readonly #entriesTotal: number;

  constructor(flist: FlistReader, options: CheckOptions) {
    this.#flist = flist;
    this.#options = options;
    this.#entriesTotal = flist.counts().chunks;
  }

  /** Asks if the blocks are there. */
  async askFor(store: Store): Promise<void> {
    const { signal } = this.#options;
    for (const records of batches(distinctChunks(this.#flist), () => 1, IDS_A_REQUEST)) {
      const ids = records.map(({ ref }) => ref.id);
      const present = await store.has(ids, signal === undefined ? {} : { signal });
      records.forEach(({ ref }, i) => {
        if (present[i] === true) return;
        const reason = `Block ${ref.id} is not in ${store.url}`;
        this.faults.set(ref.id, { path: "", reason, code: "block_not_found" });
      });
      this.#progress(records.length);
    }
  }

  /** Reads the blocks and has workers open them. */
  async read(store: Store, jobs: number): Promise<void> {
    const { signal } = this.#options;
    const setup: CheckWorkerSetup = { codec: codecSetupOf(this.#flist), placement: store.local };
    await using pool = new WorkerPool<readonly SentChunk[], CheckDone>(
      new URL("./check_worker.ts", import.meta.url),
      { size: jobs, setup },
    );
    using _abort = stopOnAbort(pool, signal);
    const tasks = batches(distinctChunks(this.#flist), ({ ref }) => ref.size, TASK_SIZE_END);
    await feedPool(pool, tasks, {
      ahead: fetchedAhead(store),
      prepare: (records) => {
        signal?.throwIfAborted();
        const chunks = records.map(({ ref: { id, key, size } }) => ({
          id,
          key: key.toBytes(),
          size,
        }));
        return fetchChunks(store, chunks, signal);
      },
      take: (done, records) => {
        for (const { index, failure } of done.faults) {
          this.faults.set(records[index]!.ref.id, failure);
        }
        this.blockBytes += done.blockBytes;
        this.#progress(records.length);
      },
    });
  }

  #progress(count: number): void {
    this.blocks += count;
    this.#options.onProgress?.({
      phase: "read",
      entries: this.blocks,
      entriesTotal: this.#entriesTotal,
      bytes: this.blockBytes,
    });
  }
}

/** `items` in groups; a group ends when the weights of its items come to `weightEnd`. */
export function* batches<Item>(
  items: Iterable<Item>,
  weigh: (item: Item) => number,
  weightEnd: number,
): Generator<Item[]> {
  let batch: Item[] = [];
  let weight = 0;
  for (const item of items) {
    batch.push(item);
    weight += weigh(item);
    if (weight < weightEnd) continue;
    yield batch;
    batch = [];
    weight = 0;
  }
  if (batch.length > 0) yield batch;
}

/** The chunks of `flist`, each block once: the rfs profile names a block wherever it occurs. */
export function* distinctChunks(flist: FlistReader): Generator<ChunkRecord> {
  if (flist.profile === "myfs") return yield* flist.chunks();
  const seen = new Set<string>();
  for (const record of flist.chunks()) {
    if (seen.has(record.ref.id)) continue;
    seen.add(record.ref.id);
    yield record;
  }
}

/** Names the files that need the faulty blocks. */
function describeFaults(
  flist: FlistReader,
  faults: ReadonlyMap<string, Failure>,
): { code: string; fault: BlockFault }[] {
  if (faults.size === 0) return [];
  const needed = new Map<string, Set<number>>();
  for (const { ino, chunk } of flist.extentsByChunk()) {
    const { id } = flist.chunk(chunk);
    if (!faults.has(id)) continue;
    const inos = needed.get(id) ?? new Set();
    needed.set(id, inos.add(ino));
  }
  return Array.from(faults, ([id, { reason, code }]) => {
    const inos = [...needed.get(id) ?? []];
    const paths = inos.slice(0, PATHS_SHOWN_MAX).map((ino) =>
      displayByteString(pathOf(flist, flist.inode(ino)!))
    );
    return { code, fault: { id, reason, pathCount: inos.length, paths } };
  });
}
