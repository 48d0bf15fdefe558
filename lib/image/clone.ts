/**
 * Brings an image's blocks to other stores.
 *
 * @module
 */

import type { ProgressListener } from "../base/progress.ts";
import { createBlockCodec } from "../block/block_codec.ts";
import type { BlockId } from "../block/block_ref.ts";
import { FlistEditor } from "../flist/flist_editor.ts";
import { FlistReader } from "../flist/flist_reader.ts";
import { copyBlocks } from "../store/copy_blocks.ts";
import { prefixOf, tableByPrefix, uncoveredError } from "../store/prefix_range.ts";
import type { StoreTuning } from "../store/wrappers/leaf_wrappers.ts";
import type { BlockCache } from "../store/block_cache.ts";
import type { StoreRoute } from "../store/wrappers/routed_store.ts";
import { distinctChunks } from "./check.ts";
import {
  type ReadStoreOptions,
  routesOf,
  type StoreLike,
  useStoreOf,
  useTargets,
} from "./image_stores.ts";
import { rememberOwnFlist } from "./own_flists.ts";

/** How to clone. */
export interface CloneOptions {
  /** Path of the flist to write, whose routes lead to the new stores. */
  readonly target: string;
  /** Where the blocks go. */
  readonly store: StoreLike;
  /** Where the blocks are, instead of where the flist's routes say. */
  readonly source?: StoreLike;
  /** How much is asked of the stores that are named, on both sides, and how patiently. */
  readonly storeOptions?: StoreTuning;
  /** See {@link ReadStoreOptions.cache}: for the blocks that are read. */
  readonly cache?: BlockCache | string;
  /** See {@link ReadStoreOptions.cacheSize}. */
  readonly cacheSize?: number;
  /** See {@link ReadStoreOptions.trustRoutes}. */
  readonly trustRoutes?: boolean;
  /** See {@link ReadStoreOptions.stateFolder}; the new flist becomes one's own. */
  readonly stateFolder?: string;
  /**
   * Whether passwords and tokens in store URLs are written to the flist.
   * @default {false}
   */
  readonly keepSecrets?: boolean;
  /**
   * Blocks under way at once, 1 to 256.
   * @default {32}
   */
  readonly concurrencyMax?: number;
  /** Stops the clone: no flist appears, blocks copied so far stay and are found again. */
  readonly signal?: AbortSignal;
  /** Told how far the clone is: entries are blocks. */
  readonly onProgress?: ProgressListener;
}

/** What a clone did. */
export interface CloneReport {
  /** Path of the flist that was cloned. */
  readonly meta: string;
  /** Path of the flist written. */
  readonly target: string;
  /** Blocks copied. */
  readonly blocksCopied: number;
  /** Blocks that the new stores had already. */
  readonly blocksPresent: number;
  /** Bytes of the blocks copied. */
  readonly copiedBytes: number;
  /** How long it took, in milliseconds. */
  readonly durationMs: number;
}

/**
 * Copies the blocks of the image `meta` to other stores, each checked against its id on the way, and
 * writes a flist that leads there. Blocks stay sealed: no key is used.
 *
 * @throws {BlockNotFoundError} {BlockCorruptError} when a block is missing or damaged.
 * @throws {StoreUnavailableError} when a store fails; a second run goes on where it stopped.
 *
 * @example
 * ```ts
 * import { cloneImage, packDirectory } from "myfs";
 *
 * const folder = await Deno.makeTempDir();
 * await Deno.mkdir(`${folder}/tree`);
 * await Deno.writeTextFile(`${folder}/tree/hello.txt`, "hello");
 * await packDirectory(`${folder}/tree`, { meta: `${folder}/1.fl`, store: `dir://${folder}/a` });
 * const report = await cloneImage(`${folder}/1.fl`, {
 *   target: `${folder}/2.fl`,
 *   store: `dir://${folder}/b`,
 * });
 * console.assert(report.blocksCopied === 1);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function cloneImage(meta: string, options: CloneOptions): Promise<CloneReport> {
  const startedMs = performance.now();
  const { target, signal, onProgress, keepSecrets = false, concurrencyMax } = options;
  const call = signal === undefined ? {} : { signal };
  using flist = FlistReader.open(meta);
  flist.validate({ allowIncomplete: true });
  await using from = await useStoreOf(flist, readOptions(options));
  await using to = await useTargets(options.store, { ...options.storeOptions, ...call });
  // Before hours of copying rather than after: the new flist must have a place.
  using editor = FlistEditor.open(meta, { target });
  editor.replaceRoutes(routesOf(options.store, keepSecrets));
  const entriesTotal = flist.counts().chunks;
  const codec = createBlockCodec(flist.profile);
  const { blocksCopied, blocksPresent, copiedBytes } = await copyBlocks({
    ...call,
    ...(concurrencyMax === undefined ? {} : { concurrencyMax }),
    ids: coveredIds(flist, to.routes),
    source: from.store,
    targets: to.routes,
    verifyWith: (id, block) => codec.verifyId(id, block),
    onProgress: ({ blocks, copiedBytes: bytes }) =>
      onProgress?.({ phase: "store", entries: blocks, entriesTotal, bytes }),
  });
  editor.finish();
  await rememberOwnFlist(target, options.stateFolder);
  return {
    meta,
    target,
    blocksCopied,
    blocksPresent,
    copiedBytes,
    durationMs: Math.round(performance.now() - startedMs),
  };
}

/** The ids of all blocks. @throws {StoreUnavailableError} at the first that no target would get. */
function* coveredIds(flist: FlistReader, targets: readonly StoreRoute[]): Generator<BlockId> {
  const byPrefix = tableByPrefix(targets);
  for (const { ref: { id } } of distinctChunks(flist)) {
    if (byPrefix[prefixOf(id)]!.length === 0) throw uncoveredError(id, targets);
    yield id;
  }
}

function readOptions(options: CloneOptions): ReadStoreOptions {
  const { source, storeOptions, trustRoutes, stateFolder, cache, cacheSize } = options;
  return {
    ...(cache === undefined ? {} : { cache }),
    ...(cacheSize === undefined ? {} : { cacheSize }),
    ...(source === undefined ? {} : { store: source }),
    ...(storeOptions === undefined ? {} : { storeOptions }),
    ...(trustRoutes === undefined ? {} : { trustRoutes }),
    ...(stateFolder === undefined ? {} : { stateFolder }),
  };
}
