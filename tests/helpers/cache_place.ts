/**
 * A cache in a folder of its own, with a clock that goes on when it is told to.
 *
 * @module
 */

import {
  type BlockCache,
  type BlockCacheOptions,
  type CacheWarning,
  openBlockCache,
} from "../../lib/store/block_cache.ts";
import { randomBlock } from "./random_block.ts";
import { TempFolder } from "./temp_folder.ts";

/** Size of the blocks that {@link CachePlace.fill} makes: one page. */
export const BLOCK_SIZE = 4096;

/** A block and its id. */
export type SomeBlock = ReturnType<typeof randomBlock>;

/** A temporary folder with a cache in its folder `cache`. */
export class CachePlace extends TempFolder {
  readonly folder = this.file("cache");
  readonly warnings: CacheWarning[] = [];
  /** Each look at the clock takes a second, so that every use has a time of its own. */
  nowMs = 1_700_000_000_000;

  /** Opens the cache. */
  open(options: BlockCacheOptions = {}): Promise<BlockCache> {
    return openBlockCache(this.folder, {
      freeSpaceMin: 0,
      onWarning: (warning) => this.warnings.push(warning),
      now: () => this.nowMs += 1000,
      ...options,
    });
  }

  /** Path of the file of a block. */
  pathOf(id: string): string {
    return `${this.folder}/${id.slice(0, 2)}/${id}`;
  }

  /** The ids of all files that look like blocks, sorted, and the space they take. */
  look(): { readonly ids: string[]; readonly bytes: number } {
    const ids: string[] = [];
    let bytes = 0;
    for (const { name, isDirectory } of Deno.readDirSync(this.folder)) {
      if (!isDirectory || name.length !== 2) continue;
      for (const file of Deno.readDirSync(`${this.folder}/${name}`)) {
        ids.push(file.name);
        const { size } = Deno.statSync(`${this.folder}/${name}/${file.name}`);
        bytes += Math.ceil(size / BLOCK_SIZE) * BLOCK_SIZE;
      }
    }
    return { ids: ids.sort(), bytes };
  }

  /** Puts new blocks of one page each, in order. */
  async fill(cache: BlockCache, count: number): Promise<SomeBlock[]> {
    const blocks = Array.from({ length: count }, () => randomBlock(BLOCK_SIZE));
    for (const { id, block } of blocks) await cache.put(id, block);
    return blocks;
  }
}

/** The ids of blocks, sorted. */
export function idsOf(blocks: readonly SomeBlock[]): string[] {
  return blocks.map(({ id }) => id as string).sort();
}
