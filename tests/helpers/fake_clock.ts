/**
 * A clock that stands still until it is told to go on.
 *
 * @module
 */

import type { Clock } from "../../lib/base/clock.ts";

interface Timer {
  readonly dueMs: number;
  readonly callback: () => void;
}

/** Time that passes only in {@link advance}. */
export class FakeClock implements Clock {
  readonly #timers = new Set<Timer>();
  #nowMs = 0;

  /** How many timers are waiting. */
  get timerCount(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#nowMs;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { dueMs: this.#nowMs + delayMs, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Lets time pass: every timer is called at its time, and all that it sets off goes on. */
  async advance(delayMs: number): Promise<void> {
    const endMs = this.#nowMs + delayMs;
    await settle();
    for (let timer = this.#next(endMs); timer !== undefined; timer = this.#next(endMs)) {
      this.#timers.delete(timer);
      this.#nowMs = timer.dueMs;
      timer.callback();
      await settle();
    }
    this.#nowMs = endMs;
  }

  /** Lets time pass until `task` settles, and gives its result. */
  async run<Result>(task: Promise<Result>): Promise<Result> {
    let settled = false;
    task.then(() => settled = true, () => settled = true);
    await settle();
    while (!settled) {
      const next = this.#next(Infinity);
      if (next === undefined) throw new Error("Nothing is left that time could bring about");
      await this.advance(next.dueMs - this.#nowMs);
    }
    return await task;
  }

  /** The timer that is due first, at `endMs` at the latest. */
  #next(endMs: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.dueMs <= endMs && (first === undefined || timer.dueMs < first.dueMs)) first = timer;
    }
    return first;
  }
}

/** Gives way to everything that is ready to run. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
