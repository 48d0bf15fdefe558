/**
 * Registers the contract of `Store` as tests of one implementation.
 *
 * @module
 */

import type { Store } from "../../lib/store/store.ts";
import { STORE_CONTRACT } from "../../lib/store/store_contract.ts";
import { testIdOf } from "../helpers/random_block.ts";
import { type Need, requiringTest } from "../helpers/require.ts";

/** A store for one check, empty, and what must be removed after it. */
export interface ContractStore {
  readonly store: Store;
  readonly cleanUp?: () => Promise<void>;
}

/**
 * Defines one test for each check of the contract that applies.
 *
 * @param name The implementation, for the names of the tests.
 * @param open Makes an empty store; called for each check.
 * @param needs What must be there for the tests to run.
 */
export function storeContract(
  name: string,
  open: () => Promise<ContractStore>,
  needs: readonly Need[] = [],
): void {
  for (const check of STORE_CONTRACT) {
    requiringTest(needs, `${name}: ${check.name}`, async () => {
      const { store, cleanUp } = await open();
      try {
        // All stores of this project list and delete, so a check that does not apply is a mistake.
        if (check.needs !== undefined && store[check.needs] === undefined) {
          throw new Error(`${store.url} has no ${check.needs}`);
        }
        await check.run({ store, idOf: testIdOf });
      } finally {
        await store[Symbol.asyncDispose]();
        await cleanUp?.();
      }
    });
  }
}
