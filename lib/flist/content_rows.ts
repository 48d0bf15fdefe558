/**
 * Values that both profiles' content tables have in common.
 *
 * @module
 */

import { blockIdFromBytes, BlockKey, type BlockRef, DIGEST_SIZE } from "../block/block_ref.ts";
import { chunkFault } from "./entry_rules.ts";
import { type ForeignDatabase, shown, type SqliteValue } from "./foreign_database.ts";

/** SQL for the size of the regular file in `i`: NULL where it is none. */
export const FILE_SIZE = "CASE WHEN i.mode & 61440 = 32768 THEN i.size END";

/** The columns that describe a block. */
export interface BlockColumns {
  readonly id: SqliteValue | undefined;
  readonly key: SqliteValue | undefined;
  readonly size: SqliteValue | undefined;
  /** Absent where the profile does not record it. */
  readonly storedSize?: SqliteValue | undefined;
}

/** The block that `columns` describe. @throws {FlistFormatError} when they do not. */
export function blockRefOf(
  database: ForeignDatabase,
  chunk: number,
  columns: BlockColumns,
): BlockRef {
  const fault = (reason: string) => database.fault(`chunk ${chunk}: ${reason}`);
  const { id, key } = columns;
  if (!isDigest(id)) throw fault(`its id is not ${DIGEST_SIZE} bytes`);
  if (!isDigest(key)) throw fault(`its key is not ${DIGEST_SIZE} bytes`);
  const size = wholeNumber(columns.size, "its size", fault);
  const ref: BlockRef = {
    id: blockIdFromBytes(id),
    key: BlockKey.fromBytes(key),
    size,
    ...("storedSize" in columns
      ? { storedSize: wholeNumber(columns.storedSize, "its block's size", fault) }
      : {}),
  };
  const wrong = chunkFault(ref);
  if (wrong !== undefined) throw fault(wrong);
  return ref;
}

/** `value` as a whole number of 0 or more. @throws what `fault` makes where it is not one. */
export function wholeNumber(
  value: SqliteValue | undefined,
  what: string,
  fault: (reason: string) => Error,
): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) {
    throw fault(`${what} is ${shown(value)}`);
  }
  return value as number;
}

/** Whether `value` is 32 bytes. */
export function isDigest(value: SqliteValue | undefined): value is Uint8Array {
  return value instanceof Uint8Array && value.length === DIGEST_SIZE;
}
