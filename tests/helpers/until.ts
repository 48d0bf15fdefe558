/**
 * Waiting for what gives no event.
 *
 * @module
 */

const LOOK_INTERVAL_MS = 20;
const PATIENCE_MS = 15_000;

/**
 * Waits until `isTrue` says so, looking again and again.
 *
 * @throws {Error} when it does not in 15 seconds.
 */
export async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!await isTrue()) {
    if (performance.now() > deadline) throw new Error(`This never came true: ${isTrue}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_INTERVAL_MS));
  }
}
