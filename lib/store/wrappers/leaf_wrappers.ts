/**
 * What stands around each single store.
 *
 * @module
 */

import { type BlockCheck, checkEitherDigest } from "../block_check.ts";
import type { Store } from "../store.ts";
import { VerifyingStore } from "./verifying_store.ts";

/** What can be said about the wrappers of one store. */
export interface LeafOptions {
  /** See `OpenStoreOptions.verifyWith`. */
  readonly verifyWith?: BlockCheck;
}

/** How often a store elsewhere is asked again for a block that came damaged. */
const REPEATS_WHEN_CORRUPT = 1;

/**
 * The store `leaf` with all that belongs around it, which is nothing for a local one unless it is
 * asked for, because worker threads reach its blocks directly.
 */
export function wrapLeaf(leaf: Store, isRemote: boolean, options: LeafOptions): Store {
  if (!isRemote) return leaf;
  const check = options.verifyWith ?? checkEitherDigest;
  return new VerifyingStore(leaf, { check, repeats: REPEATS_WHEN_CORRUPT });
}
