/**
 * How a mount is doing, in plain data.
 *
 * @module
 */

import type { BlockId } from "../block/block_ref.ts";
import type { FlistReader } from "../flist/flist_reader.ts";
import type { StoreMetrics } from "../store/wrappers/store_metrics.ts";
import type { MountFault } from "./device_messages.ts";

/** A store of a mount, and how it has done its work. */
export interface MountStoreStatus {
  /** Its URL without secrets. */
  readonly store: string;
  /** Blocks that were asked of it; each repetition counts. */
  readonly requests: number;
  /** How many of these failed. */
  readonly errors: number;
  /** Half of the answers took no longer, in milliseconds. */
  readonly p50Ms: number;
  /** 95 % of the answers took no longer. */
  readonly p95Ms: number;
}

/** What a mount says of itself. */
export interface MountStatus {
  /** The flist, as an absolute path. */
  readonly meta: string;
  /** The process that serves it. */
  readonly pid: number;
  /** When that began to, in milliseconds since 1970. */
  readonly servedSinceMs: number;
  /** Whether it outlives its process. */
  readonly isKept: boolean;
  /** Bytes that programs got. */
  readonly bytesRead: number;
  /** Requests that failed with EIO. */
  readonly errors: number;
  /** The last failure. */
  readonly lastFault: MountFault | undefined;
  /**
   * The share of the image's bytes that can be read without a store on the network, from 0 to 1; in
   * large images, as far as samples show.
   */
  readonly cachedShare: number;
  /** The share of blocks that were found in the cache; undefined where there is none, or none asked. */
  readonly hitRate: number | undefined;
  /** The cache's folder; undefined where there is none. */
  readonly cacheFolder: string | undefined;
  /** Stores on the network, slowest first. */
  readonly stores: readonly MountStoreStatus[];
}

/** Stores by what reading blocks from them took, the slowest first. */
export function storeStatuses(metrics: readonly StoreMetrics[]): MountStoreStatus[] {
  return metrics.map(({ store, operations: { get } }) => ({
    store,
    requests: get?.requests ?? 0,
    errors: Object.values(get?.errors ?? {}).reduce((sum, count) => sum + count, 0),
    p50Ms: get?.latency.p50Ms ?? 0,
    p95Ms: get?.latency.p95Ms ?? 0,
  })).sort((left, right) => right.p50Ms - left.p50Ms);
}

/** Chunks that are looked for: enough for 2 % either way, and done in a few hundredths of a second. */
const SAMPLES_MAX = 2000;

/** Tells which share of an image's bytes is somewhere. */
export class ShareSampler {
  readonly #flist: FlistReader;
  #samples: readonly { readonly id: BlockId; readonly size: number }[] | undefined;

  constructor(flist: FlistReader) {
    this.#flist = flist;
  }

  /** The share of the bytes whose blocks are there, from 0 to 1. */
  share(isThere: (id: BlockId) => boolean): number {
    this.#samples ??= this.#choose();
    let all = 0;
    let there = 0;
    for (const { id, size } of this.#samples) {
      all += size;
      if (isThere(id)) there += size;
    }
    return all === 0 ? 1 : there / all;
  }

  /** Every so many-th chunk: they are numbered from 1. */
  #choose(): { id: BlockId; size: number }[] {
    const { chunks } = this.#flist.counts();
    const step = Math.max(1, chunks / SAMPLES_MAX);
    return Array.from({ length: Math.min(chunks, SAMPLES_MAX) }, (_, index) => {
      const { id, size } = this.#flist.chunk(1 + Math.floor(index * step));
      return { id, size };
    });
  }
}
