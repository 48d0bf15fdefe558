/**
 * Several stores as one, each for a range of block ids.
 *
 * @module
 */

import type { Bytes } from "../../base/bytes.ts";
import { type Clock, systemClock } from "../../base/clock.ts";
import type { BlockId } from "../../block/block_ref.ts";
import { assertBlockSize } from "../block_size.ts";
import {
  formatRange,
  prefixOf,
  type PrefixRange,
  tableByPrefix,
  uncoveredError,
} from "../prefix_range.ts";
import type { LocalPlacement, PutOptions, PutResult, Store, StoreCallOptions } from "../store.ts";
import { combineFailures, type StoreFailure } from "../store_failures.ts";
import { BlockHealer, type HealOptions } from "./block_healer.ts";
import { isAnswer, type Replica, ReplicaReader } from "./replica_reader.ts";
import { byPreference, ReplicaRecord } from "./replica_record.ts";

/** A store and the range of block ids that it is for. */
export interface StoreRoute extends PrefixRange {
  /** Has the blocks of the range. */
  readonly store: Store;
}

/** How a {@link RoutedStore} treats its replicas. */
export interface RoutedStoreOptions {
  /**
   * Writes a block that a read finds missing or corrupt on one replica and good on another back to
   * the first. The stores must check their blocks for that.
   *
   * @default nothing is written back
   */
  readonly heal?: RoutedHealOptions;
  /** Tells how fast replicas are. */
  readonly clock?: Clock;
}

/** How a {@link RoutedStore} heals. */
export interface RoutedHealOptions extends HealOptions {
  /**
   * Whether a read looks at every replica, instead of stopping at the first that has the block.
   *
   * @default {false}
   */
  readonly everyReplica?: boolean;
}

/** A route and what is known of its store. */
interface RecordedRoute extends StoreRoute, Replica {}

/**
 * Sends each block to the stores whose range has the first byte of its id. Ranges may overlap: the
 * stores are replicas then.
 *
 * - `get` asks the replica that answered fastest of late, and those about as fast in the order of
 *   the routes. It moves on when one fails, and asks the next one too when the answer takes longer
 *   than it usually does; the first block wins. A replica that failed is left alone for a while, as
 *   long as others answer. One that was slow, or failed, or was never asked, is tried again now and
 *   then. The block is missing only if all of them say so; otherwise the error tells what each said.
 * - `put` and `delete` reach every replica, or fail with the names of those that did not do it.
 * - `has` is true when any replica has the block, so that it can be read. A writer that wants every
 *   replica to have it puts it, which costs little where it is present.
 * - `list` gives what lies within the ranges, each id once, and fails when any store cannot list:
 *   an incomplete list must not look complete. It is present where all stores can list, and so is
 *   `delete`.
 * - `local` is present where all stores lie in local directories, and nothing is to be healed.
 */
export class RoutedStore implements Store {
  /** See {@link Store.url}. */
  readonly url: string;
  /** See {@link Store.local}. */
  readonly local?: LocalPlacement;
  /** See {@link Store.list}. */
  readonly list?: (options?: StoreCallOptions) => AsyncIterable<BlockId>;
  /** See {@link Store.delete}. */
  readonly delete?: (id: BlockId, options?: StoreCallOptions) => Promise<boolean>;
  readonly #routes: readonly RecordedRoute[];
  readonly #stores: ReadonlySet<Store>;
  readonly #byPrefix: readonly (readonly RecordedRoute[])[];
  readonly #reader: ReplicaReader;
  readonly #healer: BlockHealer | undefined;
  readonly #readsEveryReplica: boolean;

  /**
   * Joins stores.
   *
   * @param routes At least one. The stores belong to the routed store from now on, which disposes
   *   of them.
   * @throws {TypeError} when there are no routes, {RangeError} when a range is not one.
   */
  constructor(routes: readonly StoreRoute[], options: RoutedStoreOptions = {}) {
    if (routes.length === 0) throw new TypeError("Cannot route blocks: there are no routes");
    const { heal, clock = systemClock } = options;
    this.#stores = new Set(routes.map((route) => route.store));
    const records = new Map(
      Array.from(this.#stores, (store) => [store, new ReplicaRecord(clock)]),
    );
    this.#routes = routes.map((route) => ({ ...route, record: records.get(route.store)! }));
    this.#byPrefix = tableByPrefix(this.#routes);
    this.#reader = new ReplicaReader(clock);
    this.#healer = heal === undefined ? undefined : new BlockHealer({ clock, ...heal });
    this.#readsEveryReplica = heal?.everyReplica ?? false;
    this.url = routes.map((route) => `${formatRange(route)}=${route.store.url}`).join(", ");
    const local = heal === undefined ? mergePlacements(routes) : undefined;
    if (local !== undefined) this.local = local;
    if (routes.every((route) => route.store.list !== undefined)) {
      this.list = (options) => this.#list(options);
    }
    if (routes.every((route) => route.store.delete !== undefined)) {
      this.delete = (id, options) => this.#delete(id, options);
    }
  }

  /** See {@link Store.get}. */
  async get(id: BlockId, options: StoreCallOptions = {}): Promise<Bytes> {
    const replicas = byPreference(this.#covering(id));
    const [only] = replicas;
    if (replicas.length === 1) return await only!.store.get(id, options);
    const read = this.#readsEveryReplica ? "readAll" : "readFirst";
    const { block, failures } = await this.#reader[read](replicas, id, options.signal);
    if (block === undefined) {
      const told = failures.map(({ replica, error }) => ({ url: replica.store.url, error }));
      throw combineFailures(`read block ${id}`, told);
    }
    await this.#healer?.heal(id, block, failures, options);
    return block;
  }

  /** See {@link Store.put}. */
  async put(id: BlockId, block: Uint8Array, options: PutOptions = {}): Promise<PutResult> {
    assertBlockSize(id, block);
    const results = await onAll(
      `store block ${id}`,
      this.#covering(id).map((route) => route.store),
      (store) => store.put(id, block, options),
      options.signal,
    );
    return results.every((result) => result === "present") ? "present" : "stored";
  }

  /** See {@link Store.has}. */
  async has(ids: readonly BlockId[], options: StoreCallOptions = {}): Promise<boolean[]> {
    options.signal?.throwIfAborted();
    const found = ids.map(() => false);
    const failures = new Map<RecordedRoute, StoreFailure>();
    const unsure = new Set<number>();
    const preferred = new Map(
      Array.from(new Set(ids.map(prefixOf)), (at) => [at, byPreference(this.#byPrefix[at]!)]),
    );
    // Round by round: all first choices at once, then the second choice for what they did not have.
    let open = [...ids.keys()];
    for (let round = 0; open.length > 0; round++) {
      const batches = Map.groupBy(open, (index) => preferred.get(prefixOf(ids[index]!))![round]);
      batches.delete(undefined);
      await Promise.all([...batches].map(async ([route, indexes]) => {
        try {
          const answers = await route!.store.has(indexes.map((index) => ids[index]!), options);
          for (const [at, index] of indexes.entries()) found[index] = answers[at]!;
        } catch (error) {
          failures.set(route!, { url: route!.store.url, error });
          if (options.signal?.aborted !== true && !isAnswer(error)) route!.record.failed();
          for (const index of indexes) unsure.add(index);
        }
      }));
      options.signal?.throwIfAborted();
      open = [...batches.values()].flat().filter((index) => !found[index]);
    }
    if ([...unsure].every((index) => found[index])) return found;
    throw combineFailures("look for blocks", [...failures.values()]);
  }

  /** See {@link Store.flush}. */
  async flush(options: StoreCallOptions = {}): Promise<void> {
    const task = "make blocks durable";
    await onAll(task, this.#stores, (store) => store.flush(options), options.signal);
  }

  /** Disposes of every store, also when one of them fails, after what is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    const parts = new AsyncDisposableStack();
    for (const store of this.#stores) parts.use(store);
    if (this.#healer !== undefined) parts.use(this.#healer);
    parts.use(this.#reader);
    await parts.disposeAsync();
  }

  async *#list(options: StoreCallOptions = {}): AsyncIterable<BlockId> {
    // Only blocks with replicas can come twice, so only those are remembered.
    const seen = new Set<BlockId>();
    for (const route of this.#routes) {
      for await (const id of route.store.list!(options)) {
        const prefix = prefixOf(id);
        if (prefix < route.start || prefix > route.end) continue;
        if (this.#byPrefix[prefix]!.length > 1) {
          if (seen.has(id)) continue;
          seen.add(id);
        }
        yield id;
      }
    }
  }

  async #delete(id: BlockId, options: StoreCallOptions = {}): Promise<boolean> {
    const results = await onAll(
      `delete block ${id}`,
      this.#byPrefix[prefixOf(id)]!.map((route) => route.store),
      (store) => store.delete!(id, options),
      options.signal,
    );
    return results.includes(true);
  }

  /** Stores for an id, at least one. */
  #covering(id: BlockId): readonly RecordedRoute[] {
    const routes = this.#byPrefix[prefixOf(id)]!;
    if (routes.length === 0) throw uncoveredError(id, this.#routes);
    return routes;
  }
}

/** Does the same on several stores at once, waits for all, and throws one error for all. */
async function onAll<Result>(
  task: string,
  stores: Iterable<Store>,
  call: (store: Store) => Promise<Result>,
  signal: AbortSignal | undefined,
): Promise<Result[]> {
  signal?.throwIfAborted();
  const asked = [...stores];
  const outcomes = await Promise.allSettled(asked.map(call));
  const results: Result[] = [];
  const failures: StoreFailure[] = [];
  for (const [index, outcome] of outcomes.entries()) {
    if (outcome.status === "fulfilled") results.push(outcome.value);
    else failures.push({ url: asked[index]!.url, error: outcome.reason });
  }
  if (failures.length === 0) return results;
  signal?.throwIfAborted();
  throw combineFailures(task, failures);
}

/** The directories of all routes, each limited to its route's range; undefined unless all have. */
function mergePlacements(routes: readonly StoreRoute[]): LocalPlacement | undefined {
  const directories = [];
  for (const { start, end, store } of routes) {
    if (store.local === undefined) return undefined;
    for (const directory of store.local.directories) {
      const narrowed = {
        ...directory,
        start: Math.max(start, directory.start),
        end: Math.min(end, directory.end),
      };
      if (narrowed.start <= narrowed.end) directories.push(narrowed);
    }
  }
  return { directories };
}
