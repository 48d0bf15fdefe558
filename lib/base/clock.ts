/**
 * Time as something that is passed in, so that tests need not wait for it.
 *
 * @module
 */

/** Tells time and calls back later. */
export interface Clock {
  /** Milliseconds since some moment; never goes back. */
  now(): number;

  /**
   * Calls `callback` once, `delayMs` from now.
   *
   * @returns What takes it back, where it has not been called yet.
   */
  after(delayMs: number, callback: () => void): () => void;
}

/** The longest that a timer of the runtime can wait, in milliseconds: more than 24 days. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** The time of this machine. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, Math.min(delayMs, TIMER_MAX_MS));
    return () => clearTimeout(timer);
  },
};

/** Waits. @throws the reason of `signal`, as soon as it is aborted. */
export async function wait(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onAbort = (): void => reject(signal!.reason);
  const cancel = clock.after(delayMs, resolve);
  signal?.addEventListener("abort", onAbort);
  try {
    await promise;
  } finally {
    cancel();
    signal?.removeEventListener("abort", onAbort);
  }
}
