/**
 * From store specs to a store.
 *
 * @module
 */

import { UnsupportedError } from "../base/errors.ts";
import { checkEitherDigest } from "./block_check.ts";
import { DirectoryStore } from "./directory_store.ts";
import { directoryPath } from "./directory_url.ts";
import { MemoryStore } from "./memory_store.ts";
import { FULL_RANGE } from "./prefix_range.ts";
import type { Durability, Store, StoreCallOptions } from "./store.ts";
import { parseStoreSpec, redactUrl, type StoreSpec } from "./store_url.ts";
import type { HealEvent } from "./wrappers/block_healer.ts";
import {
  checkTuning,
  openPatiently,
  sharedRate,
  type StoreTuning,
  type StoreVerification,
  wrapLeaf,
} from "./wrappers/leaf_wrappers.ts";
import { ReadOnlyStore } from "./wrappers/read_only_store.ts";
import { type RoutedHealOptions, RoutedStore, type StoreRoute } from "./wrappers/routed_store.ts";
import { SingleFlightStore } from "./wrappers/single_flight_store.ts";

/** How to open stores. */
export interface OpenStoreOptions extends StoreCallOptions, StoreTuning, StoreVerification {
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
   * Whether a store on the network may be out of reach until a call needs it: for readers that have
   * another place to look first, such as a cache.
   *
   * @default {true} for reading from several stores, else false
   */
  readonly mayBeAway?: boolean;
  /**
   * Refuses every `put` and `delete`.
   *
   * @default {false}
   */
  readonly readOnly?: boolean;
  /**
   * Writes a block that is missing or damaged in one store and good in another of the same range
   * back to the first: with `"met"` when a read happens to meet it, with `"all"` every read looks at
   * every store. What cannot be healed does not fail the read.
   *
   * @default nothing is written
   */
  readonly heal?: "met" | "all";
  /** Told of each copy that was healed or could not be. */
  readonly onHeal?: (event: HealEvent) => void;
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
  ["s3", openS3],
  ["s3s", openS3],
  ["s3+tls", openS3],
  ["http", openHttp],
  ["https", openHttp],
  ["hub", openHub],
  ["hubs", openHub],
  ["server", openHub],
  ["zdb", openZdb],
  ["redis", openRedis],
  ["rediss", openRedis],
]);

/** Kinds of store that are in this process or on its disks: nothing is put around them unasked. */
const LOCAL_SCHEMES: ReadonlySet<string> = new Set(["dir", "mem"]);

/**
 * Opens stores as one: the store itself where there is one for all block ids, else a routed store in
 * which overlapping ranges are replicas. Of several stores that are opened for reading, one that is
 * out of reach fails only the calls for which no other store can answer.
 *
 * Requests to a store on the network are ended after a time, made again when they fail for the
 * moment, and made once for all who want a block at the same time; and each block that comes is
 * checked. A store in local directories stays as it is unless an option asks for more.
 *
 * @param specs Texts such as `dir:///srv/blocks` and `00-7f=dir:///a`, or parsed ones, at least one.
 * @throws {TypeError} when there are no specs or options contradict each other, {RangeError} when an
 *   option is out of range.
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
  checkOptions(options);
  // All are read before any is opened, so that a typing mistake leaves nothing behind.
  const parsed = specs.map((spec) => typeof spec === "string" ? parseStoreSpec(spec) : spec);
  const schemes = parsed.map((spec) => schemeOf(spec.url));
  const factories = parsed.map((spec) => factoryOf(spec.url));

  const isAlone = parsed.length === 1;
  const isRemote = schemes.map((scheme) => !LOCAL_SCHEMES.has(scheme));
  const isOneOfSeveral = !isAlone && options.create !== true;
  const rate = sharedRate(options);

  await using opened = new AsyncDisposableStack();
  const routes: StoreRoute[] = [];
  for (const [index, { start, end, url }] of parsed.entries()) {
    options.signal?.throwIfAborted();
    const open = (signal = options.signal): Promise<Store> =>
      factories[index]!(url, {
        ...options,
        ...(signal === undefined ? {} : { signal }),
        mayBeAway: isRemote[index] === true && options.mayBeAway !== undefined
          ? options.mayBeAway
          : isOneOfSeveral,
      });
    const leaf = isRemote[index]
      ? await openPatiently(redactUrl(url), open, options, options.signal)
      : await open();
    const place = { isRemote: isRemote[index]!, isAlone, rate };
    const store = opened.use(wrapLeaf(leaf, place, options));
    routes.push({ start, end, store });
  }
  const [only] = routes;
  const single = routes.length === 1 && only!.start === FULL_RANGE.start &&
    only!.end === FULL_RANGE.end;
  const joined = single ? only!.store : new RoutedStore(routes, healing(options));
  const shared = isRemote.includes(true) ? new SingleFlightStore(joined) : joined;
  opened.move();
  return options.readOnly === true ? new ReadOnlyStore(shared) : shared;
}

function checkOptions(options: OpenStoreOptions): void {
  checkTuning(options);
  const { readOnly, create, heal, verify } = options;
  const refuse = (reason: string): never => {
    throw new TypeError(`Cannot open a store: ${reason}`);
  };
  if (readOnly === true && create === true) refuse("readOnly and create contradict each other");
  if (readOnly === true && heal !== undefined) refuse("what is read only cannot be healed");
  if (verify === false && heal !== undefined) refuse("blocks that are not checked cannot heal");
}

function healing(options: OpenStoreOptions): { readonly heal?: RoutedHealOptions } {
  const { heal, verifyWith = checkEitherDigest, onHeal } = options;
  if (heal === undefined) return {};
  return {
    heal: {
      check: verifyWith,
      everyReplica: heal === "all",
      ...(onHeal === undefined ? {} : { onHeal }),
    },
  };
}

function schemeOf(url: string): string {
  return url.slice(0, url.indexOf("://")).toLowerCase();
}

/** Loads the AWS client only when there is an S3 store. */
async function openS3(url: string, options: StoreFactoryOptions): Promise<Store> {
  const { S3Store } = await import("./s3_store.ts");
  return await S3Store.open(url, options);
}

function factoryOf(url: string): StoreFactory {
  const scheme = schemeOf(url);
  const factory = FACTORIES.get(scheme);
  if (factory !== undefined) return factory;
  const known = [...FACTORIES.keys()].map((name) => `${name}://`).join(", ");
  throw new UnsupportedError(
    `Cannot open store ${redactUrl(url)}: there is no kind of store called ${scheme}`,
    { hint: `The kinds of store are ${known}.` },
  );
}

async function openHttp(url: string, options: StoreFactoryOptions): Promise<Store> {
  const { HttpStore } = await import("./http_store.ts");
  return await HttpStore.open(url, options);
}

async function openHub(url: string, options: StoreFactoryOptions): Promise<Store> {
  const { HubStore } = await import("./hub_store.ts");
  return await HubStore.open(url, options);
}

async function openZdb(url: string, options: StoreFactoryOptions): Promise<Store> {
  const { openZdbStore } = await import("./resp/resp_factory.ts");
  return await openZdbStore(url, options);
}

async function openRedis(url: string, options: StoreFactoryOptions): Promise<Store> {
  const { openRedisStore } = await import("./resp/resp_factory.ts");
  return await openRedisStore(url, options);
}

function memoryName(url: string): string {
  const name = url.slice("mem://".length);
  if (/^[\w./-]+$/.test(name)) return name;
  throw new SyntaxError(
    `Cannot open store ${redactUrl(url)}: write mem://name, with letters, digits and . _ - /`,
  );
}
