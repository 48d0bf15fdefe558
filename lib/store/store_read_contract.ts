/**
 * What a store promises about blocks that it has already, as a list of checks that write nothing.
 *
 * @module
 */

import { forEachBounded } from "../base/concurrency.ts";
import { BlockNotFoundError } from "../base/errors.ts";
import type { BlockId } from "../block/block_ref.ts";
import type { BlockCheck } from "./block_check.ts";
import type { Store } from "./store.ts";
import { StoreContractError } from "./store_contract.ts";

/** What a check of reading works with. */
export interface StoreReadContext {
  /** The store under test. */
  readonly store: Store;
  /** Ids of blocks that it should have. */
  readonly ids: readonly BlockId[];
  /** An id of no block. */
  readonly strayId: BlockId;
  /** Tells whether bytes are the block. */
  readonly verify: BlockCheck;
}

/** One promise about reading. */
export interface StoreReadCheck {
  /** Subject and behaviour. */
  readonly name: string;
  /** What the check needs; without it the check does not apply. */
  readonly needs?: "list" | "ids";
  /**
   * Makes the check.
   *
   * @throws {StoreContractError} when the promise is broken; what the store throws passes through.
   */
  readonly run: (context: StoreReadContext) => Promise<void>;
}

/** Calls in flight in the checks that make many. */
const CALLS_IN_FLIGHT = 16;

/** Ids that are looked at in a list. */
const LISTED_MAX = 1000;

/** The promises, check by check. */
export const STORE_READ_CONTRACT: readonly StoreReadCheck[] = [
  {
    name: "read: has says that a block is missing which nobody has",
    run: async ({ store, strayId }) => {
      const [found] = await store.has([strayId]);
      if (found !== false) throw new StoreContractError(`has says ${found} of a random id`);
    },
  },
  {
    name: "read: get throws BlockNotFoundError for a block that nobody has",
    run: async ({ store, strayId }) => {
      try {
        await store.get(strayId);
      } catch (error) {
        if (error instanceof BlockNotFoundError && error.id === strayId) return;
        throw error;
      }
      throw new StoreContractError("get answers with a block for a random id");
    },
  },
  {
    name: "read: has knows the blocks, in the order asked",
    needs: "ids",
    run: async ({ store, ids, strayId }) => {
      const found = await store.has([strayId, ...ids]);
      const missing = ids.filter((_, index) => found[index + 1] !== true);
      if (missing.length > 0) {
        throw new StoreContractError(`has misses ${missing.length} blocks, such as ${missing[0]}`);
      }
      if (found[0] !== false) throw new StoreContractError("has answers in another order");
    },
  },
  {
    name: "read: get gives blocks whose digest is their id",
    needs: "ids",
    run: async ({ store, ids, verify }) => {
      await forEachBounded(ids, CALLS_IN_FLIGHT, async (id) => verify(id, await store.get(id)));
    },
  },
  {
    name: "read: list gives ids, each once, of blocks that are there",
    needs: "list",
    run: async ({ store }) => {
      const seen = new Set<BlockId>();
      for await (const id of store.list!()) {
        if (!/^[0-9a-f]{64}$/.test(id)) throw new StoreContractError(`${id} is not a block id`);
        if (seen.has(id)) throw new StoreContractError(`${id} is listed twice`);
        seen.add(id);
        if (seen.size === LISTED_MAX) break;
      }
      const ids = [...seen];
      const found = await store.has(ids);
      const missing = ids.filter((_, index) => found[index] !== true);
      if (missing.length === 0) return;
      throw new StoreContractError(`${missing[0]} is listed and not there`);
    },
  },
];
