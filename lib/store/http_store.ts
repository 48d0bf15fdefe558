/**
 * `http://host[:port]/path` and `https://…`: blocks that a web server hands out as files, such as
 * nginx over the directory of a directory store. Read only.
 *
 * @module
 */

import type { Bytes } from "../base/bytes.ts";
import { forEachBounded } from "../base/concurrency.ts";
import { BlockNotFoundError, StoreDeniedError, StoreUnavailableError } from "../base/errors.ts";
import { BLOCK_SIZE_MAX } from "../base/limits.ts";
import type { BlockId } from "../block/block_ref.ts";
import { HttpClient } from "./http_client.ts";
import type { HttpAnswer } from "./http_connection.ts";
import { httpBlockFault, httpFault, statusFault } from "./http_fault.ts";
import { parseHttpUrl } from "./http_url.ts";
import { promised } from "./promised.ts";
import type { PutResult, Store, StoreCallOptions } from "./store.ts";

/** How to open a store on a web server. */
export interface HttpStoreOptions extends StoreCallOptions {
  /** Whether it is to be written to: that is refused. @default {false} */
  readonly create?: boolean;
  /** Opens even where the server cannot be reached: only calls fail then. @default {false} */
  readonly mayBeAway?: boolean;
  /** Refuses to connect to addresses that are not globally reachable. @default {false} */
  readonly publicAddressesOnly?: boolean;
}

/** Requests under way at once for one call of `has`. */
const LOOKS_AT_ONCE = 64;

const READ_ONLY_HINT =
  "Name the directory behind the web server as dir://…, or a store that takes blocks, " +
  "such as s3:// or hub://.";

/**
 * Blocks behind a web server, at `<path>/<first two digits>/<id>` or, as older stores have them, at
 * `<path>/<id>`. What is where is found out block by block; the place of the one found last is tried
 * first.
 *
 * What the URL has behind a question mark goes with every request, and so do user and password, as
 * long as a redirect does not lead to another server. It does not list.
 */
export class HttpStore implements Store {
  /** See {@link Store.url}. */
  readonly url: string;
  readonly #client: HttpClient;
  /** Path of the directory, with a final slash, and the query that goes with every request. */
  readonly #base: Pick<URL, "pathname" | "search">;
  /** Where the last block was found. */
  #flat = false;

  private constructor(url: string, base: URL, client: HttpClient) {
    this.url = url;
    // Copied: those of a URL are computed each time.
    this.#base = { pathname: base.pathname, search: base.search };
    this.#client = client;
  }

  /**
   * Opens the store; unless it may be away, the server must accept a connection.
   *
   * @throws {SyntaxError} when the URL cannot be read.
   * @throws {StoreDeniedError} when it is to be written to.
   * @throws {StoreUnavailableError} when the server cannot be reached.
   */
  static async open(text: string, options: HttpStoreOptions = {}): Promise<HttpStore> {
    const { store, base, authorization } = parseHttpUrl(text);
    if (options.create === true) {
      throw new StoreDeniedError(
        store,
        `Cannot write to ${store}: stores on web servers are read only`,
        {
          hint: READ_ONLY_HINT,
        },
      );
    }
    const client = new HttpClient({
      store,
      base,
      authorization,
      publicAddressesOnly: options.publicAddressesOnly ?? false,
    });
    if (options.mayBeAway !== true) {
      try {
        await client.connect(options.signal);
      } catch (error) {
        options.signal?.throwIfAborted();
        throw httpFault(store, `open store ${store}`, error);
      }
    }
    return new HttpStore(store, base, client);
  }

  /** See {@link Store.get}. */
  async get(id: BlockId, options: StoreCallOptions = {}): Promise<Bytes> {
    const answer = await this.#find(id, "GET", options.signal);
    if (answer === undefined) throw new BlockNotFoundError(id, this.url);
    return answer.body;
  }

  /** Refused. */
  put(id: BlockId): Promise<PutResult> {
    return Promise.reject(
      new StoreDeniedError(
        this.url,
        `Cannot store block ${id} in ${this.url}: stores on web servers are read only`,
        { hint: READ_ONLY_HINT },
      ),
    );
  }

  /** See {@link Store.has}. */
  async has(ids: readonly BlockId[], options: StoreCallOptions = {}): Promise<boolean[]> {
    options.signal?.throwIfAborted();
    const found: boolean[] = new Array(ids.length);
    await forEachBounded(ids.entries(), LOOKS_AT_ONCE, async ([index, id]) => {
      found[index] = await this.#find(id, "HEAD", options.signal) !== undefined;
    });
    return found;
  }

  /** Nothing to do. */
  flush(options: StoreCallOptions = {}): Promise<void> {
    return promised(options.signal, () => {});
  }

  /** Closes the connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client[Symbol.asyncDispose]();
  }

  /** The answer of the place that has the block; undefined where none has. */
  async #find(
    id: BlockId,
    method: "GET" | "HEAD",
    signal: AbortSignal | undefined,
  ): Promise<HttpAnswer | undefined> {
    const task = this.#task(id, method);
    const flatFirst = this.#flat;
    let forbidden: HttpAnswer | undefined;
    for (const flat of [flatFirst, !flatFirst]) {
      const answer = await this.#ask(id, flat, method, signal);
      if (answer.status === 200) {
        if (isPage(answer) || isEmpty(answer)) continue;
        this.#assertPlain(answer, task);
        this.#flat = flat;
        return answer;
      }
      // Servers that hide what they have say so of missing files: the other place may be allowed.
      if (answer.status === 403) forbidden ??= answer;
      else if (answer.status !== 404 && answer.status !== 410) {
        throw statusFault(this.url, task, answer);
      }
    }
    if (forbidden !== undefined) throw statusFault(this.url, task, forbidden);
    return undefined;
  }

  #place(id: BlockId, flat: boolean): string {
    const { pathname, search } = this.#base;
    return pathname + (flat ? id : `${id.slice(0, 2)}/${id}`) + search;
  }

  async #ask(
    id: BlockId,
    flat: boolean,
    method: "GET" | "HEAD",
    signal: AbortSignal | undefined,
  ): Promise<HttpAnswer> {
    try {
      const answer = await this.#client.request({
        target: this.#place(id, flat),
        method,
        bodySizeMax: BLOCK_SIZE_MAX,
        signal,
      });
      return method === "HEAD" && saysTooLittle(answer)
        ? await this.#ask(id, flat, "GET", signal)
        : answer;
    } catch (error) {
      signal?.throwIfAborted();
      throw httpBlockFault(this.url, id, this.#task(id, method), error);
    }
  }

  #task(id: BlockId, method: "GET" | "HEAD"): string {
    return `${method === "GET" ? "read" : "look for"} block ${id} in ${this.url}`;
  }

  /** @throws {StoreUnavailableError} when the bytes that came are not the file's. */
  #assertPlain({ headers }: HttpAnswer, task: string): void {
    const encoding = headers.get("content-encoding")?.toLowerCase() ?? "identity";
    if (encoding === "identity") return;
    throw new StoreUnavailableError(
      this.url,
      `Cannot ${task}: the server compresses its answers without having been asked to`,
      { hint: "Have the server hand out the files of blocks as they are." },
    );
  }
}

/** Whether it takes a GET to tell if there is a block: some servers know no HEAD. */
function saysTooLittle(answer: HttpAnswer): boolean {
  return answer.status === 405 || answer.status === 501 ||
    (answer.status === 200 && isHtml(answer.headers));
}

/** Whether an answer is a page for people: some servers have one for what is missing, with 200. */
function isPage({ headers, body }: HttpAnswer): boolean {
  return isHtml(headers) && /^(\xef\xbb\xbf)?\s*</.test(latin1.decode(body.subarray(0, 64)));
}

/** Whether there is a file, but nothing in it: what a power cut leaves. It is no block. */
function isEmpty({ headers, body }: HttpAnswer): boolean {
  return body.length === 0 && headers.get("content-length") === "0";
}

const latin1 = new TextDecoder("latin1");

function isHtml(headers: ReadonlyMap<string, string>): boolean {
  return /^(text\/html|application\/xhtml\+xml)\b/i.test(headers.get("content-type") ?? "");
}
