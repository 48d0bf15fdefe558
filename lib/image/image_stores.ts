/**
 * From what a user names, or a flist says, to an open store.
 *
 * @module
 */

import { MyfsError, UntrustedRouteError } from "../base/errors.ts";
import { createBlockCodec } from "../block/block_codec.ts";
import type { Profile } from "../block/profile.ts";
import type { FlistReader, Route } from "../flist/flist_reader.ts";
import { BlockCache, openBlockCache } from "../store/block_cache.ts";
import { openStore, type OpenStoreOptions } from "../store/open_store.ts";
import type { Store } from "../store/store.ts";
import { isLocalUrl } from "../store/local_url.ts";
import { CachedStore } from "../store/wrappers/cached_store.ts";
import { FULL_RANGE, type PrefixRange } from "../store/prefix_range.ts";
import {
  formatStoreSpec,
  parseStoreSpec,
  redactUrl,
  type StoreSpec,
  stripSecrets,
} from "../store/store_url.ts";
import type { StoreRoute } from "../store/wrappers/routed_store.ts";
import type { HealEvent } from "../store/wrappers/block_healer.ts";
import type { StoreTuning } from "../store/wrappers/leaf_wrappers.ts";
import { isOwnFlist } from "./own_flists.ts";

/** A store: open, or named by one or more specs such as `dir:///blocks` or `00-7f=dir:///a`. */
export type StoreLike = Store | string | readonly string[];

/** A store in use, and whether it must be closed after. */
export interface UsedStore extends AsyncDisposable {
  readonly store: Store;
  /** The cache in front of it, where there is one. */
  readonly cache?: BlockCache;
}

/** Stores that blocks are copied to, side by side. */
export interface UsedTargets extends AsyncDisposable {
  readonly routes: readonly StoreRoute[];
}

/** How the blocks of an existing flist are reached. */
export interface ReadStoreOptions {
  /** Where the blocks are, instead of where the flist's routes say. */
  readonly store?: StoreLike;
  /**
   * Whether to follow routes that lead to this machine or its private network. Undefined: only
   * those of flists that were made here.
   */
  readonly trustRoutes?: boolean;
  /** Folder in which packs on this machine leave marks; see `PackOptions.stateFolder`. */
  readonly stateFolder?: string;
  /** How much is asked of the stores that are named, not given open, and how patiently. */
  readonly storeOptions?: StoreTuning;
  /**
   * Whether to write a block that is missing or damaged in one store and good in another of the same
   * range back to the first. What cannot be healed does not fail the reading. The blocks then pass
   * through the thread that reads, which takes longer.
   *
   * @default {false}
   */
  readonly heal?: boolean;
  /** Told of each copy that was healed or could not be. */
  readonly onHeal?: (event: HealEvent) => void;
  /**
   * Where blocks are kept once they have been fetched: an open cache, which stays the caller's, or its
   * folder. Stores in directories of this machine are read as they are, without it; and so are all
   * stores where blocks are healed, because only what comes from the stores can be.
   *
   * @default no cache
   */
  readonly cache?: BlockCache | string;
  /** Most space that blocks may take in the cache that a folder names; see `BlockCacheOptions`. */
  readonly cacheSize?: number;
}

/**
 * Opens `store`; what is already open stays the caller's.
 *
 * @param profile Whose blocks they are; undefined where they may be of either.
 * @throws {TypeError} when it is open already, and options say how to open it.
 */
export async function useStore(
  store: StoreLike,
  profile: Profile | undefined,
  options: Omit<OpenStoreOptions, "verifyWith">,
): Promise<UsedStore> {
  if (isOpen(store)) {
    if (options.heal !== undefined) {
      throw new TypeError(`Cannot heal ${store.url}: it was opened by the caller, so heal there`);
    }
    return { store, [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  const opened = await openStore(typeof store === "string" ? [store] : store, {
    ...options,
    ...(profile === undefined ? {} : verification(profile)),
  });
  return { store: opened, [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose]() };
}

/**
 * Opens each store that `stores` names for writing, by itself: a routed store would not tell which
 * replica lacks a block. What is already open stays the caller's, and is one.
 */
export async function useTargets(
  stores: StoreLike,
  options: StoreTuning & Pick<OpenStoreOptions, "signal">,
): Promise<UsedTargets> {
  await using opened = new AsyncDisposableStack();
  const routes: StoreRoute[] = [];
  if (isOpen(stores)) routes.push({ ...FULL_RANGE, store: stores });
  else {
    for (const { start, end, url } of specsOf(stores)) {
      const store = opened.use(await openStore([url], { ...options, create: true }));
      routes.push({ start, end, store });
    }
  }
  const kept = opened.move();
  return { routes, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** The ranges of block ids that `stores` are for. */
export function rangesOf(stores: StoreLike): readonly PrefixRange[] {
  return isOpen(stores) ? [FULL_RANGE] : specsOf(stores);
}

/**
 * Opens the stores that hold the blocks of `flist`, behind the cache where there is one.
 *
 * @param healMode Which copies are looked at where copies are to be healed.
 */
export async function useStoreOf(
  flist: FlistReader,
  options: ReadStoreOptions,
  healMode: "met" | "all" = "met",
): Promise<UsedStore> {
  const { cache, cacheSize, heal = false } = options;
  if (cacheSize !== undefined && typeof cache !== "string") {
    throw new TypeError("Cannot use option cacheSize without the folder of a cache");
  }
  await using used = new AsyncDisposableStack();
  const { store } = used.use(await useUncachedStoreOf(flist, options, healMode));
  const keep = (store: Store, cache?: BlockCache): UsedStore => {
    const kept = used.move();
    return {
      store,
      ...(cache === undefined ? {} : { cache }),
      [Symbol.asyncDispose]: () => kept.disposeAsync(),
    };
  };
  // Worker threads read local directories themselves, as fast as they would read a cache.
  if (cache === undefined || heal || store.local !== undefined) return keep(store);
  const opened = cache instanceof BlockCache ? cache : used.use(
    await openBlockCache(cache, cacheSize === undefined ? {} : { sizeMax: cacheSize }),
  );
  return keep(new CachedStore(store, opened), opened);
}

async function useUncachedStoreOf(
  flist: FlistReader,
  options: ReadStoreOptions,
  healMode: "met" | "all",
): Promise<UsedStore> {
  const { heal = false, onHeal } = options;
  const open = {
    ...options.storeOptions,
    create: false,
    // What the cache has can be read all the same.
    ...(options.cache !== undefined && !heal ? { mayBeAway: true } : {}),
    ...(heal ? { heal: healMode } : {}),
    ...(onHeal === undefined ? {} : { onHeal }),
  };
  if (options.store !== undefined) return await useStore(options.store, flist.profile, open);
  const routes = flist.routes();
  const trusted = options.trustRoutes ?? await isOwnFlist(flist.path, options.stateFolder);
  if (!trusted) {
    const local = routes.find(({ url }) => isLocalUrl(url));
    if (local !== undefined) throw new UntrustedRouteError(redactUrl(local.url));
    if (heal) throw untrustedStores(flist, "heal");
  }
  return await useStore(routes.map(formatStoreSpec), flist.profile, {
    ...open,
    publicAddressesOnly: !trusted,
  });
}

/**
 * With the caller's credentials, a stranger's flist could have anything written anywhere.
 *
 * @param intent What was to be done to the stores, as a verb.
 */
export function untrustedStores(flist: FlistReader, intent: string): MyfsError {
  return new MyfsError(
    "untrusted_route",
    `Cannot ${intent} the stores of ${flist.path}: it was not made here, and names them itself`,
    { hint: "If you trust whoever made it, pass --trust-routes, or name the stores with --store." },
  );
}

/** The routes that a flist gets whose blocks are in `store`. */
export function routesOf(store: StoreLike, keepSecrets: boolean): Route[] {
  if (isOpen(store)) return [{ start: 0, end: 255, url: store.url }];
  return specsOf(store).map(({ start, end, url }) => ({
    start,
    end,
    url: keepSecrets ? url : stripSecrets(url),
  }));
}

function specsOf(stores: string | readonly string[]): StoreSpec[] {
  return (typeof stores === "string" ? [stores] : stores).map(parseStoreSpec);
}

function verification(profile: Profile): Pick<OpenStoreOptions, "verifyWith"> {
  const codec = createBlockCodec(profile);
  return { verifyWith: (id, block) => codec.verifyId(id, block) };
}

function isOpen(store: StoreLike): store is Store {
  return typeof store === "object" && "get" in store;
}
