/**
 * A worker thread that puts blocks through a placement, as packing does. It gets a placement and a
 * list of blocks, and answers with how many of them it stored itself.
 *
 * @module
 */

import type { BlockId } from "../../lib/block/block_ref.ts";
import { LocalBlocks } from "../../lib/store/local_blocks.ts";
import type { LocalPlacement } from "../../lib/store/store.ts";

/** What the worker is told. */
export interface StoreWorkerTask {
  readonly placement: LocalPlacement;
  readonly blocks: readonly { readonly id: BlockId; readonly block: Uint8Array }[];
}

/** The worker's side of its channel, which the type of `globalThis` does not know. */
const channel = globalThis as unknown as { postMessage(message: number): void };

self.addEventListener("message", (event) => {
  const { placement, blocks } = (event as MessageEvent<StoreWorkerTask>).data;
  const local = new LocalBlocks(placement);
  let stored = 0;
  for (const { id, block } of blocks) if (local.put(id, block) === "stored") stored++;
  channel.postMessage(stored);
});
