/**
 * Conversions of images: jobs, what happened in them, and the blocks that they stored so far; and
 * which tags keep the blocks of their flists for their owners.
 *
 * @module
 */

import type { Kysely } from "kysely";

/** Makes the tables, and adds the column. */
export async function up(database: Kysely<unknown>): Promise<void> {
  const { schema } = database;
  await schema.createTable("job")
    .addColumn("id", "varchar(64)", (column) => column.primaryKey())
    .addColumn("owner", "varchar(64)", (column) => column.notNull())
    .addColumn("image", "text", (column) => column.notNull())
    .addColumn("name", "varchar(128)", (column) => column.notNull())
    .addColumn("tag", "varchar(128)", (column) => column.notNull())
    .addColumn("profile", "varchar(16)", (column) => column.notNull())
    .addColumn("platform", "varchar(64)")
    .addColumn("visibility", "varchar(16)")
    .addColumn("replaces", "integer", (column) => column.notNull())
    .addColumn("route", "text", (column) => column.notNull())
    .addColumn("has_credentials", "integer", (column) => column.notNull())
    .addColumn("state", "varchar(16)", (column) => column.notNull())
    .addColumn("runner", "varchar(64)")
    .addColumn("lease_until", "varchar(32)")
    .addColumn("attempt", "integer", (column) => column.notNull())
    .addColumn("interruptions", "integer", (column) => column.notNull())
    .addColumn("last_event", "integer", (column) => column.notNull())
    .addColumn("progress", "text")
    .addColumn("error_code", "varchar(64)")
    .addColumn("error_message", "text")
    .addColumn("digest", "varchar(64)")
    .addColumn("created_at", "varchar(32)", (column) => column.notNull())
    .addColumn("queued_at", "varchar(32)", (column) => column.notNull())
    .addColumn("started_at", "varchar(32)")
    .addColumn("ended_at", "varchar(32)")
    .execute();
  await schema.createIndex("job_state").on("job").column("state").execute();
  await schema.createIndex("job_owner").on("job").columns(["owner", "created_at"]).execute();
  await schema.createTable("job_event")
    .addColumn("job", "varchar(64)", (column) => column.notNull())
    .addColumn("number", "integer", (column) => column.notNull())
    .addColumn("at", "varchar(32)", (column) => column.notNull())
    .addColumn("kind", "varchar(16)", (column) => column.notNull())
    .addColumn("data", "text", (column) => column.notNull())
    .addPrimaryKeyConstraint("job_event_key", ["job", "number"])
    .execute();
  await schema.createTable("job_block")
    .addColumn("job", "varchar(64)", (column) => column.notNull())
    .addColumn("block", "varchar(64)", (column) => column.notNull())
    .addPrimaryKeyConstraint("job_block_key", ["job", "block"])
    .execute();
  await schema.createIndex("job_block_block").on("job_block").column("block").execute();
  await schema.alterTable("flist_tag")
    .addColumn("keeps_blocks", "integer", (column) => column.notNull().defaultTo(0)).execute();
}
