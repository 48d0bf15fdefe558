/**
 * From what a user names, or a flist says, to an open store.
 *
 * @module
 */

import { UntrustedRouteError } from "../base/errors.ts";
import type { FlistReader, Route } from "../flist/flist_reader.ts";
import { openStore, type OpenStoreOptions } from "../store/open_store.ts";
import type { Store } from "../store/store.ts";
import { isLocalUrl } from "../store/local_url.ts";
import { formatStoreSpec, parseStoreSpec, redactUrl, stripSecrets } from "../store/store_url.ts";
import { isOwnFlist } from "./own_flists.ts";

/** A store: open, or named by one or more specs such as `dir:///blocks` or `00-7f=dir:///a`. */
export type StoreLike = Store | string | readonly string[];

/** A store in use, and whether it must be closed after. */
export interface UsedStore extends AsyncDisposable {
  readonly store: Store;
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
}

/** Opens `store` for writing; what is already open stays the caller's. */
export async function useStore(
  store: StoreLike,
  options: Pick<OpenStoreOptions, "create" | "publicAddressesOnly">,
): Promise<UsedStore> {
  if (isOpen(store)) {
    return { store, [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  const opened = await openStore(typeof store === "string" ? [store] : store, options);
  return { store: opened, [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose]() };
}

/** Opens the stores that hold the blocks of `flist`. */
export async function useStoreOf(
  flist: FlistReader,
  options: ReadStoreOptions,
): Promise<UsedStore> {
  if (options.store !== undefined) return await useStore(options.store, { create: false });
  const routes = flist.routes();
  const trusted = options.trustRoutes ?? await isOwnFlist(flist.path, options.stateFolder);
  if (!trusted) {
    const local = routes.find(({ url }) => isLocalUrl(url));
    if (local !== undefined) throw new UntrustedRouteError(redactUrl(local.url));
  }
  return await useStore(routes.map(formatStoreSpec), {
    create: false,
    publicAddressesOnly: !trusted,
  });
}

/** The routes that a flist gets whose blocks are in `store`. */
export function routesOf(store: StoreLike, keepSecrets: boolean): Route[] {
  if (isOpen(store)) return [{ start: 0, end: 255, url: store.url }];
  return (typeof store === "string" ? [store] : store).map((text) => {
    const { start, end, url } = parseStoreSpec(text);
    return { start, end, url: keepSecrets ? url : stripSecrets(url) };
  });
}

function isOpen(store: StoreLike): store is Store {
  return typeof store === "object" && "get" in store;
}
