/**
 * What the operating system's refusals mean for a store on a local disk.
 *
 * @module
 */

import { MyfsError, StoreDeniedError, StoreUnavailableError } from "../base/errors.ts";

/** How one errno is told to the user. */
interface Meaning {
  readonly reason: string;
  readonly hint: string;
  readonly denied?: boolean;
  readonly retryable?: boolean;
}

const CHECK_PERMISSIONS = "Check the owner and the permissions of the directory.";
const FREE_SPACE = "Free some space or name another store; what was stored so far stays usable.";
const CHECK_DISK = "Check the disk and the system's log.";

const MEANINGS: ReadonlyMap<string, Meaning> = new Map(Object.entries({
  ENOENT: {
    reason: "the directory does not exist",
    hint: "Create the directory, or check that its file system is mounted.",
  },
  ENOTDIR: {
    reason: "a part of the path is not a directory",
    hint: "Name a directory, or move away what stands in its place.",
  },
  EISDIR: {
    reason: "a directory stands where the file of the block belongs",
    hint: "Move that directory away; a store keeps its blocks in plain files.",
  },
  EACCES: { reason: "permission denied", hint: CHECK_PERMISSIONS, denied: true },
  EPERM: { reason: "operation not permitted", hint: CHECK_PERMISSIONS, denied: true },
  EROFS: {
    reason: "the file system is read only",
    hint: "Name a store on a file system that can be written.",
    denied: true,
  },
  ENOSPC: { reason: "no space left on the device", hint: FREE_SPACE },
  EDQUOT: { reason: "the disk quota is used up", hint: FREE_SPACE },
  EIO: { reason: "the device reported an input/output error", hint: CHECK_DISK },
  EMFILE: {
    reason: "too many open files in this process",
    hint: "Raise the limit with ulimit -n, or use fewer jobs.",
    retryable: true,
  },
  ENFILE: {
    reason: "too many open files on this system",
    hint: "Close other programs, or use fewer jobs.",
    retryable: true,
  },
  ESTALE: { reason: "the network file handle is stale", hint: CHECK_DISK, retryable: true },
  ETIMEDOUT: { reason: "the file system did not answer", hint: CHECK_DISK, retryable: true },
}));

/**
 * The store error for what a file operation threw: {@link StoreDeniedError} where permissions stand
 * in the way, {@link StoreUnavailableError} otherwise. What did not come from the system (wrong
 * arguments, myfs's own errors) comes back as it is.
 *
 * @param url The store, without secrets.
 * @param task What could not be done, to follow "Cannot".
 */
export function localFault(url: string, task: string, error: unknown): unknown {
  if (error instanceof MyfsError || !(error instanceof Error)) return error;
  if (error instanceof Deno.errors.NotCapable) {
    return new StoreDeniedError(url, `Cannot ${task}: ${error.message}`, { cause: error });
  }
  const errno = "code" in error && typeof error.code === "string" ? error.code : undefined;
  if (errno === undefined || error instanceof TypeError) return error;
  const meaning = MEANINGS.get(errno);
  // The runtime's message goes on with the operation and its path after the first colon.
  const reason = meaning?.reason ?? error.message.split(/ \(os error|: /, 1)[0]!;
  const message = `Cannot ${task}: ${reason} (${errno})`;
  const options = { cause: error, hint: meaning?.hint ?? CHECK_DISK };
  return meaning?.denied === true
    ? new StoreDeniedError(url, message, options)
    : new StoreUnavailableError(url, message, {
      ...options,
      retryable: meaning?.retryable ?? false,
    });
}
