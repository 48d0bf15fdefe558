/**
 * From store specs to a store.
 *
 * @module
 */

import { UnsupportedError } from "../base/errors.ts";
import { DirectoryStore } from "./directory_store.ts";
import { directoryPath } from "./directory_url.ts";
import { MemoryStore } from "./memory_store.ts";
import { FULL_RANGE } from "./prefix_range.ts";
import type { Durability, Store, StoreCallOptions } from "./store.ts";
import { parseStoreSpec, redactUrl, type StoreSpec } from "./store_url.ts";
import { RoutedStore, type StoreRoute } from "./wrappers/routed_store.ts";

/** How to open stores. */
export interface OpenStoreOptions extends StoreCallOptions {
  /**
   * Opens for writing: what a store needs and can make, such as the directory of a directory store,
   * is made.
   *
   * @default {false}
   */
  readonly create?: boolean;
  /** When blocks on local disks survive a power cut. @default {"end"} */
  readonly durability?: Durability;
  /**
   * Puts a wrapper around the store of each spec before they are joined, for what must happen once a
   * replica: verification, retries, metrics.
   */
  readonly wrap?: (store: Store) => Store;
  /**
   * Refuses to connect to addresses that are not globally reachable, also where a public name leads
   * to one: for stores that a foreign flist names.
   *
   * @default {false}
   */
  readonly publicAddressesOnly?: boolean;
}

/** How one store of several is opened. */
export interface StoreFactoryOptions extends OpenStoreOptions {
  /** Whether it may be out of reach until a call needs it. */
  readonly mayBeAway: boolean;
}

/** Opens the store that a URL names. Its errors show no secret. */
export type StoreFactory = (url: string, options: StoreFactoryOptions) => Promise<Store>;

/** Every kind of store that there is, by scheme. */
const FACTORIES: ReadonlyMap<string, StoreFactory> = new Map<string, StoreFactory>([
  ["dir", (url, options) => DirectoryStore.open(directoryPath(url), options)],
  ["mem", (url) => Promise.resolve(new MemoryStore(memoryName(url)))],
]);

/**
 * Opens stores as one: the store itself where there is one for all block ids, else a routed store in
 * which overlapping ranges are replicas. Of several stores that are opened for reading, one that is
 * out of reach fails only the calls for which no other store can answer.
 *
 * @param specs Texts such as `dir:///srv/blocks` and `00-7f=dir:///a`, or parsed ones, at least one.
 * @throws {SyntaxError} when a spec cannot be read.
 * @throws {UnsupportedError} when no store has the scheme.
 * @throws {StoreUnavailableError} or {StoreDeniedError} when a store cannot be opened; those opened
 *   before it are closed.
 */
export async function openStore(
  specs: readonly (string | StoreSpec)[],
  options: OpenStoreOptions = {},
): Promise<Store> {
  if (specs.length === 0) throw new TypeError("Cannot open a store: none is named");
  // All are read before any is opened, so that a typing mistake leaves nothing behind.
  const parsed = specs.map((spec) => typeof spec === "string" ? parseStoreSpec(spec) : spec);
  const factories = parsed.map((spec) => factoryOf(spec.url));

  const mayBeAway = parsed.length > 1 && options.create !== true;

  await using opened = new AsyncDisposableStack();
  const routes: StoreRoute[] = [];
  for (const [index, { start, end, url }] of parsed.entries()) {
    options.signal?.throwIfAborted();
    const inner = await factories[index]!(url, { ...options, mayBeAway });
    const store = opened.use(options.wrap?.(inner) ?? inner);
    routes.push({ start, end, store });
  }
  const [only] = routes;
  const single = routes.length === 1 && only!.start === FULL_RANGE.start &&
    only!.end === FULL_RANGE.end;
  const whole = single ? only!.store : new RoutedStore(routes);
  opened.move();
  return whole;
}

function factoryOf(url: string): StoreFactory {
  const scheme = url.slice(0, url.indexOf("://")).toLowerCase();
  const factory = FACTORIES.get(scheme);
  if (factory !== undefined) return factory;
  const known = [...FACTORIES.keys()].map((name) => `${name}://`).join(", ");
  throw new UnsupportedError(
    `Cannot open store ${redactUrl(url)}: there is no kind of store called ${scheme}`,
    { hint: `The kinds of store are ${known}.` },
  );
}

function memoryName(url: string): string {
  const name = url.slice("mem://".length);
  if (/^[\w./-]+$/.test(name)) return name;
  throw new SyntaxError(
    `Cannot open store ${redactUrl(url)}: write mem://name, with letters, digits and . _ - /`,
  );
}
