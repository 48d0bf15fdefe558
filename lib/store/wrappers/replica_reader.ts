/**
 * Reading a block from the replica that gives it first.
 *
 * @module
 */

import type { Bytes } from "../../base/bytes.ts";
import type { Clock } from "../../base/clock.ts";
import { BlockCorruptError, BlockNotFoundError, StoreUnavailableError } from "../../base/errors.ts";
import { LinkedAbort } from "../../base/linked_abort.ts";
import type { BlockId } from "../../block/block_ref.ts";
import type { Store } from "../store.ts";
import type { ReplicaRecord } from "./replica_record.ts";

/** A store that should have the block, with its record. */
export interface Replica {
  /** Has the block. */
  readonly store: Store;
  /** What is known of it. */
  readonly record: ReplicaRecord;
}

/** A replica that did not give the block. */
export interface ReplicaFailure {
  /** The replica. */
  readonly replica: Replica;
  /** What it threw. */
  readonly error: unknown;
}

/** How a read went. */
export interface ReadOutcome {
  /** The block; undefined where no replica gave it. */
  readonly block: Bytes | undefined;
  /** Replicas that were asked and did not give it. */
  readonly failures: readonly ReplicaFailure[];
}

/** One replica that was asked. */
class Attempt {
  readonly replica: Replica;
  /** Resolves to this when there is an answer of either kind. */
  readonly settled: Promise<Attempt>;
  block: Bytes | undefined;
  error: unknown;
  readonly #clock: Clock;
  readonly #startedMs: number;
  readonly #link: LinkedAbort;

  constructor(replica: Replica, id: BlockId, clock: Clock, signal: AbortSignal | undefined) {
    this.replica = replica;
    this.#clock = clock;
    this.#startedMs = clock.now();
    this.#link = new LinkedAbort(signal);
    replica.record.running++;
    this.settled = this.#ask(id);
  }

  /** Milliseconds since it began. */
  get durationMs(): number {
    return this.#clock.now() - this.#startedMs;
  }

  async #ask(id: BlockId): Promise<Attempt> {
    using link = this.#link;
    const { store, record } = this.replica;
    try {
      this.block = await store.get(id, { signal: link.signal });
      record.served(this.durationMs, this.block.length);
    } catch (error) {
      this.error = error;
      if (!link.signal.aborted && !isAnswer(error)) record.failed();
    } finally {
      record.running--;
    }
    return this;
  }

  end(): void {
    this.#link.abort(new Error("Another replica was faster"));
  }
}

/** Reads blocks from replicas, whose records learn from it. */
export class ReplicaReader implements AsyncDisposable {
  readonly #clock: Clock;
  /** What has not ended, though its outcome may not matter any more. */
  readonly #running = new Set<Promise<unknown>>();

  /** @param clock Tells what is slow. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Asks one replica after the other: the next one when all before have failed, or when the newest
   * does not answer as soon as it usually does. The first block wins, and what is under way then is
   * ended.
   *
   * @param replicas In the order in which to ask, at least one.
   * @throws the reason of `signal` when it is aborted.
   */
  async readFirst(
    replicas: readonly Replica[],
    id: BlockId,
    signal: AbortSignal | undefined,
  ): Promise<ReadOutcome> {
    signal?.throwIfAborted();
    const startedMs = this.#clock.now();
    const waiting = [...replicas];
    const running = new Set<Attempt>();
    const failures: ReplicaFailure[] = [];
    let newest = this.#begin(waiting.shift()!, id, signal);
    running.add(newest);
    try {
      for (;;) {
        const settled = await this.#firstSettled(running, newest, waiting.length > 0);
        if (settled !== undefined) {
          running.delete(settled);
          const { block } = settled;
          if (block !== undefined) return { block, failures };
          signal?.throwIfAborted();
          failures.push(settled);
          if (running.size > 0) continue;
        }
        const next = waiting.shift();
        if (next === undefined) return { block: undefined, failures };
        newest = this.#begin(next, id, signal);
        running.add(newest);
      }
    } finally {
      const durationMs = this.#clock.now() - startedMs;
      for (const { replica } of failures) replica.record.passed(durationMs);
      for (const attempt of running) {
        // Where the caller gave up, that says nothing about a replica.
        if (signal?.aborted !== true) attempt.replica.record.passed(attempt.durationMs);
        attempt.end();
      }
    }
  }

  /**
   * Asks all replicas, at once, and waits for all. Those that failed of late are asked only when
   * nobody else gives the block, and count as failures otherwise.
   *
   * @throws the reason of `signal` when it is aborted.
   */
  async readAll(
    replicas: readonly Replica[],
    id: BlockId,
    signal: AbortSignal | undefined,
  ): Promise<ReadOutcome> {
    const failures: ReplicaFailure[] = [];
    let block: Bytes | undefined;
    const groups = Map.groupBy(replicas, ({ record }) => record.isBackingOff);
    for (const group of [groups.get(false), groups.get(true)]) {
      signal?.throwIfAborted();
      if (group === undefined) continue;
      if (block !== undefined) {
        failures.push(
          ...group.map((replica) => ({ replica, error: leftAlone(replica.store.url) })),
        );
        continue;
      }
      const attempts = group.map((replica) => this.#begin(replica, id, signal));
      for (const { settled } of attempts) {
        const attempt = await settled;
        block ??= attempt.block;
        if (attempt.block === undefined) failures.push(attempt);
      }
      signal?.throwIfAborted();
    }
    return { block, failures };
  }

  /** Waits until nothing is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  #begin(replica: Replica, id: BlockId, signal: AbortSignal | undefined): Attempt {
    const attempt = new Attempt(replica, id, this.#clock, signal);
    const ended: Promise<unknown> = attempt.settled.then(() => this.#running.delete(ended));
    this.#running.add(ended);
    return attempt;
  }

  /** One of `running` that has settled; undefined when it is time to ask one more replica. */
  async #firstSettled(
    running: ReadonlySet<Attempt>,
    newest: Attempt,
    oneMore: boolean,
  ): Promise<Attempt | undefined> {
    const settled = Array.from(running, (attempt) => attempt.settled);
    if (!oneMore) return await Promise.race(settled);
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const restMs = Math.max(0, newest.replica.record.slowMs - newest.durationMs);
    const cancel = this.#clock.after(restMs, () => resolve(undefined));
    try {
      return await Promise.race([...settled, promise]);
    } finally {
      cancel();
    }
  }
}

function leftAlone(url: string): StoreUnavailableError {
  return new StoreUnavailableError(url, `${url} failed of late and is left alone for a while`, {
    retryable: true,
  });
}

/** Whether `error` is what a store says that works: it does not have the block, or has a bad one. */
export function isAnswer(error: unknown): error is BlockNotFoundError | BlockCorruptError {
  return error instanceof BlockNotFoundError || error instanceof BlockCorruptError;
}
