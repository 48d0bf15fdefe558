/**
 * Removes what nobody needs any more, while the hub goes on, in any number of processes.
 *
 * A block that is garbage for longer than the time of grace is first marked as leaving, in one
 * statement that looks again whether something refers to it; whoever uploads it from then on waits.
 * Then it leaves the store, then the database. A process that dies in between leaves the mark, and
 * the next one goes on.
 *
 * @module
 */

import type { ExpressionBuilder } from "kysely";
import { type BlockId, parseBlockId, UnsupportedError } from "myfs";
import type { HubTables } from "../database/tables.ts";
import { type ResolvedContentOptions, slices } from "./content_options.ts";
import type { Flists } from "./flists.ts";
import { isReferenced, markGarbage } from "./references.ts";
import type { Uploads } from "./uploads.ts";
import { removeIfThere } from "../remove_if_there.ts";

/** How to collect. */
export interface GarbageOptions {
  /** Only counts. @default {false} */
  readonly dryRun?: boolean;
  /**
   * How long something has to be garbage, in milliseconds: longer than any upload of one block takes.
   *
   * @default one hour
   */
  readonly graceMs?: number;
  /** How long flists stay that no tag stands for any more, in milliseconds. @default 30 days */
  readonly historyMs?: number;
  /**
   * Looks through the store as well, for blocks that nobody was promised: what an upload left that
   * was killed. They become garbage, and are removed once their time of grace is over.
   *
   * @default {false}
   */
  readonly orphans?: boolean;
  readonly signal?: AbortSignal;
}

/** What was removed, or would be. */
export interface GarbageReport {
  readonly blocks: number;
  readonly blockBytes: number;
  readonly flists: number;
  readonly uploads: number;
  /** Blocks of the store that were found to be nobody's. */
  readonly orphans: number;
  /** Blocks that are garbage, but not for long enough. */
  readonly waitingBlocks: number;
  readonly waitingBytes: number;
}

const HOUR_MS = 3_600_000;

/** Blocks that leave together. */
const GROUP_MAX = 200;

/** Blocks that are deleted from the store at the same time. */
const DELETES_MAX = 16;

/** See {@link GarbageOptions}. @throws {UnsupportedError} when the store cannot delete. */
export async function collectGarbage(
  options: ResolvedContentOptions,
  uploads: Uploads,
  flists: Flists,
  { dryRun = false, graceMs = HOUR_MS, historyMs = 30 * 24 * HOUR_MS, orphans = false, signal }:
    GarbageOptions,
): Promise<GarbageReport> {
  const { database, store, now } = options;
  const before = (ms: number): string => new Date(now() - ms).toISOString();
  if (store.delete === undefined && !dryRun) {
    throw new UnsupportedError(`Cannot collect garbage: ${store.url} cannot delete`);
  }

  const expired = dryRun
    ? Number(
      (await database.selectFrom("upload").where("expires_at", "<=", before(0))
        .select(({ fn }) => fn.countAll().as("total")).executeTakeFirstOrThrow()).total,
    )
    : await uploads.removeExpired();

  const old = await database.selectFrom("flist").select("digest")
    .where("created_at", "<", before(graceMs))
    .where(({ not, exists, selectFrom }) =>
      not(exists(
        selectFrom("flist_tag").select("tag").whereRef("flist_tag.digest", "=", "flist.digest"),
      ))
    )
    .where(({ not, exists, selectFrom }) =>
      not(exists(
        selectFrom("flist_event").select("id").whereRef("flist_event.digest", "=", "flist.digest")
          .where("flist_event.at", ">=", before(historyMs)),
      ))
    ).execute();
  for (const { digest } of dryRun ? [] : old) {
    signal?.throwIfAborted();
    await removeFlist(options, flists, digest, before(graceMs));
  }
  if (!dryRun) await flists.removeLeftovers();

  const found = orphans ? await adoptOrphans(options, dryRun, signal) : 0;
  const all = await garbageIn(database, before(0));
  const ripe = dryRun
    ? await garbageIn(database, before(graceMs))
    : await removeBlocks(options, before(graceMs), signal);
  return {
    ...ripe,
    flists: old.length,
    uploads: expired,
    orphans: found,
    waitingBlocks: Math.max(0, all.blocks - ripe.blocks),
    waitingBytes: Math.max(0, all.blockBytes - ripe.blockBytes),
  };
}

/** Blocks that are garbage since before `until`. */
async function garbageIn(
  database: ResolvedContentOptions["database"],
  until: string,
): Promise<{ readonly blocks: number; readonly blockBytes: number }> {
  const row = await database.selectFrom("block").where("garbage_since", "<=", until)
    .select(({ fn }) => [fn.countAll().as("count"), fn.sum("size").as("bytes")])
    .executeTakeFirstOrThrow();
  return { blocks: Number(row.count), blockBytes: Number(row.bytes ?? 0) };
}

async function removeBlocks(
  options: ResolvedContentOptions,
  until: string,
  signal: AbortSignal | undefined,
): Promise<{ readonly blocks: number; readonly blockBytes: number }> {
  const { database, store } = options;
  let [blocks, blockBytes] = [0, 0];
  for (;;) {
    signal?.throwIfAborted();
    const leaving = await markLeaving(options, until);
    if (leaving.length === 0) return { blocks, blockBytes };
    for (const slice of slices(leaving, DELETES_MAX)) {
      await Promise.all(
        slice.map(({ id }) => store.delete!(id as BlockId, signal ? { signal } : {})),
      );
    }
    await store.flush();
    await database.deleteFrom("block").where("id", "in", leaving.map(({ id }) => id))
      .where("leaving", "=", 1).execute();
    blocks += leaving.length;
    blockBytes += leaving.reduce((sum, { size }) => sum + Number(size), 0);
  }
}

async function markLeaving(
  { database }: ResolvedContentOptions,
  until: string,
): Promise<{ readonly id: string; readonly size: number }[]> {
  return await database.transaction().execute(async (transaction) => {
    const rows = await transaction.selectFrom("block").select("id")
      .where("garbage_since", "<=", until).limit(GROUP_MAX).execute();
    if (rows.length === 0) return [];
    const ids = rows.map(({ id }) => id);
    // Something may have come to refer to it in a way that did not say so: it stays.
    await transaction.updateTable("block").set({ garbage_since: null })
      .where("id", "in", ids).where("leaving", "=", 0)
      .where((builder) => isReferenced(builder as unknown as ExpressionBuilder<HubTables, "block">))
      .execute();
    await transaction.updateTable("block").set({ leaving: 1 })
      .where("id", "in", ids).where("garbage_since", "<=", until).execute();
    return await transaction.selectFrom("block").select(["id", "size"])
      .where("id", "in", ids).where("leaving", "=", 1).execute();
  });
}

async function removeFlist(
  { database, now }: ResolvedContentOptions,
  flists: Flists,
  digest: string,
  until: string,
): Promise<void> {
  await database.transaction().execute(async (transaction) => {
    // Who publishes it again at this moment made it young, or is too late and makes it again.
    const { numDeletedRows } = await transaction.deleteFrom("flist")
      .where("digest", "=", digest).where("created_at", "<", until)
      .where(({ not, exists, selectFrom }) =>
        not(exists(
          selectFrom("flist_tag").select("tag").whereRef("flist_tag.digest", "=", "flist.digest"),
        ))
      ).executeTakeFirst();
    if (numDeletedRows === 0n) return;
    const rows = await transaction.deleteFrom("flist_block").where("flist", "=", digest)
      .returning("block").execute();
    const time = new Date(now()).toISOString();
    await markGarbage(transaction, [...new Set(rows.map(({ block }) => block))], time);
    // Before the row is seen to be gone: whoever publishes it again waits for that to put it back.
    await removeIfThere(flists.pathOf(digest));
  });
}

async function adoptOrphans(
  { database, store, now }: ResolvedContentOptions,
  dryRun: boolean,
  signal: AbortSignal | undefined,
): Promise<number> {
  if (store.list === undefined) {
    throw new UnsupportedError(`Cannot look for orphans: ${store.url} cannot list`);
  }
  let count = 0;
  const adopt = async (ids: readonly BlockId[]): Promise<void> => {
    for (const slice of slices(ids)) {
      const rows = await database.selectFrom("block").select("id").where("id", "in", slice)
        .execute();
      const known = new Set<string>(rows.map(({ id }) => id));
      const orphans = slice.filter((id) => !known.has(id));
      count += orphans.length;
      if (dryRun || orphans.length === 0) continue;
      const time = new Date(now()).toISOString();
      const values = await Promise.all(orphans.map(async (id) => ({
        id,
        size: (await store.get(id)).length,
        downloads: 0,
        created_at: time,
        garbage_since: time,
        leaving: 0,
      })));
      await database.insertInto("block").values(values)
        .onConflict((conflict) => conflict.column("id").doNothing()).execute();
    }
  };
  let group: BlockId[] = [];
  for await (const id of store.list(signal ? { signal } : {})) {
    group.push(parseBlockId(id));
    if (group.length < GROUP_MAX) continue;
    await adopt(group);
    group = [];
  }
  await adopt(group);
  return count;
}
