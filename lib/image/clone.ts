/**
 * Brings an image's blocks to other stores.
 *
 * @module
 */

import { forEachBounded } from "../base/concurrency.ts";
import type { ProgressListener } from "../base/progress.ts";
import { createBlockCodec } from "../block/block_codec.ts";
import type { BlockRef } from "../block/block_ref.ts";
import { FlistEditor } from "../flist/flist_editor.ts";
import { FlistReader } from "../flist/flist_reader.ts";
import type { StoreTuning } from "../store/wrappers/leaf_wrappers.ts";
import type { BlockCache } from "../store/block_cache.ts";
import { batches } from "./check.ts";
import {
  type ReadStoreOptions,
  routesOf,
  type StoreLike,
  useStore,
  useStoreOf,
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
   * @default {16}
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

const CONCURRENCY_DEFAULT = 16;
const CONCURRENCY_MAX = 256;
/** Ids asked for at once. */
const IDS_A_REQUEST = 1000;

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
  const { target, signal, onProgress, keepSecrets = false } = options;
  const concurrencyMax = options.concurrencyMax ?? CONCURRENCY_DEFAULT;
  if (
    !Number.isInteger(concurrencyMax) || concurrencyMax < 1 || concurrencyMax > CONCURRENCY_MAX
  ) {
    throw new RangeError(`Cannot copy ${concurrencyMax} blocks at once: 1 to ${CONCURRENCY_MAX}`);
  }
  using flist = FlistReader.open(meta);
  flist.validate({ allowIncomplete: true });
  await using from = await useStoreOf(flist, readOptions(options));
  await using to = await useStore(options.store, flist.profile, {
    ...options.storeOptions,
    create: true,
  });
  const codec = createBlockCodec(flist.profile);
  const call = signal === undefined ? {} : { signal };
  const entriesTotal = flist.counts().chunks;
  let blocksCopied = 0;
  let blocksPresent = 0;
  let copiedBytes = 0;
  const progress = (): void =>
    onProgress?.({
      phase: "store",
      entries: blocksCopied + blocksPresent,
      entriesTotal,
      bytes: copiedBytes,
    });
  const copy = async ({ id }: BlockRef): Promise<void> => {
    signal?.throwIfAborted();
    const block = await from.store.get(id, call);
    codec.verifyId(id, block);
    await to.store.put(id, block, call);
    blocksCopied++;
    copiedBytes += block.length;
    progress();
  };
  for (const records of batches(flist.chunks(), () => 1, IDS_A_REQUEST)) {
    signal?.throwIfAborted();
    // Several chunks may stand for one block in a flist of the rfs profile.
    const refs = [...new Map(records.map(({ ref }) => [ref.id, ref])).values()];
    const present = await to.store.has(refs.map(({ id }) => id), call);
    blocksPresent += present.filter(Boolean).length;
    await forEachBounded(refs.filter((_, i) => !present[i]), concurrencyMax, copy);
    progress();
  }
  await to.store.flush(call);
  using editor = FlistEditor.open(meta, { target });
  editor.replaceRoutes(routesOf(options.store, keepSecrets));
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
