/**
 * A store that nothing can be written to.
 *
 * @module
 */

import { StoreDeniedError } from "../../base/errors.ts";
import type { BlockId } from "../../block/block_ref.ts";
import type { PutOptions, PutResult, StoreCallOptions } from "../store.ts";
import { StoreWrapper } from "./store_wrapper.ts";

/** Refuses every `put` and `delete` with {@link StoreDeniedError}, and hands on the rest. */
export class ReadOnlyStore extends StoreWrapper {
  /** Refuses. */
  override put(id: BlockId, _block: Uint8Array, options: PutOptions = {}): Promise<PutResult> {
    return this.#refuse(`store block ${id} in`, options);
  }

  /** Refuses. */
  protected override deleteInner(id: BlockId, options: StoreCallOptions): Promise<boolean> {
    return this.#refuse(`delete block ${id} from`, options);
  }

  #refuse(task: string, { signal }: StoreCallOptions): Promise<never> {
    const denied = new StoreDeniedError(
      this.url,
      `Cannot ${task} ${this.url}: it was opened read only`,
      { hint: "Open the store without readOnly to change it." },
    );
    return Promise.reject(signal?.aborted === true ? signal.reason : denied);
  }
}
