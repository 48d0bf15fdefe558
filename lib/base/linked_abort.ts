/**
 * Ending a part of some work without ending all of it.
 *
 * @module
 */

/**
 * A signal that is aborted with another one, or alone. Disposing of it lets go of the other, which
 * may live much longer; `AbortSignal.any` leaves that to the garbage collector.
 */
export class LinkedAbort implements Disposable {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal | undefined;
  readonly #follow = (): void => this.#controller.abort(this.#outer!.reason);

  /** @param outer The signal to follow, where there is one. */
  constructor(outer: AbortSignal | undefined) {
    this.#outer = outer;
    if (outer?.aborted === true) this.#follow();
    else outer?.addEventListener("abort", this.#follow);
  }

  /** What the part of the work is given. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Ends this part alone. */
  abort(reason: unknown): void {
    this.#controller.abort(reason);
  }

  /** Lets go of the outer signal. */
  [Symbol.dispose](): void {
    this.#outer?.removeEventListener("abort", this.#follow);
  }
}
