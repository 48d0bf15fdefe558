/**
 * How often blocks are downloaded: counted in memory, and written to the database together.
 *
 * @module
 */

import { type Kysely, sql } from "kysely";
import type { HubTables } from "../database/tables.ts";
import { slices } from "./content_options.ts";

/** Different blocks whose counts may wait before they are written early. */
const PENDING_MAX = 50_000;

/** Counts that are written every now and then, and at the end. */
export class DownloadCounts implements AsyncDisposable {
  readonly #database: Kysely<HubTables>;
  readonly #intervalMs: number;
  #counts = new Map<string, number>();
  /** Counts that are being written. */
  #leaving = new Map<string, number>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writing: Promise<void> | undefined;

  constructor(database: Kysely<HubTables>, intervalMs: number) {
    this.#database = database;
    this.#intervalMs = intervalMs;
  }

  /** Counts a download. */
  count(id: string): void {
    this.#counts.set(id, (this.#counts.get(id) ?? 0) + 1);
    if (this.#counts.size >= PENDING_MAX) void this.flush().catch(() => {});
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      // What could not be written is counted again, and written the next time.
      void this.flush().catch(() => {});
    }, this.#intervalMs);
  }

  /** Downloads that are not in the database yet. */
  pending(id: string): number {
    return (this.#counts.get(id) ?? 0) + (this.#leaving.get(id) ?? 0);
  }

  /** Writes all that was counted until now. */
  async flush(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
    if (this.#counts.size === 0) return;
    this.#writing = this.#write().finally(() => this.#writing = undefined);
    await this.#writing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.flush();
    } finally {
      clearTimeout(this.#timer);
      this.#timer = undefined;
    }
  }

  async #write(): Promise<void> {
    this.#leaving = this.#counts;
    this.#counts = new Map();
    try {
      await this.#database.transaction().execute(async (transaction) => {
        // By how often: many at a time, because nothing else is answered meanwhile.
        const byCount = Map.groupBy(this.#leaving.keys(), (id) => this.#leaving.get(id)!);
        for (const [count, counted] of byCount) {
          for (const ids of slices(counted)) {
            await transaction.updateTable("block").set({ downloads: sql`downloads + ${count}` })
              .where("id", "in", ids).execute();
          }
        }
      });
    } catch (error) {
      for (const [id, count] of this.#leaving) {
        this.#counts.set(id, (this.#counts.get(id) ?? 0) + count);
      }
      throw error;
    } finally {
      this.#leaving = new Map();
    }
  }
}
