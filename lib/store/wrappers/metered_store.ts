/**
 * A store whose calls are counted.
 *
 * @module
 */

import { type Clock, systemClock } from "../../base/clock.ts";
import type { BlockId } from "../../block/block_ref.ts";
import type { Store, StoreCallOptions } from "../store.ts";
import { CallWrapper, type MakeCall, type StoreCall } from "./call_wrapper.ts";
import type { StoreMeter } from "./store_metrics.ts";

/**
 * Counts every call with its bytes, its time and its error. A `list` is one call, whose time is what
 * its reader waited for ids.
 */
export class MeteredStore extends CallWrapper {
  readonly #meter: StoreMeter;
  readonly #clock: Clock;

  /** Wraps `inner`, which belongs to the wrapper from now on. */
  constructor(inner: Store, meter: StoreMeter, clock: Clock = systemClock) {
    super(inner);
    this.#meter = meter;
    this.#clock = clock;
  }

  /** Makes a call and counts it. */
  protected override async around<Result>(
    { operation, bytesOut }: StoreCall,
    make: MakeCall<Result>,
    options: StoreCallOptions,
  ): Promise<Result> {
    const startedMs = this.#clock.now();
    this.#meter.begin(operation);
    try {
      const result = await make(options);
      const bytesIn = result instanceof Uint8Array ? result.length : 0;
      const durationMs = this.#clock.now() - startedMs;
      this.#meter.end(operation, { durationMs, bytesIn, bytesOut });
      return result;
    } catch (error) {
      this.#meter.fail(operation, this.#clock.now() - startedMs, error, options.signal);
      throw error;
    }
  }

  /** See {@link Store.list}. */
  protected override async *listInner(options: StoreCallOptions): AsyncIterable<BlockId> {
    this.#meter.begin("list");
    let waitedMs = 0;
    let askedMs = this.#clock.now();
    const arrived = (): void => {
      waitedMs += this.#clock.now() - askedMs;
    };
    let failure: { error: unknown } | undefined;
    try {
      for await (const id of this.inner.list!(options)) {
        arrived();
        yield id;
        askedMs = this.#clock.now();
      }
      arrived();
    } catch (error) {
      arrived();
      failure = { error };
      throw error;
    } finally {
      // Also where the reader leaves before the end.
      if (failure === undefined) {
        this.#meter.end("list", { durationMs: waitedMs, bytesIn: 0, bytesOut: 0 });
      } else this.#meter.fail("list", waitedMs, failure.error, options.signal);
    }
  }
}
