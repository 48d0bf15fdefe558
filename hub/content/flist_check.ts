/**
 * Has a thread look at a flist, for a bounded time.
 *
 * @module
 */

import { HubProblem } from "../../lib/hub_api/problem.ts";
import type { FlistResult, FlistTask } from "./flist_check_worker.ts";

/** Flists that are looked at at the same time; others wait. */
const THREADS_MAX = 2;

let running = 0;
const waiting: (() => void)[] = [];

/**
 * Runs a task in a thread of its own.
 *
 * @throws {HubProblem} 422 when the flist is refused, or takes longer than `timeMaxMs`.
 */
export async function runFlistTask<Kind extends "checked" | "paths">(
  task: FlistTask,
  timeMaxMs: number,
): Promise<FlistResult & { readonly kind: Kind }> {
  if (running >= THREADS_MAX) await new Promise<void>((resolve) => waiting.push(resolve));
  running++;
  const { promise, resolve, reject } = Promise.withResolvers<FlistResult>();
  const worker = new Worker(new URL("./flist_check_worker.ts", import.meta.url), {
    type: "module",
  });
  const timer = setTimeout(() => reject(invalid("It takes too long to read")), timeMaxMs);
  worker.onmessage = ({ data }: MessageEvent<FlistResult>) => resolve(data);
  worker.onerror = (event) => {
    event.preventDefault();
    reject(invalid("It cannot be read"));
  };
  worker.postMessage(task);
  try {
    const result = await promise;
    if (result.kind === "refused") throw invalid(result.reason);
    return result as FlistResult & { readonly kind: Kind };
  } finally {
    clearTimeout(timer);
    worker.terminate();
    running--;
    waiting.shift()?.();
  }
}

function invalid(reason: string): HubProblem {
  return new HubProblem(422, "flist_invalid", "That is no flist that can be kept", reason);
}
