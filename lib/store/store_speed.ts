/**
 * How fast a store answers.
 *
 * @module
 */

import { forEachBounded } from "../base/concurrency.ts";

/** One kind of call, made many times. */
export interface SpeedFigure {
  /** The call; `has` asks for one block at a time. */
  readonly operation: "put" | "get" | "has";
  /** Bytes of the largest block. */
  readonly blockBytes: number;
  /** Calls under way at once. */
  readonly concurrency: number;
  /** Calls made. */
  readonly requests: number;
  /** Calls a second. */
  readonly requestsPerSecond: number;
  /** Bytes of blocks a second; 0 for `has`. */
  readonly bytesPerSecond: number;
  /** Time from call to answer, in milliseconds: half of the calls were faster. */
  readonly latencyMedianMs: number;
  /** 95 of a hundred were faster. */
  readonly latencyP95Ms: number;
}

/** What to measure. */
export interface SpeedOptions<Item> {
  readonly operation: SpeedFigure["operation"];
  readonly concurrency: number;
  /** What the calls are made with, one each. */
  readonly items: readonly Item[];
  /** Makes a call, and answers how many bytes of a block it moved. */
  readonly call: (item: Item) => Promise<number>;
  /** No call begins after this many milliseconds. */
  readonly limitMs: number;
}

/** Makes the calls, as many as there is time for and one at least, and measures them. */
export async function measureSpeed<Item>(options: SpeedOptions<Item>): Promise<SpeedFigure> {
  const { operation, concurrency, items, call, limitMs } = options;
  const latencies: number[] = [];
  let bytes = 0;
  let blockBytes = 0;
  const startedMs = performance.now();
  function* inTime(): Generator<Item> {
    for (const [index, item] of items.entries()) {
      if (index > 0 && performance.now() - startedMs >= limitMs) return;
      yield item;
    }
  }
  await forEachBounded(inTime(), concurrency, async (item) => {
    const calledMs = performance.now();
    const size = await call(item);
    latencies.push(performance.now() - calledMs);
    bytes += size;
    blockBytes = Math.max(blockBytes, size);
  });
  const seconds = Math.max(performance.now() - startedMs, 0.001) / 1000;
  latencies.sort((left, right) => left - right);
  return {
    operation,
    blockBytes,
    concurrency,
    requests: latencies.length,
    requestsPerSecond: latencies.length / seconds,
    bytesPerSecond: bytes / seconds,
    latencyMedianMs: quantile(latencies, 0.5),
    latencyP95Ms: quantile(latencies, 0.95),
  };
}

/** The value that the share `share` of the sorted `values` does not exceed; 0 where there is none. */
function quantile(values: readonly number[], share: number): number {
  return values[Math.max(0, Math.ceil(values.length * share) - 1)] ?? 0;
}
