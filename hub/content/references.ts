/**
 * What refers to blocks. A block to which nothing refers is garbage: nobody is given it any more,
 * and after a time of grace it is removed (garbage.ts).
 *
 * @module
 */

import { type Expression, type ExpressionBuilder, type Kysely, type SqlBool } from "kysely";
import type { HubTables } from "../database/tables.ts";
import { slices } from "./content_options.ts";
import { giveRoom } from "./usage.ts";

/** That something refers to the block of the row that a query of `block` looks at. */
export function isReferenced(
  builder: ExpressionBuilder<HubTables, "block">,
): Expression<SqlBool> {
  const { or, exists, selectFrom } = builder;
  return or([
    exists(
      selectFrom("block_owner").select("block").whereRef("block_owner.block", "=", "block.id"),
    ),
    exists(
      selectFrom("flist_block").select("block").whereRef("flist_block.block", "=", "block.id"),
    ),
  ]);
}

/**
 * Ends a user's use of blocks for which there is no other reason left: none was uploaded as a block,
 * and no file, upload, job or flist made here of the user has it. To be called in the transaction that took the reason.
 */
export async function releaseOwner(
  transaction: Kysely<HubTables>,
  owner: string,
  blocks: readonly string[],
  now: string,
): Promise<void> {
  for (const ids of slices([...new Set(blocks)])) {
    const rows = await transaction.selectFrom("block_owner")
      .innerJoin("block", "block.id", "block_owner.block")
      .select(["block.id", "block.size"])
      .where("owner", "=", owner).where("direct", "=", 0).where("block", "in", ids)
      .where(({ not, exists, selectFrom }) =>
        not(exists(
          selectFrom("file_block").select("idx").where("file_block.owner", "=", owner)
            .whereRef("file_block.block", "=", "block_owner.block"),
        ))
      )
      .where(({ not, exists, selectFrom }) =>
        not(exists(
          selectFrom("upload_block").innerJoin("upload", "upload.id", "upload_block.upload")
            .select("idx").where("upload.owner", "=", owner)
            .whereRef("upload_block.block", "=", "block_owner.block"),
        ))
      )
      .where(({ not, exists, selectFrom }) =>
        not(exists(
          selectFrom("job_block").innerJoin("job", "job.id", "job_block.job")
            .select("job").where("job.owner", "=", owner)
            .whereRef("job_block.block", "=", "block_owner.block"),
        ))
      )
      .where(({ not, exists, selectFrom }) =>
        not(exists(
          selectFrom("flist_block").innerJoin("flist_tag", "flist_tag.digest", "flist_block.flist")
            .select("flist").where("flist_tag.owner", "=", owner)
            .where("flist_block.owner", "=", owner)
            .where("flist_tag.keeps_blocks", "=", 1)
            .whereRef("flist_block.block", "=", "block_owner.block"),
        ))
      ).execute();
    if (rows.length === 0) continue;
    const released = rows.map(({ id }) => id);
    await transaction.deleteFrom("block_owner").where("owner", "=", owner)
      .where("block", "in", released).execute();
    const bytes = rows.reduce((sum, { size }) => sum + Number(size), 0);
    await giveRoom(transaction, owner, { bytes, objects: rows.length });
    await markGarbage(transaction, released, now);
  }
}

/**
 * Ends a user's use of the blocks of a flist that no tag of theirs keeps any more. To be called in the
 * transaction that changed the tag.
 */
export async function releaseFlist(
  transaction: Kysely<HubTables>,
  owner: string,
  flist: string,
  now: string,
): Promise<void> {
  const rows = await transaction.selectFrom("flist_block").select("block")
    .where("flist", "=", flist).where("owner", "=", owner).execute();
  await releaseOwner(transaction, owner, rows.map(({ block }) => block), now);
}

/** Marks those of `blocks` to which nothing refers. */
export async function markGarbage(
  transaction: Kysely<HubTables>,
  blocks: readonly string[],
  now: string,
): Promise<void> {
  for (const ids of slices(blocks)) {
    await transaction.updateTable("block").set({ garbage_since: now })
      .where("id", "in", ids).where("garbage_since", "is", null)
      .where((builder) =>
        builder.not(isReferenced(builder as unknown as ExpressionBuilder<HubTables, "block">))
      ).execute();
  }
}
