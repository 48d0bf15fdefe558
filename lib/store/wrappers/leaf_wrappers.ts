/**
 * What stands around each single store.
 *
 * @module
 */

import { systemClock } from "../../base/clock.ts";
import type { HubCredentials } from "../../hub_api/credentials.ts";
import type { HubClient } from "../../hub_api/hub_client.ts";
import { LinkedAbort } from "../../base/linked_abort.ts";
import { type BlockCheck, checkEitherDigest } from "../block_check.ts";
import type { Store } from "../store.ts";
import { DEADLINE_DEFAULT_MS, DeadlineStore, inTime } from "./deadline_store.ts";
import { LimitedStore } from "./limited_store.ts";
import { MeteredStore } from "./metered_store.ts";
import { ATTEMPTS_DEFAULT, retried, RetryingStore } from "./retrying_store.ts";
import type { StoreMetricsCollector } from "./store_metrics.ts";
import { TokenBucket } from "./token_bucket.ts";
import { VerifyingStore } from "./verifying_store.ts";

/** How much is asked of stores, how patiently, and as whom. */
export interface StoreTuning {
  /**
   * How long a store on the network may take for one request before it counts as failed, in
   * milliseconds, 1 or more.
   *
   * @default {30_000}
   */
  readonly deadlineMs?: number;
  /**
   * How often a request to a store on the network is made at most, 1 to 100: it is made again only
   * where the store says that it may succeed later, after waits that grow, and within twice the
   * deadline, or half a minute where that is longer.
   *
   * @default {6}
   */
  readonly attempts?: number;
  /**
   * Requests under way at once to each store on the network, 1 or more.
   *
   * @default each store's own bound
   */
  readonly concurrency?: number;
  /**
   * Bytes of blocks a second, in both directions and of all the stores that are opened together, 1
   * or more. Blocks in local directories then pass through the thread that opened them.
   *
   * @default no limit
   */
  readonly bytesPerSecond?: number;
  /**
   * Counts the requests to each store. Blocks in local directories then pass through the thread that
   * opened them.
   *
   * @default nothing is counted
   */
  readonly metrics?: StoreMetricsCollector;
  /**
   * Who the user is to hubs whose URLs have no token. A hub gets its own token only, over TLS only
   * where the user signed in so, and is asked for the next one where that has ended.
   *
   * @default hubs are asked without a token
   */
  readonly hubCredentials?: HubCredentials;
  /** A client of one hub, whose token is used for stores there in place of all others. */
  readonly hubClient?: HubClient;
}

/** How the blocks of stores are checked. */
export interface StoreVerification {
  /**
   * Whether every block that a store gives is checked against its id.
   *
   * @default where a store is on the network, or others may have the block too
   */
  readonly verify?: boolean;
  /**
   * Checks a block against its id; throws `BlockCorruptError`.
   *
   * @default takes what the digest of either profile names
   */
  readonly verifyWith?: BlockCheck;
}

/** What is known about a store that gets its wrappers. */
export interface LeafPlace {
  /** Whether it is on the network, as far as is known from its kind. */
  readonly isRemote: boolean;
  /** Whether it is the only one that is opened. */
  readonly isAlone: boolean;
  /** What it shares with the others that are opened. */
  readonly rate: TokenBucket | undefined;
}

/** How often a store on the network is asked again, at once, for a block that came damaged. */
const REPEATS_WHEN_CORRUPT = 1;

/** Attempts may begin for at least this long, in milliseconds. */
const ATTEMPTS_MIN_MS = 30_000;

/** @throws {RangeError} when `tuning` asks for what makes no sense. */
export function checkTuning(tuning: StoreTuning): void {
  const bounds = {
    deadlineMs: Infinity,
    attempts: 100,
    concurrency: Infinity,
    bytesPerSecond: Infinity,
  };
  for (const [name, max] of Object.entries(bounds)) {
    const value = tuning[name as keyof typeof bounds];
    if (value === undefined) continue;
    const whole = name === "attempts" || name === "concurrency";
    if (!(value >= 1 && value <= max) || (whole && !Number.isInteger(value))) {
      const range = max === Infinity ? "1 or more" : `1 to ${max}`;
      throw new RangeError(`Cannot open a store with ${name} ${value}: ${range}`);
    }
  }
}

/** What all stores that are opened together share. */
export function sharedRate({ bytesPerSecond }: StoreTuning): TokenBucket | undefined {
  return bytesPerSecond === undefined ? undefined : new TokenBucket(bytesPerSecond);
}

/**
 * Opens a store on the network with the patience that its requests get too.
 *
 * @param url The store, without secrets.
 * @param open Opens it, and gives up when its signal is aborted.
 */
export async function openPatiently(
  url: string,
  open: (signal: AbortSignal) => Promise<Store>,
  tuning: StoreTuning,
  signal: AbortSignal | undefined,
): Promise<Store> {
  const { deadlineMs, attempts, totalMs } = patienceOf(tuning);
  const deadline = { deadlineMs, clock: systemClock, store: url, task: () => "open the store" };
  const openOnce = async (): Promise<Store> => {
    using link = new LinkedAbort(signal);
    return await inTime(() => open(link.signal), link, deadline);
  };
  return await retried(openOnce, { attempts, totalMs }, signal);
}

function patienceOf(
  { deadlineMs = DEADLINE_DEFAULT_MS, attempts = ATTEMPTS_DEFAULT }: StoreTuning,
): { deadlineMs: number; attempts: number; totalMs: number } {
  return { deadlineMs, attempts, totalMs: Math.max(ATTEMPTS_MIN_MS, 2 * deadlineMs) };
}

/**
 * The store `leaf` with all that belongs around it. A local one gets only what is asked for: worker
 * threads reach its blocks directly, and pass by what stands around it. The check does not come in
 * their way, because they make it themselves.
 */
export function wrapLeaf(
  leaf: Store,
  { isRemote, isAlone, rate }: LeafPlace,
  options: StoreTuning & StoreVerification,
): Store {
  let store = leaf;
  if (options.metrics !== undefined && (isRemote || !options.metrics.remoteOnly)) {
    store = new MeteredStore(store, options.metrics.meter(store.url));
  }
  const { deadlineMs, attempts, totalMs } = patienceOf(options);
  if (isRemote) store = new DeadlineStore(store, deadlineMs);
  const concurrency = isRemote ? options.concurrency : undefined;
  if (concurrency !== undefined || rate !== undefined) {
    store = new LimitedStore(store, {
      ...(concurrency === undefined ? {} : { concurrency }),
      ...(rate === undefined ? {} : { rate }),
    });
  }
  if (isRemote && attempts > 1) store = new RetryingStore(store, { attempts, totalMs });
  if (options.verify ?? (isRemote || !isAlone)) {
    store = new VerifyingStore(store, {
      check: options.verifyWith ?? checkEitherDigest,
      repeats: isRemote ? REPEATS_WHEN_CORRUPT : 0,
    });
  }
  return store;
}
