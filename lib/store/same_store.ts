/**
 * Whether two stores keep their blocks in the same place, which URLs alone do not tell: one
 * directory has many paths, and one server many names.
 *
 * @module
 */

import { prefixOf, type PrefixRange } from "./prefix_range.ts";
import { type NamedBlock, randomBlock } from "./random_block.ts";
import type { Store, StoreCallOptions } from "./store.ts";
import type { StoreRoute } from "./wrappers/routed_store.ts";

/** Bytes of a probe. Random, so that no two are the same and none is there before. */
const PROBE_SIZE = 32;

/**
 * Whether a block that is put into `target` shows up in `source`, found by trying. The block, 32
 * random bytes, is deleted again, unless neither store can.
 *
 * @param range The block ids that `source` is for.
 */
export async function isSameStore(
  source: Store,
  range: PrefixRange,
  target: StoreRoute,
  options: StoreCallOptions = {},
): Promise<boolean> {
  const start = Math.max(range.start, target.start);
  const end = Math.min(range.end, target.end);
  if (start > end) return false;
  const { id, block } = probe({ start, end });
  try {
    await target.store.put(id, block, options);
    const [found] = await source.has([id], options);
    return found!;
  } finally {
    // Also when the signal ended the call: the probe may have been stored all the same.
    await (target.store.delete?.(id) ?? source.delete?.(id));
  }
}

function probe({ start, end }: PrefixRange): NamedBlock {
  for (;;) {
    const probe = randomBlock(PROBE_SIZE);
    const prefix = prefixOf(probe.id);
    if (start <= prefix && prefix <= end) return probe;
  }
}
