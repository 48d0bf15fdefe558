/**
 * A worker thread of a pool that does what tests of pools, and of memory that threads share, ask of
 * it.
 *
 * @module
 */

import { StoreUnavailableError, SystemError } from "../../lib/base/errors.ts";
import { ChunkClaims, type SharedTable, Turns } from "../../lib/image/shared_digests.ts";
import { postNote, serveTasks } from "../../lib/image/worker_pool.ts";

/** First message to a worker. */
export interface PoolWorkerSetup {
  /** Whether the set up fails. */
  readonly broken?: boolean;
  /** How many numbers have been logged, then the numbers. */
  readonly log?: SharedArrayBuffer;
  readonly claims?: SharedTable;
  readonly turns?: SharedArrayBuffer;
}

/** One task. */
export type PoolTask =
  | { readonly kind: "log"; readonly value: number; readonly gate?: SharedArrayBuffer }
  | { readonly kind: "fail"; readonly how: "system" | "store" | "plain" | "text" }
  | { readonly kind: "note"; readonly value: number }
  | { readonly kind: "crash" }
  | { readonly kind: "claim"; readonly digests: Uint8Array }
  | { readonly kind: "turn"; readonly turn: number; readonly fails: boolean };

function append(log: SharedArrayBuffer | undefined, value: number): void {
  if (log === undefined) return;
  const numbers = new Int32Array(log);
  Atomics.store(numbers, 1 + Atomics.add(numbers, 0, 1), value);
}

function fail(how: "system" | "store" | "plain" | "text"): never {
  if (how === "system") throw new SystemError("write", "a", "ENOSPC", "the disk is full", "Free.");
  if (how === "store") throw new StoreUnavailableError("dir:///a", "Cannot", { retryable: true });
  if (how === "plain") throw new RangeError("out of range");
  throw "only text";
}

serveTasks<PoolWorkerSetup, PoolTask, number>((setup, stop) => {
  if (setup.broken === true) throw new SystemError("open", "b", "EACCES", "permission is denied");
  const claims = setup.claims && new ChunkClaims(setup.claims);
  const turns = setup.turns && new Turns(setup.turns);
  const run = (task: PoolTask): number => {
    switch (task.kind) {
      case "log":
        append(setup.log, task.value);
        // Until the test opens the gate, or ten seconds have passed.
        if (task.gate) Atomics.wait(new Int32Array(task.gate), 0, 0, 10_000);
        return task.value;
      case "fail":
        return fail(task.how);
      case "note":
        postNote(task.value);
        return task.value;
      case "crash":
        setTimeout(() => {
          throw new Error("crashed outside of a task");
        }, 0);
        return 0;
      case "claim": {
        let claimed = 0;
        for (let at = 0; at < task.digests.length; at += 32) {
          if (claims!.claim(task.digests.subarray(at, at + 32))) claimed++;
        }
        return claimed;
      }
      case "turn":
        turns!.take(task.turn, stop, () => {
          append(setup.log, task.turn);
          if (task.fails) throw new Error("in its turn");
        });
        return task.turn;
    }
  };
  return { handle: (task) => ({ result: run(task), transfer: [] }), close: () => {} };
});
