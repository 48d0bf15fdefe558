/**
 * The role that the configuration last had for a user, so that a change of it is seen.
 *
 * @module
 */

import type { Kysely } from "kysely";

/** Adds the column. */
export async function up(database: Kysely<unknown>): Promise<void> {
  await database.schema.alterTable("account").addColumn("configured_role", "varchar(16)").execute();
}
