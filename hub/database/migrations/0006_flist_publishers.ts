/**
 * Who published a flist that has a block: each publisher shows only blocks of their own.
 *
 * @module
 */

import { type Kysely, sql } from "kysely";

/** Makes the table anew: its key has the publisher in it. */
export async function up(database: Kysely<unknown>): Promise<void> {
  const { schema } = database;
  await schema.alterTable("flist_block").renameTo("flist_block_before").execute();
  await schema.createTable("flist_block")
    .addColumn("flist", "varchar(64)", (column) => column.notNull())
    .addColumn("owner", "varchar(64)", (column) => column.notNull())
    .addColumn("block", "varchar(64)", (column) => column.notNull())
    .addPrimaryKeyConstraint("flist_publisher_block_key", ["flist", "owner", "block"])
    .execute();
  // Whose a block was is not known any more: it stays with all who publish the flist.
  await sql`
    insert into flist_block (flist, owner, block)
    select distinct flist_block_before.flist, flist_event.owner, flist_block_before.block
    from flist_block_before
    inner join flist_event on flist_event.digest = flist_block_before.flist
  `.execute(database);
  await schema.dropTable("flist_block_before").execute();
  await schema.createIndex("flist_block_block").on("flist_block").column("block").execute();
}
