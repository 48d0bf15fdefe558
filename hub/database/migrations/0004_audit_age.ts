/**
 * Finds the events of the audit log that are old.
 *
 * @module
 */

import type { Kysely } from "kysely";

/** Adds the index. */
export async function up(database: Kysely<unknown>): Promise<void> {
  await database.schema.createIndex("audit_at").on("audit").column("at").execute();
}
