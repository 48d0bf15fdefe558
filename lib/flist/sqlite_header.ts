/**
 * The first page of a SQLite file, looked at before SQLite does: it tells what kind of file it is,
 * whether it is whole, and whether SQLite can open it without trouble. The layout is that of
 * https://sqlite.org/fileformat2.html section 1.3.
 *
 * @module
 */

import { displayByteString } from "../base/byte_string.ts";
import { FlistFormatError, FlistNotFoundError } from "../base/errors.ts";
import { fileError } from "./file_failures.ts";
import { MYFS_APPLICATION_ID } from "./schema.ts";

const MAGIC = "SQLite format 3\0";
const HEADER_SIZE = 100;

/** Type of a b-tree page that is a leaf of a table. */
const TABLE_LEAF = 13;

/** Most objects in a schema: those of both profiles are fewer than half as many. */
const SCHEMA_OBJECTS_MAX = 32;

/** What the start of a SQLite file says. */
export interface SqliteHeader {
  /** Length of the file in bytes. */
  readonly fileSize: number;
  /** Number that tells one kind of application file from another; 0 for most. */
  readonly applicationId: number;
  /** Number that the application may use; ours is the version. */
  readonly userVersion: number;
}

/**
 * Reads and checks the start of the file at `path`.
 *
 * @throws {FlistNotFoundError} when there is no such file.
 * @throws {FlistFormatError} when it is not a whole SQLite file.
 * @throws {SystemError} when it may not be read.
 */
export function readSqliteHeader(path: string): SqliteHeader {
  const fault = (reason: string, hint?: string): FlistFormatError =>
    new FlistFormatError(path, reason, hint === undefined ? {} : { hint });

  const page = new Uint8Array(HEADER_SIZE + 8);
  const { fileSize, length } = readStart(path, page, fault);
  const view = new DataView(page.buffer);
  if (fileSize === 0) throw fault("it is empty");
  for (let i = 0; i < MAGIC.length; i++) {
    if (i < length && page[i] !== MAGIC.charCodeAt(i)) throw fault("it is not a SQLite file");
  }
  if (length < page.length) throw fault(`it is cut off after ${fileSize} bytes`);

  // 1 stands for 65,536, which two bytes cannot hold.
  const pageSize = view.getUint16(16) === 1 ? 65536 : view.getUint16(16);
  if (pageSize < 512 || (pageSize & (pageSize - 1)) !== 0) {
    throw fault(`its page size ${pageSize} is not one`);
  }
  // The page count is only valid where its writer stamped it with the same change counter.
  const pageCount = view.getUint32(92) === view.getUint32(24) ? view.getUint32(28) : 0;
  const sizeTold = pageCount === 0
    ? Math.ceil(fileSize / pageSize) * pageSize
    : pageCount * pageSize;
  if (fileSize < sizeTold) throw fault(`it has ${fileSize} bytes of ${sizeTold}: it is cut off`);
  if (fileSize > sizeTold) throw fault(`it has ${fileSize - sizeTold} bytes beyond its end`);
  // Opening a database in WAL mode makes files beside it, and recent changes may be in such files.
  if (page[18] !== 1 || page[19] !== 1) {
    throw fault(
      "it keeps its changes in a write-ahead log",
      `Run: sqlite3 "${displayByteString(path)}" "PRAGMA journal_mode = DELETE"`,
    );
  }
  // 0 is that of a database without tables, which is told better than that it has no text.
  if (view.getUint32(56) > 1) throw fault("its text is not in UTF-8");
  // SQLite reads the whole schema on opening. A schema of more than one page does not occur, and a
  // forged one can make that take for ever.
  if (page[HEADER_SIZE] !== TABLE_LEAF || view.getUint16(HEADER_SIZE + 3) > SCHEMA_OBJECTS_MAX) {
    throw fault("its schema is not that of a flist");
  }
  return { fileSize, applicationId: view.getUint32(68), userVersion: view.getInt32(60) };
}

/** Whether the header is of a flist of the `myfs` profile, of whatever version. */
export function isMyfsHeader(header: SqliteHeader): boolean {
  return header.applicationId === MYFS_APPLICATION_ID;
}

function readStart(
  path: string,
  page: Uint8Array,
  fault: (reason: string) => FlistFormatError,
): { readonly fileSize: number; readonly length: number } {
  try {
    // Asked before opening, because opening a FIFO waits for a writer.
    const status = Deno.statSync(path);
    if (status.isDirectory) throw fault("it is a directory");
    if (!status.isFile) throw fault("it is not a regular file");
    using file = Deno.openSync(path);
    let length = 0;
    for (let more = 1; more > 0 && length < page.length; length += more) {
      more = file.readSync(page.subarray(length)) ?? 0;
    }
    return { fileSize: file.statSync().size, length };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new FlistNotFoundError(path, { cause: error });
    }
    throw fileError("read flist", path, error);
  }
}
