/**
 * Replicates stores, or moves their blocks.
 *
 * @module
 */

import { UnsupportedError } from "../base/errors.ts";
import type { ProgressListener } from "../base/progress.ts";
import type { BlockId } from "../block/block_ref.ts";
import { copyBlocks, type CopyTotals } from "../store/copy_blocks.ts";
import type { PrefixRange } from "../store/prefix_range.ts";
import { isSameStore } from "../store/same_store.ts";
import type { Store, StoreCallOptions } from "../store/store.ts";
import type { StoreTuning } from "../store/wrappers/leaf_wrappers.ts";
import type { StoreRoute } from "../store/wrappers/routed_store.ts";
import { blockIdsOf } from "./block_ids.ts";
import { rangesOf, type StoreLike, useStore, useTargets } from "./image_stores.ts";

/** How to copy a store. */
export interface CopyStoreOptions extends StoreCallOptions {
  /**
   * Paths of flists: only the blocks that they name are copied.
   * @default {all blocks that the source lists}
   */
  readonly flists?: readonly string[];
  /** How much is asked of the stores that are named, on both sides, and how patiently. */
  readonly storeOptions?: StoreTuning;
  /**
   * Blocks under way at once, 1 to 256.
   * @default {32}
   */
  readonly concurrencyMax?: number;
  /**
   * Whether blocks that a target has already are read there, and written again where they are
   * damaged.
   * @default {false}
   */
  readonly checkPresent?: boolean;
  /**
   * Whether blocks are deleted from the source, each after every target for it has it: written,
   * flushed, read back and checked. Implies `checkPresent`.
   * @default {false}
   */
  readonly move?: boolean;
  /** Told how far the copy is: entries are blocks. */
  readonly onProgress?: ProgressListener;
}

/** A block that could not be copied. */
export interface CopyStoreFault {
  /** Id of the block. */
  readonly id: string;
  /** What is wrong with it at the source. */
  readonly reason: string;
}

/** What a copy did. */
export interface CopyStoreReport extends CopyTotals {
  /** Where the blocks came from, without secrets. */
  readonly source: string;
  /** Where they went, without secrets. */
  readonly targets: readonly string[];
  /** The first of the blocks that the source does not have, 10,000 at most. */
  readonly missing: readonly CopyStoreFault[];
  /** The first of the blocks that are damaged at the source, 10,000 at most. */
  readonly corrupt: readonly CopyStoreFault[];
  /** How long it took, in milliseconds. */
  readonly durationMs: number;
}

/** More faults than this are counted and not named: memory has its bounds. */
const FAULTS_NAMED_MAX = 10_000;

/**
 * Copies blocks from one store to another, or from and to several: of overlapping ranges in `to`,
 * each store gets its copy; what lies in no range is left alone. Every block is checked against its
 * id before it is written. One that is missing or damaged at the source is named in the report, and
 * the others are copied. What is there already is not copied, so that a copy that was interrupted
 * goes on when it is made again.
 *
 * @param to Where the blocks go. A store that is open counts as one, whatever replicas it may have.
 * @throws {UnsupportedError} when the source cannot list and no flists say what to copy; when blocks
 *   are to be moved out of a store that cannot delete, or into the store that they are in.
 * @throws {StoreUnavailableError} {StoreDeniedError} when a store fails.
 *
 * @example
 * ```ts
 * import { copyStore, packDirectory } from "myfs";
 *
 * const folder = await Deno.makeTempDir();
 * const [meta, store] = [`${folder}/1.fl`, `dir://${folder}/a`];
 * await Deno.mkdir(`${folder}/tree`);
 * await Deno.writeTextFile(`${folder}/tree/hello.txt`, "hello");
 * await packDirectory(`${folder}/tree`, { meta, store });
 *
 * const report = await copyStore(store, [`dir://${folder}/b`, `dir://${folder}/c`]);
 * console.assert(report.blocksCopied === 1);
 * const again = await copyStore(store, `dir://${folder}/b`, { flists: [meta] });
 * console.assert(again.blocksPresent === 1);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function copyStore(
  from: StoreLike,
  to: StoreLike,
  options: CopyStoreOptions = {},
): Promise<CopyStoreReport> {
  const startedMs = performance.now();
  const { flists, storeOptions, onProgress, signal, ...copyOptions } = options;
  const call = signal === undefined ? {} : { signal };
  await using used = await useStore(from, undefined, { ...storeOptions, ...call });
  const source = used.store;
  const named = flists === undefined ? undefined : [...blockIdsOf(flists)];
  const entriesTotal = named === undefined ? {} : { entriesTotal: named.length };
  const ids = named ?? list(source, call);
  await using targets = await useTargets(to, { ...storeOptions, ...call });
  if (options.move === true) await refuseSame(source, rangesOf(from), targets.routes, call);
  const missing: CopyStoreFault[] = [];
  const corrupt: CopyStoreFault[] = [];
  const totals = await copyBlocks({
    ...copyOptions,
    ...call,
    ids,
    source,
    targets: targets.routes,
    onFault: ({ id, message, code }) => {
      const faults = code === "block_not_found" ? missing : corrupt;
      if (faults.length < FAULTS_NAMED_MAX) faults.push({ id, reason: message });
    },
    onProgress: ({ blocks, copiedBytes }) =>
      onProgress?.({ phase: "store", entries: blocks, ...entriesTotal, bytes: copiedBytes }),
  });
  return {
    source: source.url,
    targets: targets.routes.map(({ store }) => store.url),
    ...totals,
    missing,
    corrupt,
    durationMs: Math.round(performance.now() - startedMs),
  };
}

function list(source: Store, call: StoreCallOptions): AsyncIterable<BlockId> {
  if (source.list !== undefined) return source.list(call);
  throw new UnsupportedError(
    `Cannot copy all blocks of ${source.url}: it does not say which it has`,
    { hint: "Say which by naming flists: --meta, or the option flists." },
  );
}

/** Refuses to move blocks to where they are: deleting them there would be the end of them. */
async function refuseSame(
  source: Store,
  ranges: readonly PrefixRange[],
  targets: readonly StoreRoute[],
  call: StoreCallOptions,
): Promise<void> {
  for (const target of targets) {
    for (const range of ranges) {
      if (!await isSameStore(source, range, target, call)) continue;
      throw new UnsupportedError(
        `Cannot move blocks from ${source.url} to ${target.store.url}: they are the same store`,
      );
    }
  }
}
