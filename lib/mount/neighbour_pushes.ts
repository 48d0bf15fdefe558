/**
 * The thread of a mount that gives the kernel content before it asks.
 *
 * @module
 */

import { WorkerPool } from "../image/worker_pool.ts";
import type { PushSetup } from "./push_worker.ts";

/** How to push. */
export interface NeighbourPushesOptions extends PushSetup {
  /** Told of the chunks that the content came from. */
  readonly onUse: (chunk: number) => void;
}

/**
 * Has the neighbours of files pushed, one file after the other. The thread starts with the first. A
 * file that has to wait gives way to a later one: by then, its neighbours have been asked for.
 */
export class NeighbourPushes implements AsyncDisposable {
  readonly #options: NeighbourPushesOptions;
  #pool: WorkerPool<number, readonly number[]> | undefined;
  #isBusy = false;
  #isClosed = false;
  /** The file that waits; 0 for none. */
  #next = 0;

  constructor(options: NeighbourPushesOptions) {
    this.#options = options;
  }

  /** Has the files pushed that follow `ino`, soon or never. */
  offer(ino: number): void {
    this.#next = ino;
    if (!this.#isBusy) this.#work();
  }

  async #work(): Promise<void> {
    const { fd, meta, stamp, chunks, counters, onUse } = this.#options;
    this.#isBusy = true;
    try {
      for (let ino = this.#next; ino !== 0 && !this.#isClosed; ino = this.#next) {
        this.#next = 0;
        this.#pool ??= new WorkerPool(new URL("./push_worker.ts", import.meta.url), {
          size: 1,
          setup: { fd, meta, stamp, chunks, counters } satisfies PushSetup,
        });
        (await this.#pool.run(ino)).forEach(onUse);
      }
      this.#isBusy = false;
    } catch {
      // It stays busy: programs get everything by asking, and are told what is wrong.
    }
  }

  /** Ends the thread. Afterwards nothing uses the device any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await this.#pool?.[Symbol.asyncDispose]();
  }
}
