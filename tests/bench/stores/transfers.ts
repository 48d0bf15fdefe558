/**
 * What is measured of a store: all blocks of a set go in, and come out.
 *
 * @module
 */

import { releaseBytes } from "../../../lib/base/bytes.ts";
import { copyBlocks } from "../../../lib/store/copy_blocks.ts";
import { randomBlock } from "../../../lib/store/random_block.ts";
import { openStore } from "../../../lib/store/open_store.ts";
import type { Store } from "../../../lib/store/store.ts";
import type { BlockSet } from "./block_set.ts";

/** How blocks are moved: what is on the near side of a store. */
export interface Way {
  /** Brings all blocks into the store. */
  upload(store: Store): Promise<void>;
  /** Reads all blocks from it. */
  download(store: Store): Promise<void>;
}

/**
 * From memory, and back into none: for stores whose peers do so too.
 *
 * @param underWay Blocks at once, instead of as many as the workload says.
 */
export function memoryWay(set: BlockSet, underWay?: number): Way {
  return {
    upload: (store) => putAll(store, set, underWay),
    download: (store) => getAll(store, set, underWay),
  };
}

/** From files and to files, as programs do that copy them. */
export function fileWay(set: BlockSet, { source, target }: Folders): Way {
  return {
    upload: async (store) => {
      await using files = await openStore([`dir://${source}`]);
      await copyAll(files, store, set);
    },
    download: async (store) => {
      await using files = await openStore([`dir://${target}`], { create: true });
      await copyAll(store, files, set);
    },
  };
}

/** Files that blocks come from and go to. */
export interface Folders {
  /** Has the blocks of the set, as a directory store has them. */
  readonly source: string;
  /** Is empty. */
  readonly target: string;
}

async function putAll(store: Store, set: BlockSet, underWay?: number): Promise<void> {
  await inLanes(set, underWay, async (index, buffer) => {
    set.fill(buffer, index);
    await store.put(set.ids[index]!, buffer);
  });
  await store.flush();
}

/** Gets all blocks, looks at their length and gives their memory back, as an unpack does. */
export async function getAll(store: Store, set: BlockSet, underWay?: number): Promise<void> {
  await inLanes(set, underWay, async (index) => {
    const block = await store.get(set.ids[index]!);
    const { length } = block;
    if (length !== set.workload.size) throw new Error(`A block has ${length} bytes`);
    releaseBytes(block);
  });
}

/** Copies all blocks from a store to another. */
async function copyAll(source: Store, target: Store, set: BlockSet): Promise<void> {
  const { blocksCopied } = await copyBlocks({
    ids: set.ids,
    source,
    targets: [{ start: 0, end: 255, store: target }],
    concurrencyMax: set.workload.concurrency,
  });
  if (blocksCopied !== set.ids.length) throw new Error(`Only ${blocksCopied} blocks were copied`);
}

/** Has a server do for the first time what takes it longer then, such as making room for data. */
export async function putAndDeleteSome(store: Store): Promise<void> {
  const blocks = Array.from({ length: 16 }, () => randomBlock(4096));
  await Promise.all(blocks.map(({ id, block }) => store.put(id, block)));
  await Promise.all(blocks.map(({ id }) => store.delete!(id)));
}

/** Removes all blocks of a set from a store that was measured. */
export async function deleteAll(store: Store, set: BlockSet): Promise<void> {
  await inLanes(set, undefined, async (index) => {
    await store.delete!(set.ids[index]!);
  });
}

/** How long a task takes, in seconds. */
export async function secondsOf(task: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await task();
  return (performance.now() - startedMs) / 1000;
}

/** Does something with every block, in as many lanes as the workload has, each with one buffer. */
async function inLanes(
  set: BlockSet,
  underWay: number | undefined,
  task: (index: number, buffer: Uint8Array<ArrayBuffer>) => Promise<void>,
): Promise<void> {
  const { count, concurrency } = set.workload;
  let next = 0;
  const lane = async (): Promise<void> => {
    const buffer = set.buffer();
    while (next < count) await task(next++, buffer);
  };
  await Promise.all(Array.from({ length: underWay ?? concurrency }, lane));
}
