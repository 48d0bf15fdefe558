/**
 * A few connections to one server, shared by all calls.
 *
 * @module
 */

import { RespConnection, type RespEndpoint } from "./resp_connection.ts";
import { StoreUnavailableError } from "../../base/errors.ts";
import type { RespReply } from "./resp_reply.ts";
import { requestSize, type RespRequest } from "./resp_request.ts";

/** How requests share connections. */
export interface RespPace {
  /**
   * Connections at most for requests of any size, 1 or more. Small requests share a few. A large
   * value wants one to itself: Redis reads it straight into its place when nothing follows it, and
   * copies it otherwise, which takes a third longer.
   *
   * @default {32}
   */
  readonly connectionsMax?: number;
  /**
   * Below this many bytes under way, a connection is shared rather than a further one opened.
   *
   * @default {262_144}
   */
  readonly sharedLoadMax?: number;
  /**
   * Bytes of requests that are sent on a connection until all of them are answered; one alone may be
   * larger.
   *
   * @default no limit
   */
  readonly burstSizeMax?: number;
  /**
   * How long a request waits for a connection without others before it follows them on theirs, in
   * milliseconds.
   *
   * @default {0}
   */
  readonly joinAfterMs?: number;
}

const PACE_DEFAULT: Required<RespPace> = {
  connectionsMax: 32,
  sharedLoadMax: 256 * 1024,
  burstSizeMax: Infinity,
  joinAfterMs: 0,
};

/**
 * Bytes under way on a connection. All together make 32 MiB, enough for 1.6 GB/s over a network with a
 * round trip of 20 ms. They do not lie in our memory: a value is read when its turn comes.
 */
const LOAD_MAX = 1024 * 1024;

/** A request of at most this many bytes, both ways, never waits behind large ones. */
const SMALL_WEIGHT_MAX = 64 * 1024;

/** What decides which connection a call goes to. */
interface Wish {
  readonly weight: number;
  /** Bytes of the request. */
  readonly length: number;
  /** When it was made, by `performance.now`. */
  readonly since: number;
}

/** A call that waits for a connection. */
interface Waiting extends Wish {
  readonly begin: (connection: RespConnection) => void;
  readonly fail: (error: unknown) => void;
}

/**
 * Connects when a call needs it, and anew when a connection broke. What is under way is bounded; more
 * calls wait in turn.
 */
export class RespPool implements AsyncDisposable {
  readonly #endpoint: RespEndpoint;
  readonly #pace: Required<RespPace>;
  readonly #connections = new Set<RespConnection>();
  /** One of them that is for small requests alone, opened when all have large ones under way. */
  #small: RespConnection | undefined;
  /** What is left of connections that broke. */
  readonly #leaving = new Set<Promise<void>>();
  readonly #waiting = new Set<Waiting>();
  #isClosed = false;

  constructor(endpoint: RespEndpoint, pace: RespPace = {}) {
    this.#endpoint = endpoint;
    this.#pace = { ...PACE_DEFAULT, ...pace };
  }

  /**
   * Sends a request over one of the connections and gives its replies.
   *
   * @param weight Bytes that go and come, as far as can be told.
   * @param signal Releases the caller.
   * @throws {StoreUnavailableError} when the server cannot be reached or the connection breaks.
   */
  call(
    request: RespRequest,
    weight: number,
    signal?: AbortSignal,
  ): Promise<readonly RespReply[]> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      if (this.#isClosed) throw closedError(this.#endpoint.url);
      // A single request never takes all of a connection, so it need not wait until one is empty.
      const counted = Math.min(weight, LOAD_MAX / 2);
      const begin = (connection: RespConnection): void => {
        signal?.removeEventListener("abort", giveUp);
        connection.call(request, counted, signal).then(resolve, reject);
      };
      const fail = (error: unknown): void => {
        signal?.removeEventListener("abort", giveUp);
        reject(error);
      };
      const length = requestSize(request);
      const wish: Wish = { weight: counted, length, since: performance.now() };
      const waiting: Waiting = { ...wish, begin, fail };
      const giveUp = (): void => {
        this.#waiting.delete(waiting);
        fail(signal!.reason);
      };
      const mayPass = this.#waiting.size === 0 || counted <= SMALL_WEIGHT_MAX;
      const connection = mayPass ? this.#choose(wish) : undefined;
      if (connection !== undefined) return begin(connection);
      this.#waiting.add(waiting);
      signal?.addEventListener("abort", giveUp);
    });
  }

  /** Closes all connections; calls under way fail. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    for (const { fail } of this.#waiting) fail(closedError(this.#endpoint.url));
    this.#waiting.clear();
    await Promise.all(Array.from(this.#connections, (connection) => connection.close()));
    await Promise.all(this.#leaving);
  }

  /** The connection that a call goes to; undefined where all have enough to do. */
  #choose({ weight, length, since }: Wish): RespConnection | undefined {
    const { connectionsMax, sharedLoadMax, burstSizeMax, joinAfterMs } = this.#pace;
    const isSmall = weight <= SMALL_WEIGHT_MAX;
    let least: RespConnection | undefined;
    let count = 0;
    for (const connection of this.#connections) {
      if (connection !== this.#small) count++;
      else if (!isSmall) continue;
      if (!connection.takes(length, burstSizeMax)) continue;
      if (least === undefined || connection.load < least.load) least = connection;
    }
    if (least === undefined || (least.load > 0 && least.load + weight > sharedLoadMax)) {
      if (count < connectionsMax) return this.#open();
      if (isSmall && this.#small === undefined) return this.#small = this.#open();
    }
    if (least === undefined || least.load + weight > LOAD_MAX) return undefined;
    return least.load === 0 || performance.now() - since >= joinAfterMs ? least : undefined;
  }

  #open(): RespConnection {
    const connection = new RespConnection(this.#endpoint, () => this.#onChange(connection));
    this.#connections.add(connection);
    return connection;
  }

  /** Lets those go on who wait for room. */
  #onChange(changed: RespConnection): void {
    if (!changed.isOpen && this.#connections.delete(changed)) {
      if (changed === this.#small) this.#small = undefined;
      const left = changed.close().finally(() => this.#leaving.delete(left));
      this.#leaving.add(left);
    }
    for (const waiting of this.#waiting) {
      const connection = this.#choose(waiting);
      if (connection === undefined) break;
      this.#waiting.delete(waiting);
      waiting.begin(connection);
    }
  }
}

function closedError(url: string): StoreUnavailableError {
  return new StoreUnavailableError(url, `Cannot use ${url}: it was closed`);
}
