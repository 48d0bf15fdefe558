/**
 * Everything that a hub keeps: blocks, files, uploads and flists.
 *
 * @module
 */

import { Blocks } from "./blocks.ts";
import {
  type ContentOptions,
  type DedupScope,
  resolveContentOptions,
  type ResolvedContentOptions,
} from "./content_options.ts";
import { Files } from "./files.ts";
import { Flists } from "./flists.ts";
import { collectGarbage, type GarbageOptions, type GarbageReport } from "./garbage.ts";
import { Uploads } from "./uploads.ts";
import { type Amount, usageOf } from "./usage.ts";

export type { ContentOptions, DedupScope } from "./content_options.ts";

/** See the module. Its store and database stay their owner's. */
export class Content implements AsyncDisposable {
  readonly blocks: Blocks;
  readonly files: Files;
  readonly uploads: Uploads;
  readonly flists: Flists;
  readonly #options: ResolvedContentOptions;

  constructor(options: ContentOptions) {
    this.#options = resolveContentOptions(options);
    this.blocks = new Blocks(this.#options);
    this.files = new Files(this.#options, this.blocks);
    this.uploads = new Uploads(this.#options, this.blocks);
    this.flists = new Flists(this.#options);
  }

  /** Among whom blocks are kept once. */
  get dedup(): DedupScope {
    return this.#options.dedup;
  }

  /** What a user takes. */
  async usageOf(owner: string): Promise<Amount> {
    return await usageOf(this.#options.database, owner);
  }

  /** Removes what nobody needs any more. */
  async collectGarbage(options: GarbageOptions = {}): Promise<GarbageReport> {
    return await collectGarbage(this.#options, this.uploads, this.flists, options);
  }

  /** Writes what is still in memory: counts of downloads. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.blocks[Symbol.asyncDispose]();
  }
}
