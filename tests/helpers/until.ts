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
 * @param patienceMs How long it may take. @default {15_000}
 * @throws {Error} when it does not in time.
 */
export async function until(
  isTrue: () => boolean | Promise<boolean>,
  patienceMs = PATIENCE_MS,
): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!await isTrue()) {
    if (performance.now() > deadline) throw new Error(`This never came true: ${isTrue}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_INTERVAL_MS));
  }
}
