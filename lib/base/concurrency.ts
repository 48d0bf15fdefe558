/**
 * Bounded concurrency, and room for the event loop in long synchronous work.
 *
 * @module
 */

import { builtIn } from "./built_in.ts";

/**
 * Runs `task` on every item with at most `concurrencyMax` under way. After the first failure no new
 * task starts; those under way finish, then the first failure is thrown.
 */
export async function forEachBounded<Item>(
  items: Iterable<Item> | AsyncIterable<Item>,
  concurrencyMax: number,
  task: (item: Item) => Promise<void>,
): Promise<void> {
  const running = new Set<Promise<void>>();
  let failure: { error: unknown } | undefined;
  for await (const item of items) {
    while (running.size >= concurrencyMax) await Promise.race(running);
    if (failure !== undefined) break;
    const run = task(item).catch((error) => {
      failure ??= { error };
    }).finally(() => running.delete(run));
    running.add(run);
  }
  await Promise.all(running);
  if (failure !== undefined) throw failure.error;
}

/** A counter of permits that callers wait for in turn. */
export class Semaphore {
  #free: number;
  readonly #waiting = new Set<() => void>();

  /** @param permits How many may be held at once, 1 or more. */
  constructor(permits: number) {
    this.#free = permits;
  }

  /**
   * Waits for a permit; disposing the answer gives it back.
   *
   * @param signal Ends the waiting. @throws its reason when it is aborted.
   */
  async acquire(signal?: AbortSignal): Promise<Disposable> {
    signal?.throwIfAborted();
    if (this.#free > 0) this.#free--;
    else await this.#turn(signal);
    let held = true;
    return {
      [Symbol.dispose]: () => {
        if (!held) return;
        held = false;
        const [next] = this.#waiting;
        if (next === undefined) this.#free++;
        else next();
      },
    };
  }

  /** Waits for the permit of another. */
  #turn(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiting.delete(take);
        signal?.removeEventListener("abort", giveUp);
      };
      const take = (): void => {
        leave();
        resolve();
      };
      const giveUp = (): void => {
        leave();
        reject(signal!.reason);
      };
      this.#waiting.add(take);
      signal?.addEventListener("abort", giveUp);
    });
  }
}

/**
 * How long synchronous work may go on before the event loop gets its turn: worker threads have work
 * for about this long and then wait for the main thread.
 */
const BREATH_MS = 8;

/**
 * Lets long synchronous work give way to the event loop from time to time, so that Ctrl-C, timers
 * and progress go on, and stops it when its signal is aborted.
 */
export class Breather {
  readonly #signal: AbortSignal | undefined;
  #last = performance.now();

  constructor(signal?: AbortSignal) {
    this.#signal = signal;
  }

  /** Whether it is time to await {@link breathe}. Cheap enough for every few hundred steps. */
  get due(): boolean {
    return performance.now() - this.#last > BREATH_MS;
  }

  /** Gives way once. @throws the signal's reason when it is aborted. */
  async breathe(): Promise<void> {
    // Sooner than a timer, which waits a millisecond at least.
    const { setImmediate } = builtIn("node:timers");
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.#signal?.throwIfAborted();
    this.#last = performance.now();
  }
}
