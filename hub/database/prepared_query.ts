/**
 * A query that is made once and asked often: to make it takes longer than to ask it.
 *
 * @module
 */

import type { CompiledQuery, Kysely } from "kysely";

/**
 * Prepares a query.
 *
 * @param query Stands for all of its kind: its values, in the order in which they were given to it,
 *   are places for those of each call.
 * @returns Asks it with other values, and gives the rows.
 */
export function preparedQuery<Row, Tables>(
  database: Kysely<Tables>,
  query: { compile(): CompiledQuery<Row> },
): (...values: readonly unknown[]) => Promise<Row[]> {
  const compiled = query.compile();
  return async (...values) => {
    if (values.length !== compiled.parameters.length) {
      throw new TypeError(`The query takes ${compiled.parameters.length} values`);
    }
    return (await database.executeQuery<Row>({ ...compiled, parameters: values })).rows;
  };
}

/** How many ids a prepared query has. One that is asked for fewer is filled up. */
const ID_COUNTS = [1, 4, 16, 64, 500];

const ID_COUNT_MAX = ID_COUNTS.at(-1)!;

/** Fills up: nothing has it. */
const NO_ID = "";

/**
 * Prepares a query for rows by ids, of which each call may have any number.
 *
 * @param query Makes the query for a list of ids, which come after all its other values.
 * @returns Asks for ids, after the other values, and gives the rows.
 */
export function preparedIdQuery<Row, Tables>(
  database: Kysely<Tables>,
  query: (ids: readonly string[]) => { compile(): CompiledQuery<Row> },
): (ids: readonly string[], ...values: readonly unknown[]) => Promise<Row[]> {
  const prepared = ID_COUNTS.map((count) =>
    preparedQuery(database, query(Array.from({ length: count }, () => NO_ID)))
  );
  return async (ids, ...values) => {
    const rows: Row[] = [];
    for (let at = 0; at < ids.length; at += ID_COUNT_MAX) {
      const some = ids.slice(at, at + ID_COUNT_MAX);
      const fitting = ID_COUNTS.findIndex((count) => count >= some.length);
      const rest = Array.from({ length: ID_COUNTS[fitting]! - some.length }, () => NO_ID);
      for (const row of await prepared[fitting]!(...values, ...some, ...rest)) rows.push(row);
    }
    return rows;
  };
}
