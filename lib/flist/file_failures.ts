/**
 * Errors of files and of SQLite as myfs errors.
 *
 * @module
 */

import { displayByteString } from "../base/byte_string.ts";
import { MyfsError, SystemError } from "../base/errors.ts";

/** What SQLite's result codes mean in POSIX's words (https://sqlite.org/rescode.html). */
const ERRNO_BY_MESSAGE: readonly (readonly [text: string, errno: string])[] = [
  ["disk is full", "ENOSPC"],
  ["disk I/O error", "EIO"],
  ["readonly database", "EROFS"],
  ["unable to open database", "EACCES"],
  ["out of memory", "ENOMEM"],
];

/**
 * The error for a file operation that failed: a {@link SystemError} where the operating system
 * refused it, else `error` itself.
 */
export function fileError(operation: string, path: string, error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof MyfsError) return error;
  const code = (error as Error & { readonly code?: unknown }).code;
  if (typeof code !== "string" || !/^E[A-Z0-9]+$/.test(code)) return error;
  // "No such file or directory (os error 2): open '/x'": only the first part says something new.
  const reason = error.message.replace(/ \(os error \d+\).*$/s, "");
  return new SystemError(operation, displayByteString(path), code, lowerFirst(reason));
}

/** The error for SQLite failing to write, by the same rule as {@link fileError}. */
export function sqliteWriteError(path: string, error: unknown): unknown {
  if (!isSqliteError(error)) return error;
  const known = ERRNO_BY_MESSAGE.find(([text]) => error.message.includes(text));
  if (known === undefined) return error;
  return new SystemError("write flist", displayByteString(path), known[1], error.message);
}

/** Whether SQLite, or its binding, refused what it was asked. */
export function isSqliteError(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  const code = (error as Error & { readonly code?: unknown }).code;
  // A number that JavaScript cannot hold is reported as ERR_OUT_OF_RANGE.
  return code === "ERR_SQLITE_ERROR" || code === "ERR_OUT_OF_RANGE";
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}
