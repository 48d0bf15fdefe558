/**
 * What is in a cache, in a SQLite file: sizes, the order of last use, what is pinned, and how much it
 * is in all, so that making room needs no look at all files.
 *
 * Nothing is in it that the files of the cache do not say: it can be made again at any time. So it need not survive a power cut (`synchronous = OFF`), only the death of a process, which
 * SQLite's rollback journal sees to. A write-ahead log would be three times as fast (0.03 instead of
 * 0.1 ms a block), but its shared memory ends every process that maps it when somebody cuts the file
 * off.
 *
 * @module
 */

import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { BlockId } from "../block/block_ref.ts";
import { blockIdBytes, blockIdFromBytes } from "../block/block_ref.ts";
import type { CachedFile } from "./cache_files.ts";

/** "myfc", in the header of the file. */
const APPLICATION_ID = 0x6d796663;
const VERSION = 1;

const SCHEMA = `
  CREATE TABLE block (
    id BLOB PRIMARY KEY, size INTEGER NOT NULL, used INTEGER NOT NULL, pins INTEGER NOT NULL
  ) WITHOUT ROWID, STRICT;
  CREATE INDEX by_use ON block (used) WHERE pins = 0;
  CREATE TABLE pinned (id BLOB, pin TEXT, PRIMARY KEY (id, pin)) WITHOUT ROWID, STRICT;
  CREATE INDEX by_pin ON pinned (pin);
  CREATE TABLE state (
    bytes INTEGER NOT NULL, bytesMax INTEGER NOT NULL, boot TEXT NOT NULL, pinsKnown INTEGER NOT NULL
  ) STRICT;
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${VERSION};
`;

/** Space on disk is counted in pages of this size, as most file systems give it out. */
const PAGE_SIZE = 4096;

/** Space on disk that a block of `size` bytes is counted with. */
export function spaceOf(size: number): number {
  return Math.ceil(size / PAGE_SIZE) * PAGE_SIZE;
}

/** What holds for the cache as a whole. */
export interface CacheState {
  /** Space that the blocks take, in bytes of whole pages. */
  readonly bytes: number;
  /** What they may take at most. */
  readonly bytesMax: number;
}

/** How much there is of something. */
export interface BlockTotal {
  /** How many. */
  readonly blocks: number;
  /** Space on disk, in bytes of whole pages. */
  readonly bytes: number;
}

/** A file is a sound database, but not an index of this version. */
export class ForeignIndexError extends Error {
  /** Name of the class. */
  override readonly name = "ForeignIndexError";
}

/** An open index. A new one is not complete until {@link setComplete} says so. All calls are for who holds the lock of the cache. */
export class CacheIndex implements Disposable {
  readonly #database: DatabaseSync;
  readonly #path: string;
  readonly #inode: number | null;
  readonly #statements = new Map<string, StatementSync>();

  /**
   * Opens the index at `path`, and makes it where it is missing.
   *
   * @param bytesMax Limit of a new one.
   * @throws {Error} of SQLite when it is damaged or cannot be written.
   */
  constructor(path: string, bytesMax: number) {
    this.#path = path;
    this.#database = new DatabaseSync(path, { timeout: 5000 });
    try {
      this.#database.exec(`
        PRAGMA journal_mode = PERSIST; PRAGMA synchronous = OFF; PRAGMA mmap_size = 0;
        PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;
      `);
      const isNew = this.#number("SELECT count(*) AS value FROM sqlite_schema") === 0;
      if (isNew) {
        this.transaction(() => {
          this.#database.exec(SCHEMA);
          this.#run("INSERT INTO state VALUES (0, ?, '', 0)", bytesMax);
        });
      }
      const isOurs = this.#number("SELECT application_id AS value FROM pragma_application_id") ===
          APPLICATION_ID &&
        this.#number("SELECT user_version AS value FROM pragma_user_version") === VERSION;
      if (!isOurs) throw new ForeignIndexError(`${path} is not the index of a cache`);
      this.#inode = Deno.statSync(path).ino;
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  /** Whether the file at its path is still the one that is open. */
  isCurrent(): boolean {
    try {
      return Deno.statSync(this.#path).ino === this.#inode;
    } catch {
      return false;
    }
  }

  /** Runs `work`, all of whose changes are made, or none where it throws. */
  transaction<Result>(work: () => Result): Result {
    this.#run("BEGIN IMMEDIATE");
    try {
      const result = work();
      this.#run("COMMIT");
      return result;
    } catch (error) {
      try {
        this.#run("ROLLBACK");
      } catch {
        // SQLite rolls back by itself after some failures.
      }
      throw error;
    }
  }

  /** Totals and limit. */
  state(): CacheState {
    const { bytes, bytesMax } = this.#statement("SELECT bytes, bytesMax FROM state").get()!;
    return { bytes: Number(bytes), bytesMax: Number(bytesMax) };
  }

  /** Sets the limit. */
  setBytesMax(bytesMax: number): void {
    this.#run("UPDATE state SET bytesMax = ?", bytesMax);
  }

  /** During which run of the system the files were last compared with the index. */
  get boot(): string {
    return String(this.#statement("SELECT boot FROM state").get()!["boot"]);
  }

  /** Whether the pins in the index are those of the files. */
  get knowsPins(): boolean {
    return this.#number("SELECT pinsKnown AS value FROM state") === 1;
  }

  /** Says that pins are about to change, or that they are known. */
  setKnowsPins(known: boolean): void {
    this.#run("UPDATE state SET pinsKnown = ?", known ? 1 : 0);
  }

  /** Length of a block in bytes; undefined where it is not in the index. */
  sizeOf(id: BlockId): number | undefined {
    const row = this.#statement("SELECT size FROM block WHERE id = ?").get(blockIdBytes(id));
    return row === undefined ? undefined : Number(row["size"]);
  }

  /** Adds a block, which is not in the index. */
  add({ id, size, usedMs }: CachedFile): void {
    const key = blockIdBytes(id);
    this.#run(
      `INSERT INTO block VALUES (?1, ?2, ?3, (SELECT count(*) FROM pinned WHERE id = ?1))`,
      key,
      size,
      usedMs,
    );
    this.#run("UPDATE state SET bytes = bytes + ?", spaceOf(size));
  }

  /** Takes out a block, which is in the index with this size. */
  remove(id: BlockId, size: number): void {
    this.#run("DELETE FROM block WHERE id = ?", blockIdBytes(id));
    this.#run("UPDATE state SET bytes = bytes - ?", spaceOf(size));
  }

  /** Moves a block to its place in the order of last use. */
  setUsed(id: BlockId, usedMs: number): void {
    this.#run("UPDATE block SET used = ? WHERE id = ?", usedMs, blockIdBytes(id));
  }

  /** The block without a pin that was used least recently, as far as the index knows. */
  oldest(): CachedFile | undefined {
    // The id breaks ties, so that the order is the same each time.
    const row = this.#statement(
      "SELECT id, size, used FROM block WHERE pins = 0 ORDER BY used, id LIMIT 1",
    ).get();
    if (row === undefined) return undefined;
    const { id, size, used } = row;
    return {
      id: blockIdFromBytes(id as Uint8Array),
      size: Number(size),
      usedMs: Number(used),
    };
  }

  /** All blocks, or those with a pin. */
  total(which: "all" | "pinned"): BlockTotal {
    const row = this.#statement(
      `SELECT count(*) AS blocks, coalesce(sum((size + ${
        PAGE_SIZE - 1
      }) / ${PAGE_SIZE}), 0) AS pages
        FROM block ${which === "pinned" ? "WHERE pins > 0" : ""}`,
    ).get()!;
    return { blocks: Number(row["blocks"]), bytes: Number(row["pages"]) * PAGE_SIZE };
  }

  /** Forgets all blocks and pins, before they are added again. */
  clear(): void {
    this.#run("DELETE FROM block");
    this.#run("DELETE FROM pinned");
    this.#run("UPDATE state SET bytes = 0, boot = '', pinsKnown = 0");
  }

  /** Forgets all pins. */
  clearPins(): void {
    this.#run("DELETE FROM pinned");
    this.#run("UPDATE block SET pins = 0 WHERE pins > 0");
  }

  /** Says that its blocks are those of the files, in this run of the system. */
  setComplete(boot: string): void {
    this.#run("UPDATE state SET boot = ?", boot);
  }

  /** Gives `ids` the pin `name`. */
  addPin(name: string, ids: Iterable<BlockId>): void {
    for (const id of ids) {
      const key = blockIdBytes(id);
      const added = this.#run("INSERT OR IGNORE INTO pinned VALUES (?, ?)", key, name);
      if (added > 0) this.#run("UPDATE block SET pins = pins + 1 WHERE id = ?", key);
    }
  }

  /** Takes the pin `name` from all blocks that have it. */
  removePin(name: string): void {
    this.#run(
      "UPDATE block SET pins = pins - 1 WHERE id IN (SELECT id FROM pinned WHERE pin = ?)",
      name,
    );
    this.#run("DELETE FROM pinned WHERE pin = ?", name);
  }

  /** How much of what has the pin `name` is in the cache. */
  totalOfPin(name: string): BlockTotal {
    const row = this.#statement(
      `SELECT count(*) AS blocks, coalesce(sum((size + ${
        PAGE_SIZE - 1
      }) / ${PAGE_SIZE}), 0) AS pages
        FROM pinned JOIN block USING (id) WHERE pin = ?`,
    ).get(name)!;
    return { blocks: Number(row["blocks"]), bytes: Number(row["pages"]) * PAGE_SIZE };
  }

  #number(sql: string): number {
    return Number(this.#statement(sql).get()!["value"]);
  }

  #run(sql: string, ...values: (string | number | Uint8Array)[]): number {
    return Number(this.#statement(sql).run(...values).changes);
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) this.#statements.set(sql, statement = this.#database.prepare(sql));
    return statement;
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    try {
      this.#database.close();
    } catch {
      // It is closed.
    }
  }
}
