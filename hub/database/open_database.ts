/**
 * Opens the hub's database, with its tables as this version needs them.
 *
 * @module
 */

import { dirname } from "node:path";
import { Kysely, sql } from "kysely";
import { type Migration, Migrator } from "kysely/migration";
import * as accounts from "./migrations/0001_accounts.ts";
import * as content from "./migrations/0002_content.ts";
import * as configuredRole from "./migrations/0003_configured_role.ts";
import * as auditAge from "./migrations/0004_audit_age.ts";
import * as flistPublishers from "./migrations/0006_flist_publishers.ts";
import { SqliteDialect } from "./sqlite_dialect.ts";
import type { HubTables } from "./tables.ts";

/** Every change of the tables, in the order of names. One that was released never changes. */
const MIGRATIONS: Record<string, Migration> = {
  "0001_accounts": accounts,
  "0002_content": content,
  "0003_configured_role": configuredRole,
  "0004_audit_age": auditAge,
  "0006_flist_publishers": flistPublishers,
};

/**
 * Opens a database and brings its tables up to date. The file is its owner's alone.
 *
 * @param path Path of the SQLite file; `:memory:` for none.
 * @returns What the caller must `destroy()`.
 */
export async function openDatabase(path: string): Promise<Kysely<HubTables>> {
  if (path !== ":memory:") await makePrivateFile(path);
  const database = new Kysely<HubTables>({ dialect: new SqliteDialect(path) });
  try {
    const provider = { getMigrations: () => Promise.resolve(MIGRATIONS) };
    const { error } = await new Migrator({ db: database, provider }).migrateToLatest();
    if (error !== undefined) throw error;
    return database;
  } catch (error) {
    await database.destroy();
    throw error;
  }
}

/** Whether the database answers. @throws what it failed with. */
export async function checkDatabase(database: Kysely<HubTables>): Promise<void> {
  await sql`select 1`.execute(database);
}

/** SQLite gives its other files the mode of this one. */
async function makePrivateFile(path: string): Promise<void> {
  await Deno.mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const file = await Deno.open(path, { create: true, write: true, mode: 0o600 });
  file.close();
}
