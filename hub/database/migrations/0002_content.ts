/**
 * Blocks, files, uploads and flists, and whose they are.
 *
 * @module
 */

import type { Kysely } from "kysely";

/** Makes the tables. */
export async function up(database: Kysely<unknown>): Promise<void> {
  const { schema } = database;
  await schema.createTable("usage")
    .addColumn("owner", "varchar(64)", (column) => column.primaryKey())
    .addColumn("bytes", "bigint", (column) => column.notNull())
    .addColumn("objects", "bigint", (column) => column.notNull())
    .execute();
  await schema.createTable("block")
    .addColumn("id", "varchar(64)", (column) => column.primaryKey())
    .addColumn("size", "integer", (column) => column.notNull())
    .addColumn("downloads", "bigint", (column) => column.notNull())
    .addColumn("created_at", "varchar(32)", (column) => column.notNull())
    .addColumn("garbage_since", "varchar(32)")
    .addColumn("leaving", "integer", (column) => column.notNull())
    .execute();
  await schema.createIndex("block_garbage_since").on("block").column("garbage_since").execute();
  await schema.createTable("block_owner")
    .addColumn("owner", "varchar(64)", (column) => column.notNull())
    .addColumn("block", "varchar(64)", (column) => column.notNull())
    .addColumn("direct", "integer", (column) => column.notNull())
    .addPrimaryKeyConstraint("block_owner_key", ["owner", "block"])
    .execute();
  await schema.createIndex("block_owner_block").on("block_owner").column("block").execute();
  await schema.createTable("file")
    .addColumn("owner", "varchar(64)", (column) => column.notNull())
    .addColumn("hash", "varchar(64)", (column) => column.notNull())
    .addColumn("size", "bigint")
    .addColumn("name", "text")
    .addColumn("created_at", "varchar(32)", (column) => column.notNull())
    .addPrimaryKeyConstraint("file_key", ["owner", "hash"])
    .execute();
  await schema.createIndex("file_hash").on("file").column("hash").execute();
  await schema.createTable("file_block")
    .addColumn("owner", "varchar(64)", (column) => column.notNull())
    .addColumn("file", "varchar(64)", (column) => column.notNull())
    .addColumn("idx", "integer", (column) => column.notNull())
    .addColumn("block", "varchar(64)", (column) => column.notNull())
    .addPrimaryKeyConstraint("file_block_key", ["owner", "file", "idx"])
    .execute();
  await schema.createIndex("file_block_block").on("file_block").column("block").execute();
  await schema.createTable("upload")
    .addColumn("id", "varchar(64)", (column) => column.primaryKey())
    .addColumn("owner", "varchar(64)", (column) => column.notNull())
    .addColumn("kind", "varchar(16)", (column) => column.notNull())
    .addColumn("size", "bigint", (column) => column.notNull())
    .addColumn("part_size", "integer", (column) => column.notNull())
    .addColumn("block_size", "integer", (column) => column.notNull())
    .addColumn("sha256", "varchar(64)")
    .addColumn("name", "text")
    .addColumn("visibility", "varchar(16)")
    .addColumn("created_at", "varchar(32)", (column) => column.notNull())
    .addColumn("expires_at", "varchar(32)", (column) => column.notNull())
    .execute();
  await schema.createIndex("upload_expires_at").on("upload").column("expires_at").execute();
  await schema.createIndex("upload_owner").on("upload").column("owner").execute();
  await schema.createTable("upload_block")
    .addColumn("upload", "varchar(64)", (column) => column.notNull())
    .addColumn("idx", "integer", (column) => column.notNull())
    .addColumn("block", "varchar(64)", (column) => column.notNull())
    .addPrimaryKeyConstraint("upload_block_key", ["upload", "idx"])
    .execute();
  await schema.createIndex("upload_block_block").on("upload_block").column("block").execute();
  await schema.createTable("flist")
    .addColumn("digest", "varchar(64)", (column) => column.primaryKey())
    .addColumn("size", "bigint", (column) => column.notNull())
    .addColumn("summary", "text", (column) => column.notNull())
    .addColumn("created_at", "varchar(32)", (column) => column.notNull())
    .execute();
  await schema.createTable("flist_tag")
    .addColumn("owner", "varchar(64)", (column) => column.notNull())
    .addColumn("name", "varchar(128)", (column) => column.notNull())
    .addColumn("tag", "varchar(128)", (column) => column.notNull())
    .addColumn("digest", "varchar(64)", (column) => column.notNull())
    .addColumn("size", "bigint", (column) => column.notNull())
    .addColumn("visibility", "varchar(16)", (column) => column.notNull())
    .addColumn("title", "text")
    .addColumn("description", "text")
    .addColumn("created_at", "varchar(32)", (column) => column.notNull())
    .addColumn("updated_at", "varchar(32)", (column) => column.notNull())
    .addPrimaryKeyConstraint("flist_tag_key", ["owner", "name", "tag"])
    .execute();
  await schema.createIndex("flist_tag_digest").on("flist_tag").column("digest").execute();
  await schema.createTable("flist_event")
    .addColumn("id", "varchar(64)", (column) => column.primaryKey())
    .addColumn("owner", "varchar(64)", (column) => column.notNull())
    .addColumn("name", "varchar(128)", (column) => column.notNull())
    .addColumn("tag", "varchar(128)", (column) => column.notNull())
    .addColumn("digest", "varchar(64)")
    .addColumn("size", "bigint")
    .addColumn("visibility", "varchar(16)", (column) => column.notNull())
    .addColumn("at", "varchar(32)", (column) => column.notNull())
    .addColumn("actor", "varchar(64)", (column) => column.notNull())
    .execute();
  await schema.createIndex("flist_event_name").on("flist_event").columns(["owner", "name", "at"])
    .execute();
  await schema.createTable("flist_block")
    .addColumn("flist", "varchar(64)", (column) => column.notNull())
    .addColumn("block", "varchar(64)", (column) => column.notNull())
    .addPrimaryKeyConstraint("flist_block_key", ["flist", "block"])
    .execute();
  await schema.createIndex("flist_block_block").on("flist_block").column("block").execute();
}
