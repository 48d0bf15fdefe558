/**
 * What stores were asked, and how they answered, in numbers.
 *
 * @module
 */

import { MyfsError } from "../../base/errors.ts";
import type { StoreOperation } from "./call_wrapper.ts";
import { LatencyHistogram } from "./latency_histogram.ts";

/** How long calls took, in milliseconds. */
export interface LatencyMetrics {
  /** Calls that ended, however they did. */
  readonly count: number;
  /** Mean. */
  readonly meanMs: number;
  /** Half of the calls took no longer; up to half as much again as the true value. */
  readonly p50Ms: number;
  /** 95 % of the calls took no longer; up to half as much again as the true value. */
  readonly p95Ms: number;
  /** The longest. */
  readonly maxMs: number;
}

/** The calls of one kind on one store. */
export interface OperationMetrics {
  /** Calls made; each repetition counts. */
  readonly requests: number;
  /**
   * Calls that failed, by the code of their error: that of a `MyfsError`, `aborted` where the caller
   * gave up, `unknown` for others.
   */
  readonly errors: Readonly<Record<string, number>>;
  /** Bytes of blocks that came. */
  readonly bytesIn: number;
  /** Bytes of blocks that went. */
  readonly bytesOut: number;
  /** How long the calls took. */
  readonly latency: LatencyMetrics;
}

/** What one store was asked: plain data. */
export interface StoreMetrics {
  /** The store, as a URL without secrets. */
  readonly store: string;
  /** By kind of call, those that were made. */
  readonly operations: Readonly<Partial<Record<StoreOperation, OperationMetrics>>>;
}

/** How one call ended. */
export interface CallOutcome {
  /** How long it took, in milliseconds. */
  readonly durationMs: number;
  /** Bytes that went. */
  readonly bytesOut: number;
  /** Bytes that came. */
  readonly bytesIn: number;
}

/** Counts the calls of one kind. */
class OperationMeter {
  readonly #errors = new Map<string, number>();
  readonly #latency = new LatencyHistogram();
  #requests = 0;
  #bytesIn = 0;
  #bytesOut = 0;

  begin(): void {
    this.#requests++;
  }

  end({ durationMs, bytesIn, bytesOut }: CallOutcome): void {
    this.#latency.add(durationMs);
    this.#bytesIn += bytesIn;
    this.#bytesOut += bytesOut;
  }

  fail(durationMs: number, code: string): void {
    this.#latency.add(durationMs);
    this.#errors.set(code, (this.#errors.get(code) ?? 0) + 1);
  }

  snapshot(): OperationMetrics {
    const latency = this.#latency;
    return {
      requests: this.#requests,
      errors: Object.fromEntries(this.#errors),
      bytesIn: this.#bytesIn,
      bytesOut: this.#bytesOut,
      latency: {
        count: latency.count,
        meanMs: latency.meanMs,
        p50Ms: latency.quantileMs(0.5),
        p95Ms: latency.quantileMs(0.95),
        maxMs: latency.maxMs,
      },
    };
  }
}

/** Counts the calls on one store. */
export class StoreMeter {
  readonly #operations = new Map<StoreOperation, OperationMeter>();

  /** A call begins. */
  begin(operation: StoreOperation): void {
    this.#operationOf(operation).begin();
  }

  /** A call succeeded. */
  end(operation: StoreOperation, outcome: CallOutcome): void {
    this.#operationOf(operation).end(outcome);
  }

  /**
   * A call failed.
   *
   * @param signal The signal of the call, to tell the caller's giving up from other failures.
   */
  fail(
    operation: StoreOperation,
    durationMs: number,
    error: unknown,
    signal: AbortSignal | undefined,
  ): void {
    this.#operationOf(operation).fail(durationMs, codeOf(error, signal));
  }

  /** The numbers so far, by kind of call. */
  snapshot(): StoreMetrics["operations"] {
    return Object.fromEntries(
      Array.from(this.#operations, ([operation, meter]) => [operation, meter.snapshot()]),
    );
  }

  #operationOf(operation: StoreOperation): OperationMeter {
    let meter = this.#operations.get(operation);
    if (meter === undefined) this.#operations.set(operation, meter = new OperationMeter());
    return meter;
  }
}

/**
 * Gathers what stores are asked and how they answer. One collector may serve any number of stores,
 * opened at any time; those of one URL are counted together.
 *
 * @example
 * ```ts
 * import { openStore, StoreMetricsCollector } from "myfs";
 *
 * const metrics = new StoreMetricsCollector();
 * {
 *   await using store = await openStore(["mem://measured"], { metrics });
 *   await store.has([]);
 * }
 * const [measured] = metrics.snapshot();
 * console.assert(measured!.store === "mem://measured");
 * console.assert(measured!.operations.has!.requests === 1);
 * ```
 */
export class StoreMetricsCollector {
  /** Whether stores on this machine are left uncounted, so that threads can still reach them directly. */
  readonly remoteOnly: boolean;
  readonly #meters = new Map<string, StoreMeter>();

  /** Makes it; `remoteOnly`, which is false by default, leaves out stores on this machine. */
  constructor({ remoteOnly = false }: { readonly remoteOnly?: boolean } = {}) {
    this.remoteOnly = remoteOnly;
  }

  /** The counter of the store with this URL, which holds no secrets. */
  meter(store: string): StoreMeter {
    let meter = this.#meters.get(store);
    if (meter === undefined) this.#meters.set(store, meter = new StoreMeter());
    return meter;
  }

  /** The numbers so far, in the order in which the stores were opened: plain data. */
  snapshot(): StoreMetrics[] {
    return Array.from(
      this.#meters,
      ([store, meter]) => ({ store, operations: meter.snapshot() }),
    );
  }
}

function codeOf(error: unknown, signal: AbortSignal | undefined): string {
  if (error instanceof MyfsError) return error.code;
  return signal?.aborted === true && error === signal.reason ? "aborted" : "unknown";
}
