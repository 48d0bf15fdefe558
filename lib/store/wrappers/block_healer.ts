/**
 * Bringing a block back to the replicas that should have it.
 *
 * @module
 */

import type { Bytes } from "../../base/bytes.ts";
import { type Clock, systemClock } from "../../base/clock.ts";
import { BlockCorruptError, BlockNotFoundError } from "../../base/errors.ts";
import type { BlockId } from "../../block/block_ref.ts";
import type { BlockCheck } from "../block_check.ts";
import type { PutOptions, Store, StoreCallOptions } from "../store.ts";
import type { ReplicaFailure } from "./replica_reader.ts";

/** A replica that did not have a block as it should, and what came of it. */
export interface HealEvent {
  /** Id of the block, lower-case hexadecimal. */
  readonly id: string;
  /** The replica, as a URL without secrets. */
  readonly store: string;
  /** What was wrong there; `unreachable` where it could not be asked. */
  readonly found: "missing" | "corrupt" | "unreachable";
  /** Why the replica does not have the block now; absent where it was healed. */
  readonly error?: unknown;
}

/** How a {@link BlockHealer} works. */
export interface HealOptions {
  /** Makes sure that what is written back is the block. */
  readonly check: BlockCheck;
  /** Told of each replica that was healed or could not be. */
  readonly onHeal?: (event: HealEvent) => void;
  /** Tells when to try again. */
  readonly clock?: Clock;
}

/** How long nothing is written to a store that refused a block, in milliseconds. */
const PAUSE_MS = 10_000;

/**
 * Writes blocks that one replica has to those where they were found missing or corrupt. It never
 * fails: what could not be done is told, and a store that refuses a block is left alone for a while,
 * so that it does not slow down the reading. Disposing of it makes durable what it has written.
 */
export class BlockHealer implements AsyncDisposable {
  readonly #options: HealOptions;
  /** What is being healed. */
  readonly #running = new Map<Store, Set<BlockId>>();
  readonly #written = new Map<Store, BlockId>();
  /** Stores that refused a block: why, and when to try again. */
  readonly #refusals = new Map<Store, { readonly error: unknown; readonly endMs: number }>();
  readonly #clock: Clock;

  /** A healer that has done nothing yet. */
  constructor(options: HealOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /**
   * Brings a block to replicas.
   *
   * @param block What another replica gave. It is only read.
   * @param failures What the replicas said when they were asked.
   * @throws the reason of the signal when it is aborted, and nothing else.
   */
  async heal(
    id: BlockId,
    block: Bytes,
    failures: readonly ReplicaFailure[],
    options: StoreCallOptions,
  ): Promise<void> {
    if (failures.length === 0) return;
    this.#options.check(id, block);
    await Promise.all(failures.map(async ({ replica: { store }, error }) => {
      const running = this.#running.get(store) ?? new Set();
      if (running.has(id)) return;
      this.#running.set(store, running.add(id));
      const found = faultOf(error);
      try {
        const failure = found === "unreachable"
          ? { error }
          : await this.#write(store, id, block, { ...options, replace: found === "corrupt" });
        if (options.signal?.aborted !== true) {
          this.#tell({ id, store: store.url, found, ...failure });
        }
      } finally {
        running.delete(id);
      }
    }));
    options.signal?.throwIfAborted();
  }

  /** Writes a block, or says why not. */
  async #write(
    store: Store,
    id: BlockId,
    block: Bytes,
    options: PutOptions,
  ): Promise<{ readonly error?: unknown }> {
    const refusal = this.#refusals.get(store);
    if (refusal !== undefined && this.#clock.now() < refusal.endMs) {
      return { error: refusal.error };
    }
    try {
      await store.put(id, block, options);
      this.#written.set(store, id);
      return {};
    } catch (error) {
      this.#refusals.set(store, { error, endMs: this.#clock.now() + PAUSE_MS });
      return { error };
    }
  }

  /** Makes durable what was written. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const [store, id] of this.#written) {
      try {
        await store.flush();
      } catch (error) {
        // It was told as healed, and is not known to be.
        this.#tell({ id, store: store.url, found: "missing", error });
      }
    }
  }

  #tell(event: HealEvent): void {
    this.#options.onHeal?.(event);
  }
}

function faultOf(error: unknown): HealEvent["found"] {
  if (error instanceof BlockNotFoundError) return "missing";
  return error instanceof BlockCorruptError ? "corrupt" : "unreachable";
}
