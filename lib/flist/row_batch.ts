/**
 * Rows on their way into a table, several to a statement: a call into SQLite costs as much as the
 * row it inserts.
 *
 * @module
 */

import type { SQLInputValue, StatementSync } from "node:sqlite";

/** Rows a statement. Twice as many gain nothing more, half as many lose some of it. */
const BATCH_ROWS = 16;

/** What {@link RowBatch} needs of a database. */
export type PrepareSql = (sql: string) => StatementSync;

/** Rows of one table that are not inserted yet. */
export class RowBatch {
  readonly #prepare: PrepareSql;
  readonly #table: string;
  readonly #columns: number;
  #values: SQLInputValue[] = [];
  #whole: StatementSync | undefined;

  /** @param columns How many values a row has. */
  constructor(prepare: PrepareSql, table: string, columns: number) {
    this.#prepare = prepare;
    this.#table = table;
    this.#columns = columns;
  }

  /** Takes a row. Its arrays must not change until {@link flush}. */
  add(...row: SQLInputValue[]): void {
    this.#values.push(...row);
    if (this.#values.length < BATCH_ROWS * this.#columns) return;
    this.#whole ??= this.#prepare(this.#insertSql(BATCH_ROWS));
    this.#whole.run(...this.#values);
    this.#values = [];
  }

  /** Inserts what is left. Needed before anything else asks for the table's rows. */
  flush(): void {
    if (this.#values.length === 0) return;
    this.#prepare(this.#insertSql(this.#values.length / this.#columns)).run(...this.#values);
    this.#values = [];
  }

  #insertSql(rows: number): string {
    const row = `(${Array(this.#columns).fill("?").join()})`;
    return `INSERT INTO ${this.#table} VALUES ${Array(rows).fill(row).join()}`;
  }
}
