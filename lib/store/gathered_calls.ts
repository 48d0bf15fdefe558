/**
 * Many small calls that are made as few large ones.
 *
 * @module
 */

/** How calls are gathered. */
export interface GatheredCallsOptions<Item, Answer> {
  /** Large calls under way at once. Calls that come while there are so many are gathered. */
  readonly atOnceMax: number;
  /** Most items of a large call. */
  readonly countMax: number;
  /** Most bytes of a large call that has more than one item. @default any number */
  readonly sizeMax?: number;
  /** Bytes of an item, where there is a `sizeMax`. */
  readonly sizeOf?: (item: Item) => number;
  /** Makes a large call: the answers, in the order of the items. */
  readonly run: (items: readonly Item[], signal: AbortSignal) => Promise<readonly Answer[]>;
}

/** Somebody who waits for an answer. */
interface Waiter<Item, Answer> {
  readonly item: Item;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
  /** Lets go of the signal of the one who waits. */
  readonly release: () => void;
  /** What it waits in: the queue, or a large call under way. */
  group: { leave(waiter: Waiter<Item, Answer>, reason: unknown): void };
}

/**
 * Gathers calls without ever waiting for more of them: what comes while nothing is under way goes at
 * once, and what comes meanwhile goes together. Who gives up leaves the others undisturbed; a large
 * call that nobody waits for any more is ended.
 */
export class GatheredCalls<Item, Answer> {
  readonly #options: GatheredCallsOptions<Item, Answer>;
  readonly #queue = new Set<Waiter<Item, Answer>>();
  #running = 0;
  #isDue = false;

  /** Nothing is under way. */
  constructor(options: GatheredCallsOptions<Item, Answer>) {
    this.#options = options;
  }

  /** Makes a call as a part of a large one, with whose error it fails. */
  call(item: Item, signal?: AbortSignal): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason);
      const giveUp = (): void => {
        reject(signal!.reason);
        waiter.group.leave(waiter, signal!.reason);
      };
      const waiter: Waiter<Item, Answer> = {
        item,
        resolve,
        reject,
        release: () => signal?.removeEventListener("abort", giveUp),
        group: { leave: (waiter) => this.#queue.delete(waiter) },
      };
      signal?.addEventListener("abort", giveUp, { once: true });
      this.#queue.add(waiter);
      this.#startSoon();
    });
  }

  /** A little later, so that calls that are made together go together. */
  #startSoon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    queueMicrotask(() => {
      this.#isDue = false;
      while (this.#queue.size > 0 && this.#running < this.#options.atOnceMax) this.#start();
    });
  }

  #start(): void {
    const waiters = this.#take();
    const left = new Set(waiters);
    const controller = new AbortController();
    for (const waiter of waiters) {
      waiter.group = {
        leave: (waiter, reason) => {
          left.delete(waiter);
          if (left.size === 0) controller.abort(reason);
        },
      };
    }
    this.#running++;
    Promise.try(this.#options.run, waiters.map(({ item }) => item), controller.signal).then(
      (answers) => waiters.forEach(({ resolve }, index) => resolve(answers[index]!)),
      (error) => waiters.forEach(({ reject }) => reject(error)),
    ).finally(() => {
      for (const { release } of waiters) release();
      this.#running--;
      this.#startSoon();
    });
  }

  /** The items of the next large call. */
  #take(): Waiter<Item, Answer>[] {
    const { countMax, sizeMax = Infinity, sizeOf = () => 0 } = this.#options;
    const waiters: Waiter<Item, Answer>[] = [];
    let size = 0;
    for (const waiter of this.#queue) {
      size += sizeOf(waiter.item);
      if (waiters.length === countMax || (size > sizeMax && waiters.length > 0)) break;
      this.#queue.delete(waiter);
      waiters.push(waiter);
    }
    return waiters;
  }
}
