/**
 * A store that is asked again when it fails for the moment.
 *
 * @module
 */

import { type Clock, systemClock, wait } from "../../base/clock.ts";
import { RegistryUnavailableError, StoreUnavailableError } from "../../base/errors.ts";
import type { BlockId } from "../../block/block_ref.ts";
import type { Store, StoreCallOptions } from "../store.ts";
import { CallWrapper, type MakeCall, type StoreCall } from "./call_wrapper.ts";

/** How a {@link RetryingStore} goes on after failures. */
export interface RetryOptions {
  /** How often a call is made at most, 1 or more. @default {6} */
  readonly attempts?: number;
  /** Longest wait after the first failure, in milliseconds; it doubles each time. @default {250} */
  readonly delayMs?: number;
  /** Longest wait after any failure, in milliseconds. @default {10_000} */
  readonly delayMaxMs?: number;
  /**
   * How long after the first attempt another one may begin, in milliseconds.
   *
   * @default {60_000}
   */
  readonly totalMs?: number;
  /**
   * How many ids a `list` remembers, so that it can begin again; 100 bytes each.
   *
   * @default {1_000_000}
   */
  readonly listedIdsMax?: number;
  /** What waits. */
  readonly clock?: Clock;
  /** A random number from 0 to 1, which is not reached. */
  readonly random?: () => number;
}

/** Attempts at a call unless the caller says otherwise. */
export const ATTEMPTS_DEFAULT = 6;

/**
 * Makes a call again when the store inside says that it may succeed later (`retryable`), and only
 * then. The waits grow, and a random share of each is left out, so that many who failed together do
 * not come back together; where the store says how long to wait, it is never less. What fails at
 * last is the last error, which says how often the call was made and has the first one as its cause.
 *
 * A `list` that breaks off begins again and leaves out what it gave before. It remembers a million
 * ids for that; one that breaks off after more fails.
 */
export class RetryingStore extends CallWrapper {
  readonly #options: ResolvedOptions;

  /** Wraps `inner`, which belongs to the wrapper from now on. */
  constructor(inner: Store, options: RetryOptions = {}) {
    super(inner);
    this.#options = resolveOptions(options);
  }

  /** Makes a call until it succeeds or there is no point in going on. */
  protected override async around<Result>(
    _call: StoreCall,
    make: MakeCall<Result>,
    options: StoreCallOptions,
  ): Promise<Result> {
    return await retried(() => make(options), this.#options, options.signal);
  }

  /** See {@link Store.list}. */
  protected override async *listInner(options: StoreCallOptions): AsyncIterable<BlockId> {
    const { listedIdsMax } = this.#options;
    const given = new Set<BlockId>();
    let canBeginAgain = true;
    let attempts = new Attempts(this.#options, options.signal);
    for (;;) {
      try {
        for await (const id of this.inner.list!(options)) {
          if (given.has(id)) continue;
          if (given.size < listedIdsMax) given.add(id);
          else canBeginAgain = false;
          yield id;
          // It goes on, so what went wrong before does not count any more.
          if (attempts.count > 0) attempts = new Attempts(this.#options, options.signal);
        }
        return;
      } catch (error) {
        if (!canBeginAgain && isRetryable(error)) {
          throw noted(error, `after more than ${listedIdsMax} ids, too many to begin again`, error);
        }
        await attempts.waitAfter(error);
      }
    }
  }
}

type ResolvedOptions = Required<RetryOptions>;

function resolveOptions(options: RetryOptions): ResolvedOptions {
  return {
    attempts: options.attempts ?? ATTEMPTS_DEFAULT,
    delayMs: options.delayMs ?? 250,
    delayMaxMs: options.delayMaxMs ?? 10_000,
    totalMs: options.totalMs ?? 60_000,
    listedIdsMax: options.listedIdsMax ?? 1_000_000,
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
  };
}

/** What `make` gives, made again as {@link RetryingStore} does it. */
export async function retried<Result>(
  make: () => Promise<Result>,
  options: RetryOptions,
  signal: AbortSignal | undefined,
): Promise<Result> {
  const attempts = new Attempts(options, signal);
  for (;;) {
    try {
      return await make();
    } catch (error) {
      await attempts.waitAfter(error);
    }
  }
}

/** The attempts at one call; the waits between them end with `signal`. */
export class Attempts {
  readonly #options: ResolvedOptions;
  readonly #signal: AbortSignal | undefined;
  readonly #startedMs: number;
  #first: unknown;
  #count = 0;

  /** None so far. */
  constructor(options: RetryOptions, signal: AbortSignal | undefined) {
    this.#options = resolveOptions(options);
    this.#signal = signal;
    this.#startedMs = this.#options.clock.now();
  }

  /** How many have failed. */
  get count(): number {
    return this.#count;
  }

  /** Resolves when it is time for the next attempt; throws when there shall be none. */
  async waitAfter(error: unknown): Promise<void> {
    this.#signal?.throwIfAborted();
    if (!isRetryable(error)) throw error;
    if (this.#count++ === 0) this.#first = error;
    const { attempts, delayMs, delayMaxMs, totalMs, clock, random } = this.#options;
    const passedMs = clock.now() - this.#startedMs;
    const longestMs = Math.min(delayMaxMs, delayMs * 2 ** (this.#count - 1));
    const waitMs = Math.max(random() * longestMs, error.retryAfterMs ?? 0);
    if (this.#count >= attempts || passedMs + waitMs > totalMs) {
      throw this.#giveUp(error, passedMs);
    }
    await wait(clock, waitMs, this.#signal);
  }

  #giveUp(last: Unavailable, passedMs: number): Unavailable {
    if (this.#count === 1) return last;
    const tried = `tried ${this.#count} times in ${(passedMs / 1000).toFixed(1)} s`;
    return noted(last, tried, this.#first);
  }
}

/** What may pass, or not, as its thrower says. */
type Unavailable = StoreUnavailableError | RegistryUnavailableError;

function isRetryable(error: unknown): error is Unavailable {
  const isUnavailable = error instanceof StoreUnavailableError ||
    error instanceof RegistryUnavailableError;
  return isUnavailable && error.retryable;
}

/** `error` with a remark behind its message. */
function noted(error: Unavailable, remark: string, cause: unknown): Unavailable {
  const { message, retryable, retryAfterMs, hint } = error;
  const options = {
    retryable,
    cause,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(hint === undefined ? {} : { hint }),
  };
  const text = `${message} (${remark})`;
  return error instanceof StoreUnavailableError
    ? new StoreUnavailableError(error.store, text, options)
    : new RegistryUnavailableError(error.registry, text, options);
}
