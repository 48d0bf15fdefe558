/**
 * Opens what a hub keeps, for the process that serves and for those that convert images beside it.
 *
 * @module
 */

import { openStore } from "myfs";
import type { HubConfig } from "./config/load_config.ts";
import { Content } from "./content/content.ts";
import type { Hub } from "./context.ts";

/** The settings that matter here. */
export type ContentSettings = Pick<
  HubConfig,
  "store_url" | "flist_dir" | "dedup" | "block_size" | "block_memory_bytes"
>;

/** What it is opened with. The database stays its owner's. */
export interface ContentParts extends Pick<Hub, "database" | "now"> {
  readonly config: ContentSettings;
}

/** Opens the store and what is kept in it. */
export async function openContentParts(
  { config, database, now }: ContentParts,
): Promise<AsyncDisposable & Pick<Hub, "content" | "store">> {
  await using stack = new AsyncDisposableStack();
  const store = stack.use(await openStore(config.store_url, { create: true }));
  const content = stack.use(
    new Content({
      database,
      store,
      flistDirectory: config.flist_dir,
      dedup: config.dedup,
      blockSize: config.block_size,
      memoryMax: config.block_memory_bytes,
      now,
    }),
  );
  const opened = stack.move();
  return { content, store, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}
