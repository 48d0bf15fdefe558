/**
 * The audit log: what changed, and who did it.
 *
 * @module
 */

import type { Kysely } from "kysely";
import type { AuditEvent } from "../../lib/hub_api/messages/mod.ts";
import type { HubTables } from "../database/tables.ts";
import type { Log } from "../log.ts";

/** Where a request came from. */
export interface Origin {
  readonly address?: string;
  readonly requestId?: string;
}

/** What is to be noted. */
export interface AuditEntry extends Origin {
  readonly actor?: string;
  /** Such as `user.create`. */
  readonly action: string;
  readonly object?: string;
  /** @default "done" */
  readonly outcome?: "done" | "refused";
  readonly detail?: string;
}

/** Which events are asked for. */
export interface AuditSelection {
  readonly actor?: string | undefined;
  readonly action?: string | undefined;
  /** From 1. */
  readonly page: number;
  readonly perPage: number;
}

const TEXT_LENGTH_MAX = 500;

const FORGOTTEN_AT_ONCE = 1000;

/** Notes events in the database, and in the log as well. */
export class AuditLog {
  readonly #database: Kysely<HubTables>;
  readonly #log: Log;
  readonly #now: () => number;

  constructor(database: Kysely<HubTables>, log: Log, now: () => number) {
    this.#database = database;
    this.#log = log;
    this.#now = now;
  }

  /** Notes an event. Control characters in its texts become visible, so that no text forges a line. */
  async record(entry: AuditEntry): Promise<void> {
    const row = {
      at: new Date(this.#now()).toISOString(),
      actor: visible(entry.actor),
      action: entry.action,
      object: visible(entry.object),
      outcome: entry.outcome ?? "done",
      address: visible(entry.address),
      request_id: visible(entry.requestId),
      detail: visible(entry.detail),
    };
    this.#log.info("audit", { ...row });
    await this.#database.insertInto("audit").values(row).execute();
  }

  /** Forgets what happened before `time`, in milliseconds since 1970. @returns how many events. */
  async forget(time: number): Promise<number> {
    const before = new Date(time).toISOString();
    let count = 0;
    for (;;) {
      // A part at a time, so that nobody waits long for the database.
      const rows = await this.#database.selectFrom("audit").select("id").where("at", "<", before)
        .orderBy("id").limit(FORGOTTEN_AT_ONCE).execute();
      if (rows.length === 0) return count;
      await this.#database.deleteFrom("audit").where("id", "in", rows.map(({ id }) => id))
        .execute();
      count += rows.length;
    }
  }

  /** Events, the newest first, and how many there are in all. */
  async list(
    selection: AuditSelection,
  ): Promise<{ readonly events: AuditEvent[]; readonly total: number }> {
    let query = this.#database.selectFrom("audit");
    if (selection.actor !== undefined) query = query.where("actor", "=", selection.actor);
    if (selection.action !== undefined) query = query.where("action", "=", selection.action);
    const { total } = await query.select(({ fn }) => fn.countAll().as("total"))
      .executeTakeFirstOrThrow();
    const rows = await query.selectAll().orderBy("id", "desc")
      .limit(selection.perPage).offset((selection.page - 1) * selection.perPage).execute();
    return { total: Number(total), events: rows.map(toEvent) };
  }
}

function toEvent(row: Readonly<Record<string, unknown>>): AuditEvent {
  const present = Object.entries(row).filter(([, value]) => value !== null);
  return Object.fromEntries(present) as AuditEvent;
}

function visible(text: string | undefined): string | null {
  if (text === undefined) return null;
  // deno-lint-ignore no-control-regex -- they are what is looked for
  const escaped = text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]/g, (char) => {
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
  return escaped.slice(0, TEXT_LENGTH_MAX);
}
