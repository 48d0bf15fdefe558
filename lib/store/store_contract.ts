/**
 * The contract of `Store` as a list of checks that any store can be put to: in the tests of this
 * project, and by users on a store of their own.
 *
 * @module
 */

import { equalBytes } from "../base/bytes.ts";
import { forEachBounded } from "../base/concurrency.ts";
import { BlockNotFoundError } from "../base/errors.ts";
import type { BlockId } from "../block/block_ref.ts";
import { type IdOf, type NamedBlock, randomBlock } from "./random_block.ts";
import type { Store } from "./store.ts";

/** A store did not do what the contract says. */
export class StoreContractError extends Error {
  /** Name of the class. */
  override readonly name = "StoreContractError";
}

/** What a check works with. */
export interface StoreContractContext {
  /** The store under test. Other blocks may be in it, and may come and go. */
  readonly store: Store;
  /**
   * Computes the id of a block, for a server may refuse ids that are not the digest of the block.
   */
  readonly idOf: IdOf;
}

/** One promise of the contract. */
export interface StoreContractCheck {
  /** Subject and behaviour, such as `get: gives back what was put`. */
  readonly name: string;
  /** An optional part of a store that the check is about; without it the check does not apply. */
  readonly needs?: "list" | "delete";
  /** Whether the store must hold nothing before: such a check cannot be made on a store in use. */
  readonly needsEmpty?: boolean;
  /**
   * Makes the check. It leaves its blocks in the store, all of random bytes.
   *
   * @throws {StoreContractError} when the promise is broken; what the store throws passes through.
   */
  readonly run: (context: StoreContractContext) => Promise<void>;
}

/** Calls in flight in the checks that make many. */
const CALLS_IN_FLIGHT = 32;

/** Sizes on both sides of the buffers and pages that stores and systems use, in bytes. */
const BLOCK_SIZES = [1, 17, 4095, 4096, 4097, 65536, 65537, 300_000];

/** The contract, check by check. */
export const STORE_CONTRACT: readonly StoreContractCheck[] = [
  {
    name: "list: gives nothing when the store is empty",
    needs: "list",
    needsEmpty: true,
    run: async ({ store }) => {
      for await (const id of store.list!()) fail(`the empty store lists ${id}`);
    },
  },
  {
    name: "get: gives back what was put, for blocks of many sizes",
    run: async (context) => {
      for (const size of BLOCK_SIZES) {
        const { id, block } = makeBlock(context, size);
        await context.store.put(id, block);
        expectBlock(await context.store.get(id), block, `a block of ${size} bytes`);
      }
    },
  },
  {
    name: "get: gives back a block of 2 MiB",
    run: async (context) => {
      const { id, block } = makeBlock(context, 2 * 1024 * 1024);
      await context.store.put(id, block);
      expectBlock(await context.store.get(id), block, "a block of 2 MiB");
    },
  },
  {
    name: "get: throws BlockNotFoundError with the id when the block is missing",
    run: async (context) => {
      const { id } = makeBlock(context, 100);
      const error = await thrownBy(() => context.store.get(id));
      expect(error instanceof BlockNotFoundError, `get of a missing block threw ${error}`);
      expect(error.id === id, `the error names ${error.id} instead of ${id}`);
    },
  },
  {
    name: "get: gives bytes that the caller may change",
    run: async (context) => {
      const { id, block } = makeBlock(context, 5000);
      await context.store.put(id, block);
      (await context.store.get(id)).fill(0);
      expectBlock(await context.store.get(id), block, "a block whose copy was changed");
    },
  },
  {
    name: "put: keeps the bytes as they were when the caller changes the array afterwards",
    run: async (context) => {
      const { id, block } = makeBlock(context, 5000);
      const passed = block.slice();
      await context.store.put(id, passed);
      passed.fill(0);
      expectBlock(await context.store.get(id), block, "a block whose array was reused");
    },
  },
  {
    name: "put: keeps only the part of a buffer that the array shows",
    run: async (context) => {
      const { id, block } = makeBlock(context, 1000);
      const buffer = new Uint8Array(3000).fill(0xee);
      buffer.set(block, 1000);
      await context.store.put(id, buffer.subarray(1000, 2000));
      expectBlock(await context.store.get(id), block, "a block that is part of a buffer");
    },
  },
  {
    name: "put: says stored the first time and keeps the block when it is put again",
    run: async (context) => {
      const { id, block } = makeBlock(context, 3000);
      const first = await context.store.put(id, block);
      expect(first === "stored", `the first put says ${first}`);
      await context.store.put(id, block);
      expectBlock(await context.store.get(id), block, "a block that was put twice");
    },
  },
  {
    name: "put: keeps one whole block when the same is put many times at once",
    run: async (context) => {
      const { id, block } = makeBlock(context, 200_000);
      await Promise.all(
        Array.from({ length: CALLS_IN_FLIGHT }, () => context.store.put(id, block)),
      );
      expectBlock(await context.store.get(id), block, "a block that was put many times at once");
    },
  },
  {
    name: "put: writes again when told to replace",
    run: async (context) => {
      const { id, block } = makeBlock(context, 3000);
      await context.store.put(id, block);
      const result = await context.store.put(id, block, { replace: true });
      expect(result === "stored", `a put that replaces says ${result}`);
      expectBlock(await context.store.get(id), block, "a block that was replaced");
    },
  },
  {
    name: "put: refuses an empty block with RangeError",
    run: async (context) => {
      const { id } = makeBlock(context, 10);
      const error = await thrownBy(() => context.store.put(id, new Uint8Array(0)));
      expect(error instanceof RangeError, `put of an empty block threw ${error}`);
      const [found] = await context.store.has([id]);
      expect(found === false, "the empty block is in the store");
    },
  },
  {
    name: "has: answers in the order asked, also for ids that repeat",
    run: async (context) => {
      const present = await putBlocks(context, 5, 100);
      const missing = Array.from({ length: 5 }, () => makeBlock(context, 100).id);
      const ids = [
        ...present.flatMap((block, index) => [missing[index]!, block.id]),
        present[0]!.id,
        missing[0]!,
      ];
      const found = await context.store.has(ids);
      expect(
        found.join() === [...present.flatMap(() => [false, true]), true, false].join(),
        `the answers are ${found.join(" ")}`,
      );
      expect((await context.store.has([])).length === 0, "no ids give answers");
    },
  },
  {
    name: "store: keeps 1,000 small blocks that are put and got side by side",
    run: async (context) => {
      const blocks = Array.from(
        { length: 1000 },
        (_, index) => makeBlock(context, 16 + index % 64),
      );
      await forEachBounded(blocks, CALLS_IN_FLIGHT, async ({ id, block }) => {
        await context.store.put(id, block);
      });
      const found = await context.store.has(blocks.map(({ id }) => id));
      expect(found.every((answer) => answer), "a block that was put is not there");
      await forEachBounded(blocks, CALLS_IN_FLIGHT, async ({ id, block }) => {
        expectBlock(await context.store.get(id), block, "one of 1,000 small blocks");
      });
    },
  },
  {
    name: "list: gives every block once",
    needs: "list",
    run: async (context) => {
      const blocks = await putBlocks(context, 100, 50);
      const seen = new Set<BlockId>();
      for await (const id of context.store.list!()) {
        expect(/^[0-9a-f]{64}$/.test(id), `${id} is not a block id`);
        expect(!seen.has(id), `${id} is listed twice`);
        seen.add(id);
      }
      for (const { id } of blocks) expect(seen.has(id), `${id} is not listed`);
    },
  },
  {
    name: "list: can be left early and begun again",
    needs: "list",
    run: async (context) => {
      await putBlocks(context, 3, 50);
      for (let i = 0; i < 2; i++) {
        let count = 0;
        for await (const _ of context.store.list!()) if (++count === 2) break;
        expect(count === 2, `${count} blocks are listed instead of 2`);
      }
    },
  },
  {
    name: "delete: removes a block and tells whether it was there",
    needs: "delete",
    run: async (context) => {
      const { store } = context;
      const { id, block } = makeBlock(context, 100);
      await store.put(id, block);
      expect(await store.delete!(id) === true, "deleting a block says it was not there");
      expect((await store.has([id]))[0] === false, "a deleted block is still there");
      const error = await thrownBy(() => store.get(id));
      expect(error instanceof BlockNotFoundError, `get of a deleted block threw ${error}`);
      expect(await store.delete!(id) === false, "deleting a missing block says it was there");
      await store.put(id, block);
      expectBlock(await store.get(id), block, "a block that was deleted and put again");
    },
  },
  {
    name: "flush: resolves and leaves the blocks in place",
    run: async (context) => {
      const blocks = await putBlocks(context, 10, 1000);
      await context.store.flush();
      await context.store.flush();
      for (const { id, block } of blocks) {
        expectBlock(await context.store.get(id), block, "a block that was flushed");
      }
    },
  },
  {
    name: "signal: an aborted call rejects with the reason and changes nothing",
    run: async (context) => {
      const { store } = context;
      const reason = new Error("stop");
      const options = { signal: AbortSignal.abort(reason) };
      const { id, block } = makeBlock(context, 100);
      const present = (await putBlocks(context, 1, 100))[0]!;
      const calls: Record<string, () => Promise<unknown>> = {
        get: () => store.get(present.id, options),
        put: () => store.put(id, block, options),
        has: () => store.has([present.id], options),
        flush: () => store.flush(options),
        ...(store.list && { list: () => Array.fromAsync(store.list!(options)) }),
        ...(store.delete && { delete: () => store.delete!(present.id, options) }),
      };
      for (const [name, call] of Object.entries(calls)) {
        const error = await thrownBy(call);
        expect(error === reason, `${name} with an aborted signal threw ${error}`);
      }
      const found = await store.has([id, present.id]);
      expect(found.join() === "false,true", "an aborted call changed the store");
    },
  },
];

function makeBlock({ idOf }: StoreContractContext, size: number): NamedBlock {
  return randomBlock(size, idOf);
}

async function putBlocks(
  context: StoreContractContext,
  count: number,
  size: number,
): Promise<NamedBlock[]> {
  const blocks = Array.from({ length: count }, () => makeBlock(context, size));
  await forEachBounded(blocks, CALLS_IN_FLIGHT, async ({ id, block }) => {
    await context.store.put(id, block);
  });
  return blocks;
}

function fail(message: string): never {
  throw new StoreContractError(message);
}

function expect(condition: boolean, message: string): asserts condition {
  if (!condition) fail(message);
}

function expectBlock(actual: Uint8Array, expected: Uint8Array, what: string): void {
  expect(
    equalBytes(actual, expected),
    `${what} came back different: ${actual.length} bytes for ${expected.length}`,
  );
}

async function thrownBy(call: () => Promise<unknown>): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  return fail("the call did not throw");
}
