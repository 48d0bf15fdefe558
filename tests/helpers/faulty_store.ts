/**
 * A store that fails or dawdles at chosen calls, to see what the code above it makes of that.
 *
 * @module
 */

import type { Bytes } from "../../lib/base/bytes.ts";
import type { BlockId } from "../../lib/block/block_ref.ts";
import type { PutOptions, PutResult, Store, StoreCallOptions } from "../../lib/store/store.ts";

/** The calls that can be made to fail. */
export type FaultyCall = "get" | "put" | "has" | "list" | "delete" | "flush";

/** What goes wrong. */
export interface Fault {
  /** Which call; every kind when absent. */
  readonly call?: FaultyCall;
  /** The N-th of those calls, from 1; every one when absent. */
  readonly nth?: number;
  /** Every so many of those calls, such as the 3rd, 6th and 9th for 3. */
  readonly every?: number;
  /** What the call throws, instead of being made. */
  readonly error?: Error;
  /** Milliseconds that the call waits before it is made or fails. */
  readonly delayMs?: number;
}

/** A store around another one that follows a list of faults. It hides `local`. */
export class FaultyStore implements Store {
  readonly url: string;
  readonly list?: (options?: StoreCallOptions) => AsyncIterable<BlockId>;
  readonly delete?: (id: BlockId, options?: StoreCallOptions) => Promise<boolean>;
  /** Calls so far, failed ones included, by kind. */
  readonly calls: Record<FaultyCall, number> = {
    get: 0,
    put: 0,
    has: 0,
    list: 0,
    delete: 0,
    flush: 0,
  };
  /** Whether it was disposed of. */
  disposed = false;
  readonly #store: Store;
  readonly #faults: readonly Fault[];
  readonly #matched: number[];

  constructor(store: Store, faults: readonly Fault[] = []) {
    this.#store = store;
    this.#faults = faults;
    this.#matched = faults.map(() => 0);
    this.url = store.url;
    if (store.list) this.list = (options) => this.#list(options);
    if (store.delete) {
      this.delete = async (id, options) => {
        await this.#meet("delete", options?.signal);
        return await store.delete!(id, options);
      };
    }
  }

  async get(id: BlockId, options?: StoreCallOptions): Promise<Bytes> {
    await this.#meet("get", options?.signal);
    return await this.#store.get(id, options);
  }

  async put(id: BlockId, block: Uint8Array, options?: PutOptions): Promise<PutResult> {
    await this.#meet("put", options?.signal);
    return await this.#store.put(id, block, options);
  }

  async has(ids: readonly BlockId[], options?: StoreCallOptions): Promise<boolean[]> {
    await this.#meet("has", options?.signal);
    return await this.#store.has(ids, options);
  }

  async flush(options?: StoreCallOptions): Promise<void> {
    await this.#meet("flush", options?.signal);
    await this.#store.flush(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.disposed = true;
    await this.#store[Symbol.asyncDispose]();
  }

  async *#list(options?: StoreCallOptions): AsyncIterable<BlockId> {
    await this.#meet("list", options?.signal);
    yield* this.#store.list!(options);
  }

  /** Counts the call and does what the faults say about it. */
  async #meet(call: FaultyCall, signal: AbortSignal | undefined): Promise<void> {
    this.calls[call]++;
    for (const [index, fault] of this.#faults.entries()) {
      if (fault.call !== undefined && fault.call !== call) continue;
      this.#matched[index]!++;
      if (fault.nth !== undefined && fault.nth !== this.#matched[index]) continue;
      if (fault.every !== undefined && this.#matched[index]! % fault.every !== 0) continue;
      if (fault.delayMs !== undefined) await wait(fault.delayMs, signal);
      if (fault.error !== undefined) throw fault.error;
    }
  }
}

/** Waits, or rejects with the signal's reason when it is aborted first. */
async function wait(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal!.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, delayMs);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
