/**
 * The blocks of an image in a cache: to have them at hand, and to keep them there.
 *
 * @module
 */

import { resolve } from "node:path";
import { forEachBounded } from "../base/concurrency.ts";
import { StoreUnavailableError } from "../base/errors.ts";
import type { ProgressListener } from "../base/progress.ts";
import type { BlockRef } from "../block/block_ref.ts";
import { FlistReader } from "../flist/flist_reader.ts";
import type { BlockCache, CachePinStatus } from "../store/block_cache.ts";
import { spaceOf } from "../store/cache_index.ts";
import { directoryUrl } from "../store/directory_url.ts";
import { distinctChunks } from "./check.ts";
import { type ReadStoreOptions, useStoreOf } from "./image_stores.ts";

/** How to pin an image. */
export interface PinImageOptions extends Omit<ReadStoreOptions, "cache" | "cacheSize"> {
  /**
   * Whether to fetch the blocks that are not in the cache.
   *
   * @default {false}
   */
  readonly fetch?: boolean;
  /** Name of the pin. @default {pinNameOf(meta)} */
  readonly name?: string;
  /**
   * Blocks that are fetched at once, 1 to 256.
   *
   * @default {16}
   */
  readonly concurrencyMax?: number;
  /** Stops the fetching; the pin stays, and what was fetched. */
  readonly signal?: AbortSignal;
  /** Told how far the fetching is: entries are blocks. */
  readonly onProgress?: ProgressListener;
}

/** What pinning an image did. */
export interface PinImageReport extends CachePinStatus {
  /** Blocks that were fetched. */
  readonly blocksFetched: number;
}

const CONCURRENCY_DEFAULT = 16;
const CONCURRENCY_MAX = 256;

/** Name of the pin of the image whose flist is at `meta`: its absolute path. */
export function pinNameOf(meta: string): string {
  return resolve(meta);
}

/**
 * Makes the blocks of the image `meta` stay in `cache`: those that are there, those that are fetched
 * now where that is wanted, and others when they come. `cache.unpin(pinNameOf(meta))` ends it, or
 * with the name that was given. An image that was pinned by the same name before is not pinned any
 * more.
 *
 * @throws {FlistNotFoundError} {FlistFormatError} when there is no sound flist.
 * @throws {StoreUnavailableError} when a store or the cache fails, or the cache is too small for the
 *   blocks that are to be fetched.
 */
export async function pinImage(
  meta: string,
  cache: BlockCache,
  options: PinImageOptions = {},
): Promise<PinImageReport> {
  const { fetch = false, concurrencyMax = CONCURRENCY_DEFAULT, signal, onProgress } = options;
  if (
    !Number.isInteger(concurrencyMax) || concurrencyMax < 1 || concurrencyMax > CONCURRENCY_MAX
  ) {
    throw new RangeError(`Cannot fetch ${concurrencyMax} blocks at once: 1 to ${CONCURRENCY_MAX}`);
  }
  signal?.throwIfAborted();
  using flist = FlistReader.open(meta);
  const refs = Array.from(distinctChunks(flist), ({ ref }) => ref);
  const { name = pinNameOf(meta) } = options;
  // Before fetching, so that what comes later does not push out what came first.
  const pinned = await cache.pin(name, refs.map(({ id }) => id));
  const missing = fetch ? refs.filter(({ id }) => !cache.has(id)) : [];
  if (missing.length === 0) return { ...pinned, blocksFetched: 0 };
  await checkRoom(cache, missing);

  await using used = await useStoreOf(flist, { ...options, cache });
  const call = signal === undefined ? {} : { signal };
  let blocksFetched = 0;
  let bytes = 0;
  await forEachBounded(missing, concurrencyMax, async ({ id }) => {
    signal?.throwIfAborted();
    const block = await used.store.get(id, call);
    // A store in a local directory stands in front of no cache.
    if (used.store.local !== undefined) await cache.put(id, block);
    blocksFetched++;
    bytes += block.length;
    onProgress?.({ phase: "read", entries: blocksFetched, entriesTotal: missing.length, bytes });
  });
  const { pins } = await cache.status({ ...call, scan: false });
  return { ...pinned, ...pins.find((pin) => pin.name === name), blocksFetched };
}

/** Refuses what cannot fit before any of it is fetched. */
async function checkRoom(cache: BlockCache, missing: readonly BlockRef[]): Promise<void> {
  const { sizeMax, bytesPinned } = await cache.status({ scan: false });
  const bytes = missing.reduce((sum, { storedSize = 0 }) => sum + spaceOf(storedSize), 0);
  if (bytesPinned + bytes <= sizeMax) return;
  throw new StoreUnavailableError(
    directoryUrl(cache.folder),
    `Cannot keep ${missing.length} more blocks of ${bytes} bytes in the cache ${cache.folder}: ` +
      `of its ${sizeMax} bytes, ${bytesPinned} are pinned`,
    { hint: "Give the cache more room, or unpin what is not needed." },
  );
}
