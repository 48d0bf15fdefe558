/**
 * A place to try a store in: beside the user's blocks where the kind of store allows it, else among
 * them; and afterwards as it was.
 *
 * @module
 */

import { type Bytes, toHex } from "../base/bytes.ts";
import { forEachBounded } from "../base/concurrency.ts";
import { StoreDeniedError } from "../base/errors.ts";
import type { BlockId } from "../block/block_ref.ts";
import { directoryPath, directoryUrl } from "./directory_url.ts";
import { openStore } from "./open_store.ts";
import type { PutOptions, PutResult, Store, StoreCallOptions } from "./store.ts";
import type { StoreTuning } from "./wrappers/leaf_wrappers.ts";
import { StoreWrapper } from "./wrappers/store_wrapper.ts";

/** Start of the names of scratch places. No block id starts so. */
const NAME_PREFIX = ".myfs-check-";

/** Calls in flight while blocks are removed. */
const CALLS_IN_FLIGHT = 16;

/**
 * The URL of an empty place within the store `url`, of a kind whose stores have places within:
 * directories, key prefixes and names. Undefined for other kinds.
 */
export function scratchUrl(url: string): string | undefined {
  const name = NAME_PREFIX + toHex(crypto.getRandomValues(new Uint8Array(8)));
  const scheme = url.slice(0, url.indexOf("://")).toLowerCase();
  switch (scheme) {
    case "dir": {
      const path = directoryPath(url);
      return directoryUrl(`${path === "/" ? "" : path}/${name}`);
    }
    case "mem":
      return `${url}/${name}`;
    case "s3":
    case "s3s":
    case "s3+tls": {
      const [, place = "", rest = ""] = /^([^?#]*)(.*)$/s.exec(url)!;
      return `${place.replace(/\/+$/, "")}/${name}${rest}`;
    }
    default:
      return undefined;
  }
}

/** A place to try a store in. */
export interface Scratch {
  /** `"within"`: an empty place of its own in the store. `"among"`: beside the store's blocks. */
  readonly kind: "within" | "among";
  /** Where blocks are put. */
  readonly store: ScratchStore;
  /**
   * Removes all that was put, and closes what was opened.
   *
   * @returns how many blocks are left, because the store cannot delete or refused to.
   */
  readonly cleanUp: () => Promise<number>;
}

/**
 * Opens a place to try `store` in: a URL, or a store that is open, and stays so.
 *
 * @param options How to open it. The signal ends every call on the place, but not the cleaning up.
 */
export async function openScratch(
  store: string | Store,
  options: StoreTuning & StoreCallOptions = {},
): Promise<Scratch> {
  const { signal } = options;
  if (typeof store !== "string") {
    const among = new ScratchStore(store, signal);
    return { kind: "among", store: among, cleanUp: () => among.removeAll() };
  }
  const within = scratchUrl(store);
  const opened = new ScratchStore(
    await openStore([within ?? store], { ...options, create: true }),
    signal,
  );
  const directory = within !== undefined && /^dir:/i.test(within)
    ? directoryPath(within)
    : undefined;
  return {
    kind: within === undefined ? "among" : "within",
    store: opened,
    cleanUp: async () => {
      await using _closed = opened;
      if (directory === undefined) return await opened.removeAll();
      await Deno.remove(directory, { recursive: true });
      return 0;
    },
  };
}

/**
 * Ends every call when a signal is aborted, and remembers what was put, so that all of it can be
 * removed.
 */
export class ScratchStore extends StoreWrapper {
  readonly #signal: AbortSignal | undefined;
  readonly #ids = new Set<BlockId>();

  /** Wraps `inner`, which belongs to the wrapper from now on. */
  constructor(inner: Store, signal?: AbortSignal) {
    super(inner);
    this.#signal = signal;
  }

  /** See {@link Store.get}. */
  override get(id: BlockId, options: StoreCallOptions = {}): Promise<Bytes> {
    return super.get(id, this.#signalled(options));
  }

  /** See {@link Store.put}. */
  override put(id: BlockId, block: Uint8Array, options: PutOptions = {}): Promise<PutResult> {
    // Before the call: one that fails may have stored the block all the same.
    this.#ids.add(id);
    return super.put(id, block, this.#signalled(options));
  }

  /** See {@link Store.has}. */
  override has(ids: readonly BlockId[], options: StoreCallOptions = {}): Promise<boolean[]> {
    return super.has(ids, this.#signalled(options));
  }

  /** See {@link Store.flush}. */
  override flush(options: StoreCallOptions = {}): Promise<void> {
    return super.flush(this.#signalled(options));
  }

  /**
   * Removes all blocks that were put, without heed of the signal.
   *
   * @returns how many are left, because the store cannot delete or refused to.
   * @throws {StoreUnavailableError} when the store has gone away.
   */
  async removeAll(): Promise<number> {
    await forEachBounded([...this.#ids], CALLS_IN_FLIGHT, async (id) => {
      try {
        if (this.inner.delete === undefined) return;
        await this.inner.delete(id);
        this.#ids.delete(id);
      } catch (error) {
        // It is counted below. A store that is away is not asked a thousand times more.
        if (!(error instanceof StoreDeniedError)) throw error;
      }
    });
    // A put that failed, as some are made to, has left nothing to be removed.
    const found = await this.inner.has([...this.#ids]);
    return found.filter(Boolean).length;
  }

  /** See {@link StoreWrapper}. */
  protected override listInner(options: StoreCallOptions): AsyncIterable<BlockId> {
    return super.listInner(this.#signalled(options));
  }

  /** See {@link StoreWrapper}. */
  protected override deleteInner(id: BlockId, options: StoreCallOptions): Promise<boolean> {
    return super.deleteInner(id, this.#signalled(options));
  }

  #signalled<Options extends StoreCallOptions>(options: Options): Options {
    if (this.#signal === undefined) return options;
    const signal = options.signal === undefined
      ? this.#signal
      : AbortSignal.any([options.signal, this.#signal]);
    return { ...options, signal };
  }
}
