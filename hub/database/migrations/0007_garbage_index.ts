/**
 * The index of what is garbage has nothing else: of an index of all blocks, of which most are not,
 * SQLite believed that it leads to few, and looked through all of them for some ids.
 *
 * @module
 */

import type { Kysely } from "kysely";

/** Makes the index anew. */
export async function up(database: Kysely<unknown>): Promise<void> {
  const { schema } = database;
  await schema.dropIndex("block_garbage_since").execute();
  await schema.createIndex("block_garbage_since").on("block").column("garbage_since")
    .where("garbage_since", "is not", null).execute();
}
