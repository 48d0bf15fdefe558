/**
 * Connections to web servers that wait for the next request.
 *
 * @module
 */

import type { HttpConnection } from "./http_connection.ts";

/** An idle connection this old is not used: routers and servers forget them, not all say so. */
const AGE_MAX_MS = 30_000;

/** Keeps idle connections, up to a number, and owns them while it does. */
export class IdleConnections implements Disposable {
  readonly #countMax: number;
  /** The one used last at the end. */
  readonly #idle: HttpConnection[] = [];
  #isClosed = false;

  /** @param countMax When there are more, the one that has waited longest is closed. */
  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  /** Whether no connection is kept any more. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The connection to the server `name` that was used last, now the caller's; old ones are closed. */
  take(name: string): HttpConnection | undefined {
    const oldest = performance.now() - AGE_MAX_MS;
    for (let at = this.#idle.length - 1; at >= 0; at--) {
      const connection = this.#idle[at]!;
      if (connection.origin.name !== name) continue;
      this.#idle.splice(at, 1);
      if (connection.idleSince >= oldest) return connection;
      connection[Symbol.dispose]();
    }
    return undefined;
  }

  /** Takes over a connection that can be used again. */
  keep(connection: HttpConnection): void {
    if (this.#isClosed) return connection[Symbol.dispose]();
    this.#idle.push(connection);
    if (this.#idle.length > this.#countMax) this.#idle.shift()![Symbol.dispose]();
  }

  /** Closes what is kept and what comes. */
  [Symbol.dispose](): void {
    this.#isClosed = true;
    for (const connection of this.#idle.splice(0)) connection[Symbol.dispose]();
  }
}
