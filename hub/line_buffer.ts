/**
 * Lines that are written together: a system call for each would take longer than to make it.
 *
 * @module
 */

/** What is waiting is written when it has so many characters, */
const WAITING_MAX = 64 * 1024;

/** or after so many milliseconds. */
const WAIT_MS = 100;

/** Takes lines, and writes many at a time. A process that is killed loses the last of them. */
export class LineBuffer implements Disposable {
  readonly #write: (text: string) => void;
  #waiting = "";
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param write Writes all of a text, and does not throw. */
  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  /** Takes a line with its end. */
  add(line: string): void {
    this.#waiting += line;
    if (this.#waiting.length >= WAITING_MAX) return this.flush();
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => this.flush(), WAIT_MS);
    // A program that has nothing else to do ends, and flushes.
    Deno.unrefTimer(this.#timer);
  }

  /** Writes what is waiting. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const text = this.#waiting;
    this.#waiting = "";
    if (text !== "") this.#write(text);
  }

  [Symbol.dispose](): void {
    this.flush();
  }
}
