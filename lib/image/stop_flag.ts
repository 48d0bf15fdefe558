/**
 * How worker threads are asked to stop. Ending a thread from outside would leave its file
 * descriptors open and its files half written: they belong to the process, not to the thread.
 *
 * @module
 */

/** How long a thread that waits for another one goes without looking at the flag. */
const LOOK_EVERY_MS = 100;

/** What a thread throws when it has been asked to stop; nobody but its pool sees it. */
export class StoppedError extends Error {
  constructor() {
    super("The worker has been asked to stop");
  }
}

/** One bit that several threads see. */
export class StopFlag {
  /** What to hand to another thread. */
  readonly memory: SharedArrayBuffer;
  readonly #flag: Int32Array<SharedArrayBuffer>;

  /** @param memory That of another thread's flag; without it, a new one that is not raised. */
  constructor(memory?: SharedArrayBuffer) {
    this.memory = memory ?? new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
    this.#flag = new Int32Array(this.memory);
  }

  /** Asks all threads to stop. */
  raise(): void {
    Atomics.store(this.#flag, 0, 1);
  }

  /** To be called between any two steps of long work. @throws {StoppedError} when asked to stop. */
  throwIfRaised(): void {
    if (Atomics.load(this.#flag, 0) !== 0) throw new StoppedError();
  }

  /**
   * Waits until `memory[0]` is no longer `value`, or a little while: callers look again. Blocks the
   * thread.
   *
   * @throws {StoppedError} when asked to stop.
   */
  waitWhile(memory: Int32Array<SharedArrayBuffer>, value: number): void {
    Atomics.wait(memory, 0, value, LOOK_EVERY_MS);
    this.throwIfRaised();
  }
}
