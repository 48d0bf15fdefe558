/**
 * Linux error numbers by name, and failed calls as typed errors.
 *
 * @module
 */

import { displayByteString } from "../base/byte_string.ts";
import { SystemError } from "../base/errors.ts";
import { errno } from "./libc.ts";

/** Number, name and meaning of the errors that file system calls give (errno(3), asm-generic). */
const ERRORS: readonly (readonly [number, string, string])[] = [
  [1, "EPERM", "the operation is not permitted"],
  [2, "ENOENT", "it does not exist"],
  [4, "EINTR", "the call was interrupted"],
  [5, "EIO", "the device reported an input/output error"],
  [6, "ENXIO", "there is no such device or address"],
  [7, "E2BIG", "it is too large"],
  [9, "EBADF", "the file descriptor is not open"],
  [11, "EAGAIN", "it is not ready yet"],
  [12, "ENOMEM", "there is not enough memory"],
  [13, "EACCES", "permission is denied"],
  [16, "EBUSY", "it is in use"],
  [17, "EEXIST", "it exists already"],
  [18, "EXDEV", "it lies on another file system"],
  [19, "ENODEV", "there is no such device"],
  [20, "ENOTDIR", "it is not a directory"],
  [21, "EISDIR", "it is a directory"],
  [22, "EINVAL", "the file system does not accept it"],
  [23, "ENFILE", "the system has too many open files"],
  [24, "EMFILE", "this process has too many open files"],
  [25, "ENOTTY", "it does not have this control function"],
  [26, "ETXTBSY", "it is a program that is running"],
  [27, "EFBIG", "it is too large for the file system"],
  [28, "ENOSPC", "the disk is full"],
  [30, "EROFS", "the file system is read only"],
  [31, "EMLINK", "it has too many links"],
  [34, "ERANGE", "the buffer is too small"],
  [36, "ENAMETOOLONG", "the name is too long for the file system"],
  [38, "ENOSYS", "the system does not have this call"],
  [39, "ENOTEMPTY", "the directory is not empty"],
  [40, "ELOOP", "it is a symbolic link, or there are too many of them"],
  [61, "ENODATA", "there is no such attribute"],
  [71, "EPROTO", "the other side does not keep to the protocol"],
  [75, "EOVERFLOW", "a value is too large"],
  [95, "EOPNOTSUPP", "the file system does not support it"],
  [103, "ECONNABORTED", "the connection was aborted"],
  [107, "ENOTCONN", "nothing answers for the file system any more"],
  [116, "ESTALE", "the file handle is stale"],
  [122, "EDQUOT", "the disk quota is used up"],
];

const BY_NUMBER = new Map(ERRORS.map(([number, name, meaning]) => [number, { name, meaning }]));
const BY_NAME = new Map(ERRORS.map(([number, name]) => [name, number]));

/** Number of the error called `name`, such as `"ENOENT"`. */
export function errnoOf(name: string): number {
  const number = BY_NAME.get(name);
  if (number === undefined) throw new RangeError(`Unknown error name ${name}`);
  return number;
}

/** The errors that callers branch on. */
export const ENOENT = errnoOf("ENOENT");
export const EINTR = errnoOf("EINTR");
export const EPERM = errnoOf("EPERM");
export const EACCES = errnoOf("EACCES");
export const EEXIST = errnoOf("EEXIST");
export const ENOTDIR = errnoOf("ENOTDIR");
export const ENODATA = errnoOf("ENODATA");
export const EOPNOTSUPP = errnoOf("EOPNOTSUPP");
export const ELOOP = errnoOf("ELOOP");
export const ENOTEMPTY = errnoOf("ENOTEMPTY");
export const EISDIR = errnoOf("EISDIR");
export const EINVAL = errnoOf("EINVAL");
export const ENOSYS = errnoOf("ENOSYS");
export const ENOSPC = errnoOf("ENOSPC");
export const EDQUOT = errnoOf("EDQUOT");
export const EIO = errnoOf("EIO");
export const ENXIO = errnoOf("ENXIO");
export const E2BIG = errnoOf("E2BIG");
export const EAGAIN = errnoOf("EAGAIN");
export const EBUSY = errnoOf("EBUSY");
export const ENODEV = errnoOf("ENODEV");
export const ENOTTY = errnoOf("ENOTTY");
export const EROFS = errnoOf("EROFS");
export const ERANGE = errnoOf("ERANGE");
export const EPROTO = errnoOf("EPROTO");
export const ECONNABORTED = errnoOf("ECONNABORTED");
export const ENOTCONN = errnoOf("ENOTCONN");
export const ESTALE = errnoOf("ESTALE");

/** Name of the error with this number, such as `"ENOENT"`; `"errno 999"` where it has none here. */
export function errnoName(number: number): string {
  return BY_NUMBER.get(number)?.name ?? `errno ${number}`;
}

const HINTS: Readonly<Record<string, string>> = {
  ENOSPC: "Free some space or choose another disk, then run the command again.",
  EDQUOT: "Free some space or raise the quota, then run the command again.",
  EMFILE: "Raise the limit of open files (ulimit -n).",
  EROFS: "Choose a place that can be written.",
};

/**
 * The error of the call that just failed on this thread.
 *
 * @param operation What was tried, as a verb: `open`, `read the attributes of`.
 * @param path What it was tried on, a byte string.
 */
export function systemError(operation: string, path: string, number = errno()): SystemError {
  const known = BY_NUMBER.get(number);
  const name = errnoName(number);
  return new SystemError(
    operation,
    displayByteString(path),
    name,
    known?.meaning ?? "the system refused",
    HINTS[name],
  );
}

/** A failed call of Deno's own as the same kind of error, so that callers have one to handle. */
export function asSystemError(operation: string, path: string, error: unknown): unknown {
  const name = error instanceof Error && "code" in error ? error.code : undefined;
  const number = typeof name === "string" ? BY_NAME.get(name) : undefined;
  return number === undefined ? error : systemError(operation, path, number);
}
