/**
 * A store that is asked only so much at once, and only so fast.
 *
 * @module
 */

import { Semaphore } from "../../base/concurrency.ts";
import type { BlockId } from "../../block/block_ref.ts";
import type { Store, StoreCallOptions } from "../store.ts";
import { CallWrapper, type MakeCall, type StoreCall } from "./call_wrapper.ts";
import type { TokenBucket } from "./token_bucket.ts";

/** The limits of a {@link LimitedStore}. */
export interface StoreLimits {
  /** Calls under way at once, 1 or more. @default no limit */
  readonly concurrency?: number;
  /**
   * How fast the bytes of blocks may pass; stores that share it share the rate.
   *
   * @default no limit
   */
  readonly rate?: TokenBucket;
}

/** How much the newest block says about the size of the next. */
const SIZE_WEIGHT = 0.2;

/**
 * Makes calls wait for each other. A put waits until its bytes may pass. How many a get will bring
 * is not known before, so it waits for as many as blocks had of late, and what it really brought is
 * counted after. A `list` holds a place only while it fetches an id, so that its reader can make
 * other calls.
 */
export class LimitedStore extends CallWrapper {
  readonly #places: Semaphore | undefined;
  readonly #rate: TokenBucket | undefined;
  /** Mean size of the blocks that came of late, in bytes. */
  #sizeOfGet = 0;

  /** Wraps `inner`, which belongs to the wrapper from now on. */
  constructor(inner: Store, { concurrency, rate }: StoreLimits) {
    super(inner);
    if (concurrency !== undefined) this.#places = new Semaphore(concurrency);
    this.#rate = rate;
  }

  /** Makes a call when its turn has come. */
  protected override async around<Result>(
    { operation, bytesOut }: StoreCall,
    make: MakeCall<Result>,
    options: StoreCallOptions,
  ): Promise<Result> {
    const { signal } = options;
    const expected = operation === "get" ? this.#sizeOfGet : bytesOut;
    if (expected > 0) await this.#rate?.take(expected, signal);
    let passed = bytesOut;
    try {
      using _place = await this.#places?.acquire(signal);
      const result = await make(options);
      if (result instanceof Uint8Array) {
        passed = result.length;
        this.#sizeOfGet += (passed - this.#sizeOfGet) * SIZE_WEIGHT;
      }
      return result;
    } finally {
      this.#rate?.correct(passed - expected);
    }
  }

  /** See {@link Store.list}. */
  protected override async *listInner(options: StoreCallOptions): AsyncIterable<BlockId> {
    const ids = this.inner.list!(options)[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await this.#next(ids, options);
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      await ids.return?.();
    }
  }

  async #next(
    ids: AsyncIterator<BlockId>,
    { signal }: StoreCallOptions,
  ): Promise<IteratorResult<BlockId>> {
    using _place = await this.#places?.acquire(signal);
    return await ids.next();
  }
}
