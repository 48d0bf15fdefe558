/**
 * Slows down who guesses passwords: by user and by address, in the database, so that all processes
 * of a hub count together.
 *
 * @module
 */

import type { Kysely } from "kysely";
import { HubProblem } from "../../lib/hub_api/problem.ts";
import type { HubTables } from "../database/tables.ts";

/** Failures that cost nothing. More addresses than users share a proxy, so they get more. */
const FREE_FAILURES = { user: 5, address: 30 };

/** The longest wait, which is also when failures are forgotten, in milliseconds. */
const WAIT_MAX_MS = 15 * 60 * 1000;

/** Counts attempts. */
export class SignInLimit {
  readonly #database: Kysely<HubTables>;
  readonly #now: () => number;

  constructor(database: Kysely<HubTables>, now: () => number) {
    this.#database = database;
    this.#now = now;
  }

  /**
   * Counts an attempt as a failure before it is known to be one, so that many at once count too.
   *
   * @throws {HubProblem} when the user or the address has to wait; such an attempt does not count.
   */
  async begin(user: string, address: string | undefined): Promise<void> {
    const subjects = [`user:${user}`, ...(address === undefined ? [] : [`address:${address}`])];
    const now = this.#now();
    const at = new Date(now).toISOString();
    await this.#database.transaction().execute(async (transaction) => {
      const rows = await transaction.selectFrom("sign_in_attempt").selectAll()
        .where("subject", "in", subjects).execute();
      const fresh = rows.filter((row) => now - Date.parse(row.last_at) < WAIT_MAX_MS);
      for (const row of fresh) {
        const waitMs = waitAfter(row.subject, row.failures) - (now - Date.parse(row.last_at));
        if (waitMs > 0) {
          throw new HubProblem(429, "too_many_requests", "Too many failed sign-ins", undefined, {
            retryAfterSeconds: Math.ceil(waitMs / 1000),
          });
        }
      }
      for (const subject of subjects) {
        const failures = (fresh.find((row) => row.subject === subject)?.failures ?? 0) + 1;
        await transaction.insertInto("sign_in_attempt").values({ subject, failures, last_at: at })
          .onConflict((conflict) =>
            conflict.column("subject").doUpdateSet({ failures, last_at: at })
          ).execute();
      }
    });
  }

  /** Forgets the failures of a user who signed in, and this attempt of the address. */
  async succeed(user: string, address: string | undefined): Promise<void> {
    await this.#database.deleteFrom("sign_in_attempt").where("subject", "=", `user:${user}`)
      .execute();
    if (address === undefined) return;
    await this.#database.updateTable("sign_in_attempt")
      .set(({ eb }) => ({ failures: eb("failures", "-", 1) }))
      .where("subject", "=", `address:${address}`).where("failures", ">", 0).execute();
  }

  /** Removes what is forgotten anyway. */
  async clean(): Promise<void> {
    const before = new Date(this.#now() - WAIT_MAX_MS).toISOString();
    await this.#database.deleteFrom("sign_in_attempt").where("last_at", "<", before).execute();
  }
}

/** One second after the first failure too many, then twice as long each time. */
function waitAfter(subject: string, failures: number): number {
  const free = subject.startsWith("user:") ? FREE_FAILURES.user : FREE_FAILURES.address;
  if (failures < free) return 0;
  return Math.min(WAIT_MAX_MS, 1000 * 2 ** Math.min(failures - free, 20));
}
