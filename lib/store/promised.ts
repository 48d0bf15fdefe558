/**
 * Synchronous work behind an asynchronous interface.
 *
 * @module
 */

/**
 * Runs `work` at once and gives its result, or what it throws, as a promise.
 *
 * @param signal Work is not begun when it is aborted.
 */
export function promised<Result>(
  signal: AbortSignal | undefined,
  work: () => Result,
): Promise<Result> {
  return new Promise((resolve) => {
    signal?.throwIfAborted();
    resolve(work());
  });
}
