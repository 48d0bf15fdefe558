/**
 * Wrappers that treat all calls of a store alike.
 *
 * @module
 */

import type { Bytes } from "../../base/bytes.ts";
import type { BlockId } from "../../block/block_ref.ts";
import type { PutOptions, PutResult, StoreCallOptions } from "../store.ts";
import { StoreWrapper } from "./store_wrapper.ts";

/** What a store can be asked to do. */
export type StoreOperation = "get" | "put" | "has" | "list" | "delete" | "flush";

/** One call on a store. */
export interface StoreCall {
  /** What is asked for. */
  readonly operation: StoreOperation;
  /** The block that it is about, where it is about one. */
  readonly id?: BlockId;
  /** Bytes of a block that go to the store; 0 but for `put`. */
  readonly bytesOut: number;
}

/** Makes a call on the store inside; may be called more than once. */
export type MakeCall<Result> = (options: StoreCallOptions) => Promise<Result>;

/** What a call was to do, to follow "Cannot", such as `read block 12ab…`. */
export function describeCall({ operation, id }: Pick<StoreCall, "operation" | "id">): string {
  switch (operation) {
    case "get":
      return `read block ${id}`;
    case "put":
      return `store block ${id}`;
    case "delete":
      return `delete block ${id}`;
    case "has":
      return "look for blocks";
    case "list":
      return "list the blocks";
    case "flush":
      return "make the blocks durable";
  }
}

/** Has every call but `list`, which is many, made by {@link CallWrapper.around}. */
export abstract class CallWrapper extends StoreWrapper {
  /** See {@link Store.get}. */
  override get(id: BlockId, options: StoreCallOptions = {}): Promise<Bytes> {
    const call = { operation: "get", id, bytesOut: 0 } as const;
    return this.around(call, (inner) => this.inner.get(id, inner), options);
  }

  /** See {@link Store.put}. */
  override put(id: BlockId, block: Uint8Array, options: PutOptions = {}): Promise<PutResult> {
    const call = { operation: "put", id, bytesOut: block.length } as const;
    return this.around(
      call,
      (inner) => this.inner.put(id, block, { ...options, ...inner }),
      options,
    );
  }

  /** See {@link Store.has}. */
  override has(ids: readonly BlockId[], options: StoreCallOptions = {}): Promise<boolean[]> {
    const call = { operation: "has", bytesOut: 0 } as const;
    return this.around(call, (inner) => this.inner.has(ids, inner), options);
  }

  /** See {@link Store.flush}. */
  override flush(options: StoreCallOptions = {}): Promise<void> {
    const call = { operation: "flush", bytesOut: 0 } as const;
    return this.around(call, (inner) => this.inner.flush(inner), options);
  }

  /** See {@link Store.delete}. */
  protected override deleteInner(id: BlockId, options: StoreCallOptions): Promise<boolean> {
    const call = { operation: "delete", id, bytesOut: 0 } as const;
    return this.around(call, (inner) => this.inner.delete!(id, inner), options);
  }

  /** Lists with what the wrapper adds to it. */
  protected abstract override listInner(options: StoreCallOptions): AsyncIterable<BlockId>;

  /**
   * Makes a call with what the wrapper adds to it.
   *
   * @param call What the call is.
   * @param make Makes it, with the signal that it is given.
   * @param options What the caller said.
   */
  protected abstract around<Result>(
    call: StoreCall,
    make: MakeCall<Result>,
    options: StoreCallOptions,
  ): Promise<Result>;
}
