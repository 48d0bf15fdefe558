/**
 * What a store can do, found out by asking it.
 *
 * @module
 */

import { BlockNotFoundError, StoreDeniedError, UnsupportedError } from "../base/errors.ts";
import type { BlockId } from "../block/block_ref.ts";
import type { NamedBlock } from "./random_block.ts";
import type { Store } from "./store.ts";

/** Whether a store can do something, and if not, why. */
export interface StoreAbility {
  /** Whether it can, as far as that was tried. */
  readonly answer: "yes" | "no" | "untried";
  /** Why it cannot, or why that was not tried. */
  readonly reason?: string;
}

/** What a store can do. */
export interface StoreAbilities {
  /** Give blocks. */
  readonly read: StoreAbility;
  /** Say which blocks it has. */
  readonly list: StoreAbility;
  /** Take blocks. */
  readonly write: StoreAbility;
  /** Leave a block as it is when it is put again, instead of writing it once more. */
  readonly skipPresent: StoreAbility;
  /** Say when blocks are as durable as it can make them. */
  readonly flush: StoreAbility;
  /** Delete blocks. */
  readonly delete: StoreAbility;
}

/** What can be found out without writing. */
export type ReadingAbilities = Pick<StoreAbilities, "read" | "list">;

/** What can only be found out by writing. */
export type WritingAbilities = Omit<StoreAbilities, keyof ReadingAbilities>;

const ABLE: StoreAbility = { answer: "yes" };

/**
 * Finds out what can be done with the blocks that there are.
 *
 * @param strayId The id of no block.
 * @throws what the store throws, other than that it refuses.
 */
export async function tryReading(store: Store, strayId: BlockId): Promise<ReadingAbilities> {
  return {
    read: await attempt(async () => {
      try {
        await store.get(strayId);
      } catch (error) {
        if (!(error instanceof BlockNotFoundError)) throw error;
      }
    }),
    list: store.list === undefined ? unable("it cannot say which blocks it has") : await attempt(
      async () => {
        for await (const _ of store.list!()) return;
      },
    ),
  };
}

/**
 * Finds out what can be changed, with a block that nobody has: it is put, and deleted if possible.
 *
 * @throws what the store throws, other than that it refuses.
 */
export async function tryWriting(store: Store, probe: NamedBlock): Promise<WritingAbilities> {
  const write = await attempt(() => store.put(probe.id, probe.block));
  if (write.answer !== "yes") return untriedWriting(write);
  const again = await store.put(probe.id, probe.block);
  return {
    write,
    skipPresent: again === "present" ? ABLE : unable("a block that is put again is written again"),
    flush: await attempt(() => store.flush()),
    delete: store.delete === undefined
      ? unable("this kind of store cannot delete")
      : await attempt(() => store.delete!(probe.id)),
  };
}

/** What is known of a store that nothing is written to. */
export function untriedWriting(write: StoreAbility): WritingAbilities {
  const untried = { answer: "untried", reason: "nothing was written" } as const;
  return { write, skipPresent: untried, flush: untried, delete: untried };
}

/**
 * Whether a store does something, or refuses.
 *
 * @throws what is no refusal.
 */
export async function attempt(task: () => Promise<unknown>): Promise<StoreAbility> {
  try {
    await task();
    return ABLE;
  } catch (error) {
    if (!(error instanceof StoreDeniedError || error instanceof UnsupportedError)) throw error;
    return unable(error.message);
  }
}

/** That a store cannot do something, and why. */
export function unable(reason: string): StoreAbility {
  return { answer: "no", reason };
}
