/**
 * What users take, and what they may take. It changes only inside the transaction that adds or
 * removes what is counted, by a condition in the statement: so uploads side by side, in any number
 * of processes, never get past a quota.
 *
 * @module
 */

import { type Kysely, sql } from "kysely";
import { HubProblem } from "../../lib/hub_api/problem.ts";
import type { HubTables } from "../database/tables.ts";

/** Bytes and objects: blocks, files and flists. */
export interface Amount {
  readonly bytes: number;
  readonly objects: number;
}

/** Counts more for a user. @returns false, with nothing counted, where the quota has no room. */
export async function takeRoom(
  database: Kysely<HubTables>,
  owner: string,
  { bytes, objects }: Amount,
): Promise<boolean> {
  if (bytes === 0 && objects === 0) return true;
  await database.insertInto("usage").values({ owner, bytes: 0, objects: 0 })
    .onConflict((conflict) => conflict.column("owner").doNothing()).execute();
  const { numUpdatedRows } = await database.updateTable("usage")
    .set({ bytes: sql`bytes + ${bytes}`, objects: sql`objects + ${objects}` })
    .where("owner", "=", owner)
    .where(({ not, exists, selectFrom }) =>
      not(exists(
        selectFrom("account").select("name").whereRef("account.name", "=", "usage.owner")
          .where(({ or, eb }) =>
            or([
              eb("bytes_max", "<", sql<number>`usage.bytes + ${bytes}`),
              eb("objects_max", "<", sql<number>`usage.objects + ${objects}`),
            ])
          ),
      ))
    )
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** Counts less for a user. */
export async function giveRoom(
  database: Kysely<HubTables>,
  owner: string,
  { bytes, objects }: Amount,
): Promise<void> {
  if (bytes === 0 && objects === 0) return;
  await database.updateTable("usage")
    .set({ bytes: sql`bytes - ${bytes}`, objects: sql`objects - ${objects}` })
    .where("owner", "=", owner).execute();
}

/**
 * Refuses what cannot fit, before any of it is read.
 *
 * @throws {HubProblem} 507 when the user's quota has no room for so many bytes.
 */
export async function expectRoom(
  database: Kysely<HubTables>,
  owner: string,
  bytes: number,
): Promise<void> {
  const left = await roomLeft(database, owner);
  if (left !== undefined && (left.bytes < bytes || left.objects <= 0)) throw noRoom();
}

/** What a user's quota still has room for, less than 0 where it was lowered; undefined without one. */
export async function roomLeft(
  database: Kysely<HubTables>,
  owner: string,
): Promise<Amount | undefined> {
  const account = await database.selectFrom("account").select(["bytes_max", "objects_max"])
    .where("name", "=", owner).executeTakeFirst();
  if (account === undefined || account.bytes_max === null && account.objects_max === null) return;
  const usage = await usageOf(database, owner);
  return {
    bytes: (account.bytes_max ?? Infinity) - usage.bytes,
    objects: (account.objects_max ?? Infinity) - usage.objects,
  };
}

/** What a user takes. */
export async function usageOf(database: Kysely<HubTables>, owner: string): Promise<Amount> {
  const row = await database.selectFrom("usage").select(["bytes", "objects"])
    .where("owner", "=", owner).executeTakeFirst();
  return { bytes: Number(row?.bytes ?? 0), objects: Number(row?.objects ?? 0) };
}

/** The problem of a quota that has no room. */
export function noRoom(): HubProblem {
  return new HubProblem(507, "quota_exceeded", "The quota has no room for it");
}
