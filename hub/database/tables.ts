/**
 * The hub's tables as Kysely sees them. Times are texts in UTC (ISO 8601), which compare as they
 * should in every database; truth is 0 or 1.
 *
 * @module
 */

import type { ColumnType, Generated, Selectable } from "kysely";
import type { ContentTables } from "./content_tables.ts";
import type { JobTables } from "./job_tables.ts";

/** A user. */
export interface AccountTable {
  readonly name: string;
  readonly role: string;
  /** argon2id, with salt and parameters. */
  readonly password_hash: string;
  readonly disabled: number;
  readonly created_at: string;
  /** null: no limit. */
  readonly bytes_max: number | null;
  readonly objects_max: number | null;
  /** argon2id of the password that the configuration last had for the user, where it has one. */
  readonly configured_hash: string | null;
  /** The role that the configuration last had for the user, where it has one. */
  readonly configured_role: ColumnType<string | null, string | null | undefined>;
}

/** A user as it is read. */
export type AccountRow = Selectable<AccountTable>;

/** What a sign-in began: the family of one refresh token and those that took its place. */
export interface SessionTable {
  readonly id: string;
  readonly account: string;
  /** SHA-256 of the secret of the refresh token that is good now. */
  readonly secret_hash: string;
  readonly created_at: string;
  readonly expires_at: string;
  readonly revoked_at: string | null;
}

/** An API token. */
export interface ApiTokenTable {
  readonly id: string;
  readonly account: string;
  readonly name: string;
  /** Separated by spaces. */
  readonly scopes: string;
  readonly namespace: string | null;
  /** SHA-256 of its secret. */
  readonly secret_hash: string;
  readonly created_at: string;
  readonly expires_at: string | null;
  readonly last_used_at: string | null;
}

/** Failures to sign in, of one user or one address. */
export interface SignInAttemptTable {
  readonly subject: string;
  readonly failures: number;
  readonly last_at: string;
}

/** The audit log. */
export interface AuditTable {
  readonly id: Generated<number>;
  readonly at: string;
  readonly actor: string | null;
  readonly action: string;
  readonly object: string | null;
  readonly outcome: string;
  readonly address: string | null;
  readonly request_id: string | null;
  readonly detail: string | null;
}

/** All tables by name. */
export interface HubTables extends ContentTables, JobTables {
  readonly account: AccountTable;
  readonly session: SessionTable;
  readonly api_token: ApiTokenTable;
  readonly sign_in_attempt: SignInAttemptTable;
  readonly audit: AuditTable;
}
