/**
 * A store that fetches a block once for all who want it at the same time.
 *
 * @module
 */

import type { Bytes } from "../../base/bytes.ts";
import { LinkedAbort } from "../../base/linked_abort.ts";
import type { BlockId } from "../../block/block_ref.ts";
import type { StoreCallOptions } from "../store.ts";
import { StoreWrapper } from "./store_wrapper.ts";

/**
 * Makes one inner `get` of all that ask for the same block side by side. Each gets bytes of its own.
 * Who gives up leaves the others undisturbed; when the last one does, the inner call is ended.
 */
export class SingleFlightStore extends StoreWrapper {
  readonly #flights = new Map<BlockId, Flight>();

  /** See {@link Store.get}. */
  override get(id: BlockId, { signal }: StoreCallOptions = {}): Promise<Bytes> {
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    return (this.#flights.get(id) ?? this.#begin(id)).join(signal);
  }

  #begin(id: BlockId): Flight {
    const flight: Flight = new Flight(() => {
      if (this.#flights.get(id) === flight) this.#flights.delete(id);
    });
    this.#flights.set(id, flight);
    flight.begin((signal) => this.inner.get(id, { signal }));
    return flight;
  }
}

/** Somebody who waits for a block. */
interface Waiter {
  readonly resolve: (block: Bytes) => void;
  readonly reject: (error: unknown) => void;
  /** Lets go of the signal of the one who waits. */
  readonly release: () => void;
}

/** One call and those who wait for it. */
class Flight {
  readonly #link = new LinkedAbort(undefined);
  readonly #waiting = new Set<Waiter>();
  readonly #onEnd: () => void;

  /** @param onEnd Called when nobody can join any more. */
  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
  }

  begin(get: (signal: AbortSignal) => Promise<Bytes>): void {
    Promise.try(get, this.#link.signal).then(
      (block) => this.#land(block),
      (error) => this.#crash(error),
    );
  }

  join(signal: AbortSignal | undefined): Promise<Bytes> {
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        this.#leave(waiter);
        reject(signal!.reason);
        if (this.#waiting.size > 0) return;
        this.#onEnd();
        this.#link.abort(signal!.reason);
      };
      const release = (): void => signal?.removeEventListener("abort", giveUp);
      const waiter = { resolve, reject, release };
      this.#waiting.add(waiter);
      signal?.addEventListener("abort", giveUp);
    });
  }

  #land(block: Bytes): void {
    this.#onEnd();
    // Copied before the first of them can change the bytes.
    const [first, ...others] = this.#waiting;
    const copies = others.map((waiter) => ({ waiter, copy: block.slice() }));
    if (first !== undefined) this.#settle(first, () => first.resolve(block));
    for (const { waiter, copy } of copies) this.#settle(waiter, () => waiter.resolve(copy));
  }

  #crash(error: unknown): void {
    this.#onEnd();
    for (const waiter of [...this.#waiting]) this.#settle(waiter, () => waiter.reject(error));
  }

  #settle(waiter: Waiter, tell: () => void): void {
    this.#leave(waiter);
    tell();
  }

  #leave(waiter: Waiter): void {
    waiter.release();
    this.#waiting.delete(waiter);
  }
}
