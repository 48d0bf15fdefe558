/**
 * A bound on bytes a second.
 *
 * @module
 */

import { type Clock, systemClock, wait } from "../../base/clock.ts";

/** What may pass at once after a pause, in seconds of the rate. */
const BURST_SECONDS = 0.25;

/**
 * Lets bytes pass at a mean rate. Who takes more than there is goes into debt and waits until it is
 * paid; those who come later wait for that too, so all are served in turn.
 */
export class TokenBucket {
  readonly #bytesPerMs: number;
  readonly #burst: number;
  readonly #clock: Clock;
  #balance: number;
  #filledMs: number;

  /** @param bytesPerSecond More than 0. */
  constructor(bytesPerSecond: number, clock: Clock = systemClock) {
    this.#bytesPerMs = bytesPerSecond / 1000;
    this.#burst = bytesPerSecond * BURST_SECONDS;
    this.#clock = clock;
    this.#balance = this.#burst;
    this.#filledMs = clock.now();
  }

  /**
   * Waits until `bytes` may pass.
   *
   * @param signal Ends the waiting; nothing is taken then. @throws its reason when it is aborted.
   */
  async take(bytes: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.correct(bytes);
    if (this.#balance >= 0) return;
    try {
      await wait(this.#clock, -this.#balance / this.#bytesPerMs, signal);
    } catch (error) {
      this.correct(-bytes);
      throw error;
    }
  }

  /** Takes bytes that have passed already, or gives back (less than 0) what did not pass. */
  correct(bytes: number): void {
    const nowMs = this.#clock.now();
    const filled = this.#balance + (nowMs - this.#filledMs) * this.#bytesPerMs;
    this.#balance = Math.min(this.#burst, filled) - bytes;
    this.#filledMs = nowMs;
  }
}
