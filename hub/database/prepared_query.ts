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
