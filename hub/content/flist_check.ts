/**
 * Has a thread look at a flist, in bounded time and memory.
 *
 * @module
 */

import { Worker } from "node:worker_threads";
import { HubProblem } from "../../lib/hub_api/problem.ts";
import type { FlistResult, FlistTask } from "./flist_check_worker.ts";

/** Flists that are looked at at the same time; others wait. */
const THREADS_MAX = 2;

let running = 0;
const waiting: (() => void)[] = [];

/** What a look at a flist may take. */
export interface FlistCheckBounds {
  /** Milliseconds, from when its thread starts. */
  readonly timeMaxMs: number;
  /** MiB of the thread's heap. */
  readonly memoryMaxMib: number;
}

/**
 * Runs a task in a thread of its own.
 *
 * @throws {HubProblem} 422 when the flist is refused, or takes more than `bounds` allow.
 */
export async function runFlistTask<Kind extends "checked" | "paths">(
  task: FlistTask,
  { timeMaxMs, memoryMaxMib }: FlistCheckBounds,
): Promise<FlistResult & { readonly kind: Kind }> {
  if (running >= THREADS_MAX) await new Promise<void>((resolve) => waiting.push(resolve));
  else running++;
  const { promise, resolve, reject } = Promise.withResolvers<FlistResult>();
  const worker = new Worker(new URL("./flist_check_worker.ts", import.meta.url), {
    workerData: task,
    resourceLimits: { maxOldGenerationSizeMb: memoryMaxMib },
  });
  const ended = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
  const timer = setTimeout(() => reject(invalid("It takes too long to read")), timeMaxMs);
  worker.once("message", resolve);
  worker.once("error", ({ code }: Error & { readonly code?: string }) => {
    const isLarge = code === "ERR_WORKER_OUT_OF_MEMORY";
    reject(invalid(isLarge ? "It takes too much memory to read" : "It cannot be read"));
  });
  try {
    const result = await promise;
    if (result.kind === "refused") throw invalid(result.reason);
    return result as FlistResult & { readonly kind: Kind };
  } finally {
    clearTimeout(timer);
    await worker.terminate();
    await ended;
    // A place that is handed on stays taken.
    const next = waiting.shift();
    if (next === undefined) running--;
    else next();
  }
}

function invalid(reason: string): HubProblem {
  return new HubProblem(422, "flist_invalid", "That is no flist that can be kept", reason);
}
