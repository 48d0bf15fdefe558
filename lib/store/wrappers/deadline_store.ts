/**
 * A store that answers in time or fails.
 *
 * @module
 */

import { type Clock, systemClock } from "../../base/clock.ts";
import { StoreUnavailableError } from "../../base/errors.ts";
import { LinkedAbort } from "../../base/linked_abort.ts";
import type { BlockId } from "../../block/block_ref.ts";
import type { Store, StoreCallOptions } from "../store.ts";
import { CallWrapper, describeCall, type MakeCall, type StoreCall } from "./call_wrapper.ts";

/** What a store may take for one call unless it is told otherwise, in milliseconds. */
export const DEADLINE_DEFAULT_MS = 30_000;

/** Ids that `has` asks for under one deadline. */
const IDS_A_CALL = 1000;

/**
 * How long a call that was told to end is waited for, in milliseconds: until it has ended it may
 * still be sending the caller's bytes.
 */
const GRACE_MS = 1000;

/**
 * Gives every call on the store inside a signal that is aborted after a time. What does not answer
 * by then is a `StoreUnavailableError` that may be tried again. `has` is made in calls of 1,000 ids,
 * and `list` has the time for each id.
 */
export class DeadlineStore extends CallWrapper {
  readonly #deadlineMs: number;
  readonly #clock: Clock;

  /**
   * Wraps `inner`, which belongs to the wrapper from now on.
   *
   * @param deadlineMs How long a call may take, in milliseconds, more than 0.
   */
  constructor(inner: Store, deadlineMs: number, clock: Clock = systemClock) {
    super(inner);
    this.#deadlineMs = deadlineMs;
    this.#clock = clock;
  }

  /** See {@link Store.has}. */
  override async has(
    ids: readonly BlockId[],
    options: StoreCallOptions = {},
  ): Promise<boolean[]> {
    if (ids.length <= IDS_A_CALL) return await super.has(ids, options);
    const found: boolean[] = [];
    for (let at = 0; at < ids.length; at += IDS_A_CALL) {
      found.push(...await super.has(ids.slice(at, at + IDS_A_CALL), options));
    }
    return found;
  }

  /** Makes a call under the deadline. */
  protected override async around<Result>(
    call: StoreCall,
    make: MakeCall<Result>,
    { signal }: StoreCallOptions,
  ): Promise<Result> {
    signal?.throwIfAborted();
    using link = new LinkedAbort(signal);
    return await this.#inTime(call, link, () => make({ signal: link.signal }));
  }

  /** See {@link Store.list}. */
  protected override async *listInner({ signal }: StoreCallOptions): AsyncIterable<BlockId> {
    signal?.throwIfAborted();
    using link = new LinkedAbort(signal);
    const ids = this.inner.list!({ signal: link.signal })[Symbol.asyncIterator]();
    let ended = false;
    try {
      for (;;) {
        const next = await this.#inTime({ operation: "list" }, link, () => ids.next());
        if (next.done === true) break;
        yield next.value;
      }
      ended = true;
    } catch (error) {
      // What did not answer in time may not answer this either, so nobody waits for it.
      ids.return?.().catch(() => {});
      ended = true;
      throw error;
    } finally {
      if (!ended) await ids.return?.();
    }
  }

  async #inTime<Result>(
    call: Pick<StoreCall, "operation" | "id">,
    link: LinkedAbort,
    step: () => Promise<Result>,
  ): Promise<Result> {
    const deadline = {
      deadlineMs: this.#deadlineMs,
      clock: this.#clock,
      store: this.url,
      task: () => describeCall(call),
    };
    return await inTime(step, link, deadline);
  }
}

/** The time that a store has for a task. */
export interface Deadline {
  /** Milliseconds, more than 0. */
  readonly deadlineMs: number;
  /** Ends it. */
  readonly clock: Clock;
  /** The store, as a URL without secrets. */
  readonly store: string;
  /** Says what cannot be done then, to follow "Cannot". */
  readonly task: () => string;
}

/**
 * Makes a step of what ends with `link`, which is aborted when the step takes too long.
 *
 * @throws the reason of the link when it is aborted: that of the caller, or `StoreUnavailableError`.
 */
export async function inTime<Result>(
  step: () => Promise<Result>,
  link: LinkedAbort,
  deadline: Deadline,
): Promise<Result> {
  const { deadlineMs, clock } = deadline;
  const { signal } = link;
  signal.throwIfAborted();
  const abandoned = Promise.withResolvers<never>();
  let cancel = clock.after(deadlineMs, () => link.abort(overdue(deadline)));
  const onAbort = (): void => {
    cancel();
    cancel = clock.after(GRACE_MS, () => abandoned.reject(signal.reason));
  };
  signal.addEventListener("abort", onAbort);
  try {
    return await Promise.race([step(), abandoned.promise]);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    cancel();
    signal.removeEventListener("abort", onAbort);
  }
}

function overdue({ deadlineMs, store, task }: Deadline): StoreUnavailableError {
  return new StoreUnavailableError(
    store,
    `Cannot ${task()}: ${store} did not answer within ${deadlineMs / 1000} s`,
    {
      retryable: true,
      hint: "Check that the store is up; on a slow connection, allow more time for an answer.",
    },
  );
}
