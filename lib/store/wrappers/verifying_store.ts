/**
 * A store whose blocks have been checked against their ids.
 *
 * @module
 */

import type { Bytes } from "../../base/bytes.ts";
import { BlockCorruptError } from "../../base/errors.ts";
import type { BlockId } from "../../block/block_ref.ts";
import type { BlockCheck } from "../block_check.ts";
import type { LocalPlacement, Store, StoreCallOptions } from "../store.ts";
import { StoreWrapper } from "./store_wrapper.ts";

/** How a {@link VerifyingStore} checks. */
export interface VerifyingOptions {
  /** Throws `BlockCorruptError` for bytes that are not the block. */
  readonly check: BlockCheck;
  /**
   * How often a block that came damaged is asked for again, at once: whatever lies between here and
   * the store may have mangled it.
   *
   * @default {0}
   */
  readonly repeats?: number;
}

/**
 * Checks every block that `get` gives before anyone sees it. A damaged one is a `BlockCorruptError`
 * that names store and block. `local` stays: those who read blocks through it check them too.
 */
export class VerifyingStore extends StoreWrapper {
  /** See {@link Store.local}. */
  readonly local?: LocalPlacement;
  readonly #check: BlockCheck;
  readonly #repeats: number;

  /** Wraps `inner`, which belongs to the wrapper from now on. */
  constructor(inner: Store, options: VerifyingOptions) {
    super(inner);
    if (inner.local !== undefined) this.local = inner.local;
    this.#check = options.check;
    this.#repeats = options.repeats ?? 0;
  }

  /** See {@link Store.get}. */
  override async get(id: BlockId, options: StoreCallOptions = {}): Promise<Bytes> {
    for (let repeat = 0;; repeat++) {
      try {
        const block = await this.inner.get(id, options);
        this.#check(id, block);
        return block;
      } catch (error) {
        if (!(error instanceof BlockCorruptError)) throw error;
        if (repeat >= this.#repeats) throw this.#named(error);
        options.signal?.throwIfAborted();
      }
    }
  }

  #named(error: BlockCorruptError): BlockCorruptError {
    if (error.message.includes(this.url)) return error;
    return new BlockCorruptError(error.id, `${error.reason} (from ${this.url})`, { cause: error });
  }
}
