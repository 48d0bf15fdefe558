/**
 * `zdb://` and `redis://`: blocks in a key-value server that speaks RESP.
 *
 * @module
 */

import type { Bytes } from "../../base/bytes.ts";
import { forEachBounded } from "../../base/concurrency.ts";
import { BlockNotFoundError, StoreUnavailableError, UnsupportedError } from "../../base/errors.ts";
import {
  type BlockId,
  blockIdBytes,
  blockIdFromBytes,
  DIGEST_SIZE,
} from "../../block/block_ref.ts";
import { assertBlockSize } from "../block_size.ts";
import { promised } from "../promised.ts";
import type { PutOptions, PutResult, Store, StoreCallOptions } from "../store.ts";
import type { RespAddress } from "./resp_address.ts";
import type { RespEndpoint } from "./resp_connection.ts";
import type { RespDialect } from "./resp_dialect.ts";
import { respFault } from "./resp_fault.ts";
import { RespPool } from "./resp_pool.ts";
import { RespError, type RespReply } from "./resp_reply.ts";
import { requestSize, respBatch, respRequest } from "./resp_request.ts";
import { connectSocket } from "./resp_socket.ts";

/** How to open a {@link RespStore}. */
export interface RespStoreOptions extends StoreCallOptions {
  /** Does not connect before a call needs it. @default {false} */
  readonly mayBeAway?: boolean;
  /** Connects to globally reachable addresses alone. @default {false} */
  readonly publicAddressesOnly?: boolean;
}

/** Ids that are asked for together at most: 28 KiB of requests. */
const IDS_A_REQUEST_MAX = 512;

/** Requests for ids under way at once. */
const ID_REQUESTS_MAX = 32;

/** Blocks from this size on are worth a question before they are sent, in bytes. */
const ASKED_SIZE_MIN = 64 * 1024;

/** Blocks in a row that were missing, after which a put does not ask before it sends. */
const MISSES_BEFORE_SENDING = 16;

/** Bytes that a request without a block counts for: what is sent and what comes are about that. */
const REQUEST_WEIGHT = 128;

/** Bytes that a block is expected to have before any came. */
const SIZE_EXPECTED = 512 * 1024;

/** How much of the expected size each block that comes decides. */
const SIZE_SHARE = 1 / 8;

/**
 * Blocks under the 32 bytes of their ids. Blocks are durable as far as the server makes them so.
 *
 * `MGET` is not used: requests that follow one another without waiting are as fast, and a caller who
 * gives up on one block does not hold up others.
 */
export class RespStore implements Store {
  /** See {@link Store.url}. */
  readonly url: string;
  readonly #address: RespAddress;
  readonly #dialect: RespDialect;
  readonly #pool: RespPool;
  /** Size that the next block is expected to have, in bytes. */
  #sizeExpected = SIZE_EXPECTED;
  /** Blocks in a row that were put and had been missing. */
  #missesInRow = 0;

  private constructor(address: RespAddress, dialect: RespDialect, publicOnly: boolean) {
    this.url = address.url;
    this.#address = address;
    this.#dialect = dialect;
    const endpoint: RespEndpoint = {
      url: address.url,
      connect: async (signal) => await connectSocket(address, publicOnly, signal),
      greeting: dialect.greeting(address),
      checkGreeting: (replies) => dialect.checkGreeting(address, replies),
    };
    this.#pool = new RespPool(endpoint, dialect.pace);
  }

  /**
   * Opens the store and, unless it may be away, sees that the server takes us.
   *
   * @throws {StoreUnavailableError}, {StoreDeniedError} or {UnsupportedError}
   */
  static async open(
    address: RespAddress,
    dialect: RespDialect,
    { mayBeAway = false, publicAddressesOnly = false, signal }: RespStoreOptions = {},
  ): Promise<RespStore> {
    signal?.throwIfAborted();
    const store = new RespStore(address, dialect, publicAddressesOnly);
    if (mayBeAway) return store;
    try {
      await store.#pool.call(respRequest("PING"), REQUEST_WEIGHT, signal);
      return store;
    } catch (error) {
      await store[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** See {@link Store.get}. */
  async get(id: BlockId, { signal }: StoreCallOptions = {}): Promise<Bytes> {
    signal?.throwIfAborted();
    const request = respRequest("GET", blockIdBytes(id));
    const [reply] = await this.#pool.call(request, REQUEST_WEIGHT + this.#sizeExpected, signal);
    if (reply === null) throw new BlockNotFoundError(id, this.url);
    if (!(reply instanceof Uint8Array)) this.#refuse(`read block ${id}`, reply);
    this.#sizeExpected += Math.round((reply.length - this.#sizeExpected) * SIZE_SHARE);
    return reply;
  }

  /**
   * See {@link Store.put}. Asks first whether a large block is there, so that it is not sent in vain,
   * until many in a row were missing.
   */
  async put(
    id: BlockId,
    block: Uint8Array,
    { signal, replace = false }: PutOptions = {},
  ): Promise<PutResult> {
    signal?.throwIfAborted();
    assertBlockSize(id, block);
    if (block.length > this.#dialect.valueSizeMax) {
      throw new UnsupportedError(
        `Cannot store block ${id}: it has ${block.length} bytes, and ${this.url} takes at most ` +
          this.#dialect.valueSizeMax,
        { hint: "Keep blocks of this size in another kind of store." },
      );
    }
    const isWorthAsking = block.length >= ASKED_SIZE_MIN &&
      this.#missesInRow < MISSES_BEFORE_SENDING;
    if (!replace && isWorthAsking) {
      const [isThere] = await this.has([id], signal === undefined ? {} : { signal });
      if (isThere === true) {
        this.#missesInRow = 0;
        return "present";
      }
    }
    const request = this.#dialect.set(blockIdBytes(id), block, replace);
    const [reply] = await this.#pool.call(request, REQUEST_WEIGHT + block.length, signal);
    const isNew = this.#dialect.wasSet(reply!, replace);
    if (isNew === undefined) this.#refuse(`store block ${id}`, reply);
    this.#missesInRow = isNew ? this.#missesInRow + 1 : 0;
    // Told to replace what is equal, 0-db writes nothing: what it has is what was wanted.
    return isNew || replace ? "stored" : "present";
  }

  /** See {@link Store.has}. */
  async has(ids: readonly BlockId[], { signal }: StoreCallOptions = {}): Promise<boolean[]> {
    signal?.throwIfAborted();
    const found = new Array<boolean>(ids.length).fill(false);
    const length = this.#idsARequest();
    await forEachBounded(batches(ids.length, length), ID_REQUESTS_MAX, async (start) => {
      const asked = ids.slice(start, start + length);
      const request = respBatch(asked.map((id) => respRequest("EXISTS", blockIdBytes(id))));
      const weight = REQUEST_WEIGHT * asked.length;
      const replies = await this.#pool.call(request, weight, signal);
      for (const [index, reply] of replies.entries()) {
        if (typeof reply !== "number") this.#refuse("look for blocks", reply);
        found[start + index] = reply > 0;
      }
    });
    return found;
  }

  /**
   * See {@link Store.list}. Keys that are no ids are left out. A server may name a key twice when its
   * tables grow meanwhile, so those that were listed are kept in mind: 100 bytes for each.
   */
  async *list({ signal }: StoreCallOptions = {}): AsyncIterable<BlockId> {
    signal?.throwIfAborted();
    const seen = new Set<BlockId>();
    let next: Uint8Array | undefined;
    do {
      const request = this.#dialect.scan(next);
      const [reply] = await this.#pool.call(request, REQUEST_WEIGHT, signal);
      const page = this.#dialect.page(reply!);
      if (page === undefined) this.#refuse("list the blocks", reply);
      for (const key of page.keys) {
        if (key.length !== DIGEST_SIZE) continue;
        const id = blockIdFromBytes(key);
        if (seen.has(id)) continue;
        seen.add(id);
        yield id;
        signal?.throwIfAborted();
      }
      next = page.next;
    } while (next !== undefined);
  }

  /** See {@link Store.delete}. */
  async delete(id: BlockId, { signal }: StoreCallOptions = {}): Promise<boolean> {
    signal?.throwIfAborted();
    const request = respRequest("DEL", blockIdBytes(id));
    const [reply] = await this.#pool.call(request, REQUEST_WEIGHT, signal);
    return this.#dialect.wasDeleted(reply!) ?? this.#refuse(`delete block ${id}`, reply);
  }

  /** Nothing to do: when a block is durable is the server's affair. */
  flush({ signal }: StoreCallOptions = {}): Promise<void> {
    return promised(signal, () => {});
  }

  /** Closes the connections; calls under way fail. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool[Symbol.asyncDispose]();
  }

  /** How many ids may be asked for together. */
  #idsARequest(): number {
    const { burstSizeMax = Infinity } = this.#dialect.pace;
    const size = requestSize(respRequest("EXISTS", new Uint8Array(DIGEST_SIZE)));
    return Math.min(IDS_A_REQUEST_MAX, Math.floor(burstSizeMax / size));
  }

  /** Says why a reply is none to a request. */
  #refuse(task: string, reply: RespReply | undefined): never {
    if (reply instanceof RespError) throw respFault(this.#address, task, reply);
    throw new StoreUnavailableError(
      this.url,
      `Cannot ${task}: ${this.url} answered something else than was asked`,
      { hint: "Check that the URL names the right kind of server." },
    );
  }
}

/** Where each batch of `length` begins. */
function* batches(count: number, length: number): Iterable<number> {
  for (let start = 0; start < count; start += length) yield start;
}
