/**
 * Every request of the protocol in one table: its name, the least that it must hold, and who answers
 * it.
 *
 * @module
 */

import { ENOSYS, ENOTTY, EROFS } from "../linux/errno.ts";
import {
  ACCESS_IN,
  BATCH_FORGET_IN,
  FLUSH_IN,
  FORGET_IN,
  GETATTR_IN,
  GETXATTR_IN,
  INIT_IN,
  INTERRUPT_IN,
  LSEEK_IN,
  OPEN_IN,
  READ_IN,
  RELEASE_IN,
  STATX_IN,
} from "./wire_structs.ts";

/** The dispatcher's methods, by the request they answer. */
export type HandlerName =
  | "lookup"
  | "forget"
  | "batchForget"
  | "getAttributes"
  | "statx"
  | "readLink"
  | "open"
  | "openDirectory"
  | "read"
  | "release"
  | "releaseDirectory"
  | "flush"
  | "statFileSystem"
  | "readDirectory"
  | "readDirectoryPlus"
  | "getXattr"
  | "listXattr"
  | "access"
  | "seek"
  | "interrupt"
  | "init"
  | "destroy";

/** How one kind of request is answered. */
export interface Opcode {
  /** The header's name for it, without `FUSE_`. */
  readonly name: string;
  /** Least bytes after the header. A longer request is fine: later versions add fields. */
  readonly inputSize: number;
  /** Whether a name that ends with NUL follows the input. */
  readonly hasName?: boolean;
  /** The method that answers; without one, the request is answered with `error`. */
  readonly handler?: HandlerName;
  /** The error that it is always answered with. */
  readonly error?: number;
  /** Whether the kernel expects no answer. */
  readonly isOneWay?: boolean;
}

const answered = (
  name: string,
  inputSize: number,
  handler: HandlerName,
  more: Pick<Opcode, "hasName" | "isOneWay"> = {},
): Opcode => ({ name, inputSize, handler, ...more });

/** What would change something. The kernel asks none of it while the mount is read only. */
const refused = (name: string): Opcode => ({ name, inputSize: 0, error: EROFS });

/** What the kernel does without: it takes ENOSYS as "never ask again" and does the usual thing. */
const unknown = (name: string): Opcode => ({ name, inputSize: 0, error: ENOSYS });

/** All requests by number. */
export const OPCODES: Readonly<Record<number, Opcode>> = {
  1: answered("LOOKUP", 0, "lookup", { hasName: true }),
  2: answered("FORGET", FORGET_IN.size, "forget", { isOneWay: true }),
  3: answered("GETATTR", GETATTR_IN.size, "getAttributes"),
  4: refused("SETATTR"),
  5: answered("READLINK", 0, "readLink"),
  6: refused("SYMLINK"),
  8: refused("MKNOD"),
  9: refused("MKDIR"),
  10: refused("UNLINK"),
  11: refused("RMDIR"),
  12: refused("RENAME"),
  13: refused("LINK"),
  14: answered("OPEN", OPEN_IN.size, "open"),
  15: answered("READ", READ_IN.size, "read"),
  16: refused("WRITE"),
  17: answered("STATFS", 0, "statFileSystem"),
  18: answered("RELEASE", RELEASE_IN.size, "release"),
  20: unknown("FSYNC"),
  21: refused("SETXATTR"),
  22: answered("GETXATTR", GETXATTR_IN.size, "getXattr", { hasName: true }),
  23: answered("LISTXATTR", GETXATTR_IN.size, "listXattr"),
  24: refused("REMOVEXATTR"),
  25: answered("FLUSH", FLUSH_IN.size, "flush"),
  26: answered("INIT", INIT_IN.at.flags2, "init"),
  27: answered("OPENDIR", OPEN_IN.size, "openDirectory"),
  28: answered("READDIR", READ_IN.size, "readDirectory"),
  29: answered("RELEASEDIR", RELEASE_IN.size, "releaseDirectory"),
  30: unknown("FSYNCDIR"),
  31: unknown("GETLK"),
  32: unknown("SETLK"),
  33: unknown("SETLKW"),
  34: answered("ACCESS", ACCESS_IN.size, "access"),
  35: refused("CREATE"),
  36: answered("INTERRUPT", INTERRUPT_IN.size, "interrupt", { isOneWay: true }),
  37: unknown("BMAP"),
  38: answered("DESTROY", 0, "destroy"),
  // ENOSYS would reach the program that asked; no such function is what it knows how to take.
  39: { name: "IOCTL", inputSize: 0, error: ENOTTY },
  40: unknown("POLL"),
  41: { name: "NOTIFY_REPLY", inputSize: 0, isOneWay: true, error: 0 },
  42: answered("BATCH_FORGET", BATCH_FORGET_IN.size, "batchForget", { isOneWay: true }),
  43: refused("FALLOCATE"),
  44: answered("READDIRPLUS", READ_IN.size, "readDirectoryPlus"),
  45: refused("RENAME2"),
  46: answered("LSEEK", LSEEK_IN.size, "seek"),
  47: refused("COPY_FILE_RANGE"),
  48: unknown("SETUPMAPPING"),
  49: unknown("REMOVEMAPPING"),
  50: unknown("SYNCFS"),
  51: refused("TMPFILE"),
  52: answered("STATX", STATX_IN.size, "statx"),
  53: refused("COPY_FILE_RANGE_64"),
};

/** Larger than every known number: the length of tables that are indexed by it. */
export const OPCODE_LIMIT = 64;

/** The request's number by its name. */
export const OPCODE_NUMBERS: ReadonlyMap<string, number> = new Map(
  Object.entries(OPCODES).map(([number, { name }]) => [name, Number(number)]),
);

/** What is said of a request that is not in the table. */
export const UNKNOWN_OPCODE: Opcode = unknown("unknown");
