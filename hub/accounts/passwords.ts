/**
 * Passwords at rest: argon2id.
 *
 * @module
 */

import { Algorithm, hash, verify } from "@node-rs/argon2";
import { HubProblem } from "../../lib/hub_api/problem.ts";

/** OWASP's first choice: 19 MiB, two passes, one lane. */
const PARAMETERS = {
  // The enum is declared const, and is not there at run time.
  algorithm: 2 as Algorithm,
  memoryCost: 19_456,
  timeCost: 2,
  parallelism: 1,
};

/** Hashes at the same time; each takes 19 MiB and a core for some 20 ms. */
const CONCURRENT_MAX = 2;

/** Requests that wait for their turn; more are told to come back. */
const WAITING_MAX = 100;

/** Hashes and checks passwords, a few at a time. */
export class PasswordHasher {
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  #nobody: Promise<string> | undefined;

  /** The text to store for a password. @throws {HubProblem} when too many wait. */
  hash(password: string): Promise<string> {
    return this.#inTurn(() => hash(password, PARAMETERS));
  }

  /**
   * Whether a password is the one that was hashed. Without a hash, because there is no such user, it
   * takes as long, and is false.
   *
   * @throws {HubProblem} when too many wait.
   */
  async matches(stored: string | undefined, password: string): Promise<boolean> {
    // Out of turn: it must never fail, and happens once.
    this.#nobody ??= hash(crypto.randomUUID(), PARAMETERS);
    const against = stored ?? await this.#nobody;
    const isRight = await this.#inTurn(() => verify(against, password));
    return isRight && stored !== undefined;
  }

  /** Whether a hash was made with other parameters than those of today. */
  isOutdated(stored: string): boolean {
    return !stored.startsWith(
      `$argon2id$v=19$m=${PARAMETERS.memoryCost},t=${PARAMETERS.timeCost},p=1$`,
    );
  }

  async #inTurn<Value>(work: () => Promise<Value>): Promise<Value> {
    if (this.#running >= CONCURRENT_MAX) {
      if (this.#waiting.length >= WAITING_MAX) {
        throw new HubProblem(429, "too_many_requests", "Too many sign-ins at once", undefined, {
          retryAfterSeconds: 2,
        });
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else {
      this.#running++;
    }
    try {
      return await work();
    } finally {
      // A place that is handed on stays taken.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}
