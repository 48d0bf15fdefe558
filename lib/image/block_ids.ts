/**
 * Which blocks flists need.
 *
 * @module
 */

import type { BlockId } from "../block/block_ref.ts";
import { FlistReader } from "../flist/flist_reader.ts";
import { distinctChunks } from "./check.ts";

/**
 * The ids of all blocks that the flists at `metas` name, each once. Blocks of several flists are
 * remembered to tell which came before: about 100 bytes a block.
 *
 * @throws {FlistNotFoundError} {FlistFormatError} before the first id, when one of the flists is
 *   missing or breaks a rule of its format.
 *
 * @example
 * ```ts ignore
 * const store = await openStore(["dir:///srv/blocks"]);
 * const present = await store.has([...blockIdsOf(["monday.fl", "tuesday.fl"])]);
 * ```
 */
export function* blockIdsOf(metas: readonly string[]): Generator<BlockId, void, void> {
  using opened = new DisposableStack();
  const flists = metas.map((meta) => opened.use(FlistReader.open(meta)));
  for (const flist of flists) flist.validate({ allowIncomplete: true });
  const seen = new Set<BlockId>();
  for (const flist of flists) {
    for (const { ref: { id } } of distinctChunks(flist)) {
      if (seen.has(id)) continue;
      if (flists.length > 1) seen.add(id);
      yield id;
    }
  }
}
