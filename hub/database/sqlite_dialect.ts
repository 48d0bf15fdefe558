/**
 * Kysely on the SQLite that comes with Deno.
 *
 * @module
 */

import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import {
  type CompiledQuery,
  type DatabaseConnection,
  type DatabaseIntrospector,
  type Dialect,
  type DialectAdapter,
  type Driver,
  type Kysely,
  type QueryCompiler,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from "kysely";

/** Statements that stay prepared. */
const STATEMENTS_MAX = 200;

/** How long statements wait for another process's write, in milliseconds. */
const BUSY_TIMEOUT_MS = 5000;

/** How long SQLite itself waits, which holds up everything else in the process. */
const BUSY_STEP_MS = 10;

/** SQLite's SQLITE_BUSY and SQLITE_LOCKED. */
const BUSY_CODES: ReadonlySet<unknown> = new Set([5, 6]);

/** SQLite's SQLITE_CANTOPEN. */
const CANTOPEN = 14;

/**
 * Pages that stay in memory for each connection, in KiB: the ids of some 100,000 blocks. With SQLite's
 * own 2 MiB, most look-ups of a hub of 20,000 blocks would read pages from the file.
 */
const CACHE_KIB = 16 * 1024;

/** Speaks to one SQLite file. */
export class SqliteDialect implements Dialect {
  readonly #path: string;
  readonly #busyTimeoutMs: number;

  /**
   * @param path The file, which is made where it is missing; `:memory:` is no file.
   * @param busyTimeoutMs How long statements wait for another process's write.
   */
  constructor(path: string, busyTimeoutMs = BUSY_TIMEOUT_MS) {
    this.#path = path;
    this.#busyTimeoutMs = busyTimeoutMs;
  }

  createDriver(): Driver {
    return new SqliteDriver(this.#path, this.#busyTimeoutMs);
  }

  createQueryCompiler(): QueryCompiler {
    return new SqliteQueryCompiler();
  }

  createAdapter(): DialectAdapter {
    return new TransactionalSqliteAdapter();
  }

  createIntrospector(database: Kysely<unknown>): DatabaseIntrospector {
    return new SqliteIntrospector(database);
  }
}

/**
 * SQLite changes tables inside transactions too, which Kysely does not count on: so migrations
 * happen whole or not at all, and processes that start at the same time take turns.
 */
class TransactionalSqliteAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }

  /** The driver has one for reading, and lets those who write take turns. */
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}

/**
 * A connection for writing, which takes turns, and one for reading: so that nobody who only reads
 * waits while a write has to. SQLite has one writer at a time anyway.
 */
class SqliteDriver implements Driver {
  readonly #path: string;
  readonly #busyTimeoutMs: number;
  #parts: SqliteParts | undefined;

  constructor(path: string, busyTimeoutMs: number) {
    this.#path = path;
    this.#busyTimeoutMs = busyTimeoutMs;
  }

  init(): Promise<void> {
    const writer = new SqliteConnection(this.#path, this.#busyTimeoutMs);
    // What is in memory is its connection's own.
    const reader = this.#path === ":memory:"
      ? undefined
      : new SqliteConnection(this.#path, this.#busyTimeoutMs, true);
    this.#parts = { writer, reader, turns: new Turns() };
    return Promise.resolve();
  }

  acquireConnection(): Promise<DatabaseConnection> {
    return Promise.resolve(new SqliteLease(this.#parts!));
  }

  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await (connection as SqliteLease).begin();
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await (connection as SqliteLease).commit();
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await (connection as SqliteLease).rollBack();
  }

  releaseConnection(connection: DatabaseConnection): Promise<void> {
    (connection as SqliteLease).release();
    return Promise.resolve();
  }

  destroy(): Promise<void> {
    this.#parts?.reader?.close();
    this.#parts?.writer.close();
    this.#parts = undefined;
    return Promise.resolve();
  }
}

interface SqliteParts {
  readonly writer: SqliteConnection;
  readonly reader: SqliteConnection | undefined;
  readonly turns: Turns;
}

/** Lets one after the other. */
class Turns {
  #last: Promise<void> = Promise.resolve();

  /** Resolves when it is the caller's turn, with what ends it. */
  async take(): Promise<() => void> {
    const before = this.#last;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last = promise;
    await before;
    return resolve;
  }
}

/** What somebody who asks for a connection has: a transaction of theirs keeps the turn. */
class SqliteLease implements DatabaseConnection {
  readonly #parts: SqliteParts;
  #endTurn: (() => void) | undefined;

  constructor(parts: SqliteParts) {
    this.#parts = parts;
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    const { writer, reader, turns } = this.#parts;
    if (this.#endTurn !== undefined) return await writer.executeQuery(query);
    if (reader !== undefined && query.query.kind === "SelectQueryNode") {
      return await reader.executeQuery(query);
    }
    const endTurn = await turns.take();
    try {
      return await writer.executeQuery(query);
    } finally {
      endTurn();
    }
  }

  // deno-lint-ignore require-yield -- rows come all at once
  async *streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    await Promise.reject(new Error("SQLite's rows are not streamed"));
  }

  async begin(): Promise<void> {
    this.#endTurn = await this.#parts.turns.take();
    // At once for writing: a read that becomes a write could not wait for another process.
    await this.#parts.writer.run("BEGIN IMMEDIATE");
  }

  async commit(): Promise<void> {
    this.#parts.writer.expectFile();
    await this.#parts.writer.run("COMMIT");
  }

  async rollBack(): Promise<void> {
    await this.#parts.writer.rollBack();
  }

  release(): void {
    this.#endTurn?.();
    this.#endTurn = undefined;
  }
}

class SqliteConnection {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #path: string;
  readonly #ino: number | null | undefined;
  readonly #busyTimeoutMs: number;
  /** Since when another process's write is waited for, by the clock of `performance`. */
  #busySince: number | undefined;

  constructor(path: string, busyTimeoutMs: number, isReader = false) {
    this.#path = path;
    this.#database = new DatabaseSync(path);
    this.#ino = path === ":memory:" ? undefined : Deno.statSync(path).ino;
    this.#busyTimeoutMs = busyTimeoutMs;
    this.#database.exec(
      `PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}; PRAGMA journal_mode = WAL;
       PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;
       PRAGMA busy_timeout = ${BUSY_STEP_MS}; PRAGMA query_only = ${isReader ? "ON" : "OFF"};
       PRAGMA cache_size = -${CACHE_KIB}`,
    );
  }

  async executeQuery<Row>({ sql, parameters, query }: CompiledQuery): Promise<QueryResult<Row>> {
    if (query.kind !== "SelectQueryNode" && !this.#database.isTransaction) this.expectFile();
    const statement = this.#prepare(sql);
    const values = parameters.map(toSqlValue);
    const answersRows = query.kind === "SelectQueryNode" || "returning" in query ||
      query.kind === "RawNode" && /^\s*(select|with|pragma)\b/i.test(sql);
    if (answersRows) {
      return { rows: await this.#whenFree(() => statement.all(...values)) as Row[] };
    }
    const { changes, lastInsertRowid } = await this.#whenFree(() => statement.run(...values));
    return {
      rows: [],
      numAffectedRows: BigInt(changes),
      insertId: BigInt(lastInsertRowid),
    };
  }

  /**
   * What is written to a file that nobody finds again is lost.
   *
   * @throws {Error} as SQLite's own, where the file is not the one that was opened.
   */
  expectFile(): void {
    if (this.#path === ":memory:") return;
    let found: Deno.FileInfo | undefined;
    try {
      found = Deno.statSync(this.#path);
    } catch {
      // Whatever the reason is, nobody would find it.
    }
    if (found?.ino === this.#ino) return;
    const message = "unable to open database file: it is not where it was";
    throw Object.assign(new Error(message), { code: "ERR_SQLITE_ERROR", errcode: CANTOPEN });
  }

  async run(sql: string): Promise<void> {
    await this.#whenFree(() => this.#database.exec(sql));
  }

  /**
   * Does the work once no other process writes, without holding up the rest of this one. Whoever comes
   * when that was waited for in vain is told at once.
   */
  async #whenFree<Value>(work: () => Value): Promise<Value> {
    for (;;) {
      try {
        const value = work();
        this.#busySince = undefined;
        return value;
      } catch (error) {
        if (!isBusy(error)) throw error;
        this.#busySince ??= performance.now();
        if (performance.now() - this.#busySince > this.#busyTimeoutMs) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, BUSY_STEP_MS));
    }
  }

  // deno-lint-ignore require-await -- what SQLite throws has to become a rejection
  async rollBack(): Promise<void> {
    // On a full disk SQLite has done so itself, and another error here would hide that one.
    if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      if (this.#statements.size >= STATEMENTS_MAX) {
        this.#statements.delete(this.#statements.keys().next().value!);
      }
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

function isBusy(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { errcode } = error as { readonly errcode?: number };
  // Not every way to run a statement gives the code.
  return BUSY_CODES.has((errcode ?? 0) & 0xff) ||
    /^database (table )?is locked/.test(error.message);
}

function toSqlValue(value: unknown): SQLInputValue {
  if (value === undefined) return null;
  if (typeof value === "boolean") return value ? 1 : 0;
  return value as SQLInputValue;
}
