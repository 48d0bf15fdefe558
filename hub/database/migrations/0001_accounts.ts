/**
 * Users, their tokens, and the audit log.
 *
 * @module
 */

import type { Kysely } from "kysely";

/** Makes the tables. */
export async function up(database: Kysely<unknown>): Promise<void> {
  const { schema } = database;
  await schema.createTable("account")
    .addColumn("name", "varchar(64)", (column) => column.primaryKey())
    .addColumn("role", "varchar(16)", (column) => column.notNull())
    .addColumn("password_hash", "text", (column) => column.notNull())
    .addColumn("disabled", "integer", (column) => column.notNull())
    .addColumn("created_at", "varchar(32)", (column) => column.notNull())
    .addColumn("bytes_max", "bigint")
    .addColumn("objects_max", "bigint")
    .addColumn("configured_hash", "text")
    .execute();
  await schema.createTable("session")
    .addColumn("id", "varchar(64)", (column) => column.primaryKey())
    .addColumn("account", "varchar(64)", (column) => column.notNull().references("account.name"))
    .addColumn("secret_hash", "varchar(64)", (column) => column.notNull())
    .addColumn("created_at", "varchar(32)", (column) => column.notNull())
    .addColumn("expires_at", "varchar(32)", (column) => column.notNull())
    .addColumn("revoked_at", "varchar(32)")
    .execute();
  await schema.createIndex("session_account").on("session").column("account").execute();
  await schema.createIndex("session_expires_at").on("session").column("expires_at").execute();
  await schema.createTable("api_token")
    .addColumn("id", "varchar(64)", (column) => column.primaryKey())
    .addColumn("account", "varchar(64)", (column) => column.notNull().references("account.name"))
    .addColumn("name", "varchar(100)", (column) => column.notNull())
    .addColumn("scopes", "varchar(64)", (column) => column.notNull())
    .addColumn("namespace", "varchar(64)")
    .addColumn("secret_hash", "varchar(64)", (column) => column.notNull())
    .addColumn("created_at", "varchar(32)", (column) => column.notNull())
    .addColumn("expires_at", "varchar(32)")
    .addColumn("last_used_at", "varchar(32)")
    .execute();
  await schema.createIndex("api_token_account").on("api_token").column("account").execute();
  await schema.createTable("sign_in_attempt")
    .addColumn("subject", "varchar(300)", (column) => column.primaryKey())
    .addColumn("failures", "integer", (column) => column.notNull())
    .addColumn("last_at", "varchar(32)", (column) => column.notNull())
    .execute();
  await schema.createTable("audit")
    .addColumn("id", "integer", (column) => column.primaryKey().autoIncrement())
    .addColumn("at", "varchar(32)", (column) => column.notNull())
    .addColumn("actor", "varchar(256)")
    .addColumn("action", "varchar(64)", (column) => column.notNull())
    .addColumn("object", "text")
    .addColumn("outcome", "varchar(16)", (column) => column.notNull())
    .addColumn("address", "varchar(64)")
    .addColumn("request_id", "varchar(64)")
    .addColumn("detail", "text")
    .execute();
  await schema.createIndex("audit_actor").on("audit").column("actor").execute();
}
