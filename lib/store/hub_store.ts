/**
 * `hub://host[:port]` and its kin (`hub_url.ts`): blocks in a hub, which may be one of today's or one
 * that speaks the block API of the rfs server alone.
 *
 * @module
 */

import type { Bytes } from "../base/bytes.ts";
import { forEachBounded } from "../base/concurrency.ts";
import {
  BlockNotFoundError,
  type MyfsError,
  StoreDeniedError,
  StoreUnavailableError,
  UnsupportedError,
} from "../base/errors.ts";
import { BLOCK_SIZE_MAX } from "../base/limits.ts";
import type { BlockId } from "../block/block_ref.ts";
import { BLOCK_STREAM_MEDIA_TYPE, joinBlockStream } from "../hub_api/block_stream.ts";
import type { HubCredentials } from "../hub_api/credentials.ts";
import { parseHubAddress } from "../hub_api/hub_address.ts";
import { HubClient } from "../hub_api/hub_client.ts";
import { IDS_A_REQUEST_MAX } from "../hub_api/limits.ts";
import { assertBlockSize } from "./block_size.ts";
import { GatheredCalls } from "./gathered_calls.ts";
import { HttpClient, type HttpRequest } from "./http_client.ts";
import type { HttpAnswer } from "./http_connection.ts";
import { httpBlockFault, httpFault, statusFault } from "./http_fault.ts";
import { type HubStoreAddress, parseHubUrl } from "./hub_url.ts";
import { promised } from "./promised.ts";
import type { PutOptions, PutResult, Store, StoreCallOptions } from "./store.ts";

/** How to open a store in a hub. */
export interface HubStoreOptions extends StoreCallOptions {
  /** Opens for writing, which takes a token. @default {false} */
  readonly create?: boolean;
  /** Opens even where the hub cannot be reached: only calls fail then. @default {false} */
  readonly mayBeAway?: boolean;
  /** Refuses to connect to addresses that are not globally reachable. @default {false} */
  readonly publicAddressesOnly?: boolean;
  /** Has the token of a hub whose URL has none. @default none */
  readonly hubCredentials?: HubCredentials;
  /** A client whose token is used, where it is of the same hub. @default none */
  readonly hubClient?: HubClient;
}

/** Ids that one request to rfs's hub asks for: 100 bytes each, where it reads 2 MB at most. */
const RFS_IDS_A_REQUEST = 1000;

/** Requests under way at once for one call of `has`. */
const REQUESTS_AT_ONCE = 4;

/** Longest answer that is not a block, in bytes. */
const ANSWER_SIZE_MAX = 1024 * 1024;

/** Blocks of up to this many bytes go to the hub together: larger ones gain nothing by it. */
const SMALL_SIZE_MAX = 64 * 1024;

/** Most bytes and blocks that go together: few enough to be there soon on a slow network. */
const STREAM_SIZE_MAX = 2 * 1024 * 1024;
const STREAM_COUNT_MAX = 1000;

const TOKEN_HINT = "Sign in with myfs login, or add ?token=… to the store's URL.";

/** What the hub says of a block that is to be put: whether it must be sent. */
type Need = "missing" | "present";

/** A block on its way. */
interface SmallBlock {
  readonly id: BlockId;
  readonly block: Uint8Array;
}

/**
 * Blocks in a hub. It checks the id of a block, of either profile. That of rfs computes the id
 * itself: it only has ids of BLAKE2b, and takes no block of more than 2 MB. A hub does not replace blocks,
 * and neither lists nor deletes them.
 *
 * A hub is asked what it has before blocks are sent, and gets small ones together. What it has
 * becomes the caller's too, so that it stays; that is why `has` of a store that is opened for writing
 * tells what need not be put, and of others what can be read.
 */
export class HubStore implements Store {
  /** See {@link Store.url}. */
  readonly url: string;
  /** Path under which the API lies, with a final slash. */
  readonly #path: string;
  readonly #client: HttpClient;
  /** What requests are authorized with now. */
  #token: string | undefined;
  /** Gives the next token when the hub takes the last no more; none where the URL has the token. */
  readonly #tokens: HubClient | undefined;
  readonly #isWriting: boolean;
  /** Whether the hub turned out to know rfs's requests only. */
  #isRfs = false;
  readonly #needs: GatheredCalls<BlockId, Need>;
  /** Answers "refused" where the hub took none of those that went together. */
  readonly #smallBlocks: GatheredCalls<SmallBlock, PutResult | "refused">;

  private constructor(
    { store, base, token }: HubStoreAddress,
    { create = false, publicAddressesOnly = false, hubClient, hubCredentials }: HubStoreOptions,
  ) {
    this.url = store;
    this.#isWriting = create;
    this.#path = base.pathname;
    this.#token = token;
    if (hubClient?.hub.base.href === base.href) {
      this.#tokens = hubClient;
    } else if (token === undefined && hubCredentials !== undefined) {
      this.#tokens = new HubClient(parseHubAddress(base.href), { credentials: hubCredentials });
    }
    this.#client = new HttpClient({
      store,
      base,
      authorization: token === undefined ? undefined : `Bearer ${token}`,
      publicAddressesOnly,
    });
    this.#needs = new GatheredCalls({
      atOnceMax: REQUESTS_AT_ONCE,
      countMax: IDS_A_REQUEST_MAX,
      run: async (ids, signal) => {
        const missing = await this.#askMissing([...new Set(ids)], signal);
        const needed = missing === undefined ? new Set<unknown>(ids) : new Set(missing);
        return ids.map((id) => needed.has(id) ? "missing" : "present");
      },
    });
    this.#smallBlocks = new GatheredCalls({
      atOnceMax: REQUESTS_AT_ONCE,
      countMax: STREAM_COUNT_MAX,
      sizeMax: STREAM_SIZE_MAX,
      sizeOf: ({ block }) => block.length,
      run: (blocks, signal) => this.#sendTogether(blocks, signal),
    });
  }

  /**
   * Opens the store; unless it may be away, a hub must answer.
   *
   * @throws {SyntaxError} when the URL cannot be read.
   * @throws {StoreDeniedError} when it is to be written to and there is no token.
   * @throws {StoreUnavailableError} when no hub answers.
   */
  static async open(text: string, options: HubStoreOptions = {}): Promise<HubStore> {
    const address = parseHubUrl(text);
    const store = new HubStore(address, options);
    store.#use(await store.#tokens?.accessToken());
    if (options.create === true && store.#token === undefined) {
      throw new StoreDeniedError(store.url, `Cannot write to ${store.url}: that takes a token`, {
        hint: TOKEN_HINT,
      });
    }
    if (options.mayBeAway !== true) await store.#greet(options.signal);
    return store;
  }

  /** See {@link Store.get}. */
  async get(id: BlockId, { signal }: StoreCallOptions = {}): Promise<Bytes> {
    const task = `read block ${id} in ${this.url}`;
    const request = { method: "GET", bodySizeMax: BLOCK_SIZE_MAX, signal } as const;
    const answer = await this.#ask(`block/${id}`, request, task, id);
    if (answer.status === 404) throw new BlockNotFoundError(id, this.url);
    if (answer.status !== 200) throw this.#fault(task, answer);
    return answer.body;
  }

  /**
   * See {@link Store.put}.
   *
   * @throws {UnsupportedError} when the hub keeps the block under another id, or has it and is told
   *   to replace it.
   */
  async put(id: BlockId, block: Uint8Array, options: PutOptions = {}): Promise<PutResult> {
    options.signal?.throwIfAborted();
    assertBlockSize(id, block);
    const task = `store block ${id} in ${this.url}`;
    if (this.#token === undefined) {
      throw new StoreDeniedError(this.url, `Cannot ${task}: that takes a token`, {
        hint: TOKEN_HINT,
      });
    }
    if (options.replace !== true && !this.#isRfs) {
      if (await this.#needs.call(id, options.signal) === "present") return "present";
      // Meanwhile it may have turned out to be rfs's.
      if (block.length <= SMALL_SIZE_MAX && !this.#isRfs) {
        const result = await this.#smallBlocks.call({ id, block }, options.signal);
        // By itself, each gets an answer of its own.
        if (result !== "refused") return result;
      }
    }
    const answer = await this.#upload(id, block, task, options.signal);
    if (answer.status !== 200 && answer.status !== 201) {
      throw this.#fault(task, answer);
    }
    if (this.#field(answer, "hash", task) !== id) {
      throw new UnsupportedError(`Cannot ${task}: the hub keeps the block under another id`, {
        hint: "Pack with --profile rfs, or name a store that takes every block.",
      });
    }
    if (answer.status === 201) return "stored";
    if (options.replace !== true) return "present";
    throw new UnsupportedError(`Cannot ${task}: the hub has one under that id and keeps it`, {
      hint: "Remove the block in the hub's own storage first.",
    });
  }

  /**
   * Sends blocks in one request.
   *
   * @returns "refused" for each where the hub refuses them, which may be for one of them alone.
   * @throws {StoreUnavailableError} where the same may succeed later; {StoreDeniedError}.
   */
  async #sendTogether(
    blocks: readonly SmallBlock[],
    signal: AbortSignal,
  ): Promise<readonly (PutResult | "refused")[]> {
    const distinct = new Map(blocks.map((small) => [small.id, small]));
    // Copied before the first of the callers can change the bytes.
    const body = joinBlockStream([...distinct.values()]);
    const task = `store ${distinct.size} blocks in ${this.url}`;
    const answer = await this.#ask("blocks/upload", {
      method: "POST",
      body,
      contentType: BLOCK_STREAM_MEDIA_TYPE,
      bodySizeMax: ANSWER_SIZE_MAX,
      signal,
    }, task);
    if (answer.status === 200) {
      this.#field(answer, "stored", task);
      return blocks.map((small) => distinct.get(small.id) === small ? "stored" : "present");
    }
    const fault = this.#fault(task, answer);
    if (!(fault instanceof StoreUnavailableError) || fault.retryable) throw fault;
    return blocks.map(() => "refused");
  }

  /**
   * Sends a block under its id, of either kind of digest; a hub that does not know this way, such as
   * rfs's, is asked in rfs's from then on.
   */
  async #upload(
    id: BlockId,
    body: Uint8Array,
    task: string,
    signal: AbortSignal | undefined,
  ): Promise<HttpAnswer> {
    const request = { body, bodySizeMax: ANSWER_SIZE_MAX, signal } as const;
    if (!this.#isRfs) {
      const answer = await this.#ask(`block/${id}`, { ...request, method: "PUT" }, task);
      if (answer.status !== 404 && answer.status !== 405) return answer;
      this.#isRfs = true;
    }
    // The block of no file, as the rfs client writes it.
    return await this.#ask("block?file_hash=&idx=0", { ...request, method: "POST" }, task);
  }

  /** See {@link Store.has}. */
  async has(ids: readonly BlockId[], { signal }: StoreCallOptions = {}): Promise<boolean[]> {
    signal?.throwIfAborted();
    const asked = [...new Set(ids)];
    const missing = new Set<unknown>();
    const verify = async (batch: readonly BlockId[]): Promise<void> => {
      for (const id of await this.#verify(batch, signal)) missing.add(id);
    };
    const batchSize = this.#isWriting && !this.#isRfs ? IDS_A_REQUEST_MAX : RFS_IDS_A_REQUEST;
    await forEachBounded(slices(asked, batchSize), REQUESTS_AT_ONCE, async (batch) => {
      const found = this.#isWriting ? await this.#askMissing(batch, signal) : undefined;
      if (found === undefined) {
        for (const part of slices(batch, RFS_IDS_A_REQUEST)) await verify(part);
      }
      for (const id of found ?? []) missing.add(id);
    });
    return ids.map((id) => !missing.has(id));
  }

  /**
   * Those of `ids` that must be put; what is there is the caller's from then on. Undefined where the
   * hub is rfs's, which is asked for this once.
   */
  async #askMissing(
    ids: readonly BlockId[],
    signal: AbortSignal | undefined,
  ): Promise<readonly unknown[] | undefined> {
    if (this.#isRfs) return undefined;
    const task = `look for blocks in ${this.url}`;
    const answer = await this.#post("blocks/missing", { blocks: ids }, task, signal);
    if (answer.status === 200) return this.#missingOf(answer, task);
    if (answer.status !== 404 && answer.status !== 405) throw this.#fault(task, answer);
    this.#isRfs = true;
    return undefined;
  }

  /** Nothing to do: what a hub has taken is its own affair. */
  flush(options: StoreCallOptions = {}): Promise<void> {
    return promised(options.signal, () => {});
  }

  /** Closes the connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client[Symbol.asyncDispose]();
  }

  /** @throws {StoreUnavailableError} when no hub answers. */
  async #greet(signal: AbortSignal | undefined): Promise<void> {
    const task = `open store ${this.url}`;
    const request = { method: "GET", bodySizeMax: ANSWER_SIZE_MAX, signal } as const;
    try {
      const answer = await this.#ask("", request, task);
      if (answer.status === 200) return;
      if (answer.status !== 404) throw this.#fault(task, answer);
      throw new StoreUnavailableError(this.url, `Cannot ${task}: the server there is no hub`, {
        hint: "Check the host, the port and the path of the URL.",
      });
    } catch (error) {
      await this[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Those of `ids` that cannot be read. */
  async #verify(
    ids: readonly BlockId[],
    signal: AbortSignal | undefined,
  ): Promise<readonly unknown[]> {
    const task = `look for blocks in ${this.url}`;
    const blocks = ids.map((id) => ({ block_hash: id, file_hash: "", block_index: 0 }));
    const answer = await this.#post("block/verify", { blocks }, task, signal);
    if (answer.status !== 200) throw this.#fault(task, answer);
    return this.#missingOf(answer, task);
  }

  async #post(
    path: string,
    message: unknown,
    task: string,
    signal: AbortSignal | undefined,
  ): Promise<HttpAnswer> {
    const request = {
      method: "POST",
      body: new TextEncoder().encode(JSON.stringify(message)),
      contentType: "application/json",
      bodySizeMax: ANSWER_SIZE_MAX,
      signal,
    } as const;
    return await this.#ask(path, request, task);
  }

  #missingOf(answer: HttpAnswer, task: string): readonly unknown[] {
    const missing = this.#field(answer, "missing", task);
    if (!Array.isArray(missing)) throw this.#notHub(task);
    return missing;
  }

  async #ask(
    path: string,
    request: Omit<HttpRequest, "target">,
    task: string,
    id?: BlockId,
  ): Promise<HttpAnswer> {
    const target = `${this.#path}api/v1${path === "" ? "" : `/${path}`}`;
    const token = this.#token;
    try {
      const answer = await this.#client.request({ ...request, target });
      if (answer.status !== 401 || !await this.#renew(token)) return answer;
      return await this.#client.request({ ...request, target });
    } catch (error) {
      request.signal?.throwIfAborted();
      throw id === undefined
        ? httpFault(this.url, task, error)
        : httpBlockFault(this.url, id, task, error);
    }
  }

  #fault(task: string, answer: HttpAnswer): MyfsError {
    if (answer.status !== 401) return statusFault(this.url, task, answer);
    const message = `Cannot ${task}: the hub does not take ${
      this.#token === undefined ? "requests without a token" : "the token"
    }`;
    return new StoreDeniedError(this.url, message, { hint: TOKEN_HINT });
  }

  /** Whether there is another token than `refused`, which is used from now on. */
  async #renew(refused: string | undefined): Promise<boolean> {
    if (refused === undefined) return false;
    // Another request may have found out before.
    if (this.#token === refused) this.#use(await this.#tokens?.accessToken(refused));
    return this.#token !== refused;
  }

  #use(token: string | undefined): void {
    if (token === undefined) return;
    this.#token = token;
    this.#client.authorize(`Bearer ${token}`);
  }

  /** A field of the object that the hub answered with. */
  #field(answer: HttpAnswer, name: string, task: string): unknown {
    let value: unknown;
    try {
      value = JSON.parse(new TextDecoder().decode(answer.body));
    } catch {
      throw this.#notHub(task);
    }
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) {
      throw this.#notHub(task);
    }
    return (value as Record<string, unknown>)[name];
  }

  #notHub(task: string): StoreUnavailableError {
    return new StoreUnavailableError(
      this.url,
      `Cannot ${task}: the answer is not what a hub says`,
      { hint: "Check the host, the port and the path of the URL." },
    );
  }
}

/** `items` in their order, at most `countMax` at a time. */
function* slices<Item>(items: readonly Item[], countMax: number): Generator<readonly Item[]> {
  for (let at = 0; at < items.length; at += countMax) yield items.slice(at, at + countMax);
}
