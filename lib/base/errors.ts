/**
 * The errors of myfs. Every failure that a caller may want to handle is a {@link MyfsError} with a
 * stable `code`; wrong arguments stay `TypeError` and `RangeError`, unparsable text stays
 * `SyntaxError`, and an abort rethrows its signal's reason.
 *
 * @module
 */

/** Stable names of failures: safe to compare in scripts, never reworded. */
export type MyfsErrorCode =
  | "block_not_found"
  | "block_corrupt"
  | "store_unavailable"
  | "store_denied"
  | "flist_not_found"
  | "flist_format"
  | "untrusted_route"
  | "untrusted_base"
  | "unsafe_path"
  | "path_not_found"
  | "registry_unavailable"
  | "registry_denied"
  | "image_not_found"
  | "image_format"
  | "archive_format"
  | "limit_exceeded"
  | "mount"
  | "system"
  | "unsupported"
  | "hub"
  | "partial_failure";

/** What every myfs error can carry besides its message. */
export interface MyfsErrorOptions {
  /** The error that led to this one. */
  readonly cause?: unknown;
  /** One sentence that says what the user can do. */
  readonly hint?: string;
}

/** Base of all errors that myfs throws on purpose. */
export class MyfsError extends Error {
  /** Stable name of the failure. */
  readonly code: MyfsErrorCode;
  /** One sentence that says what the user can do, where there is one. */
  readonly hint: string | undefined;

  /** Makes the error; `options` say what led to it and what to do. */
  constructor(code: MyfsErrorCode, message: string, options: MyfsErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.hint = options.hint;
  }
}

/** A store does not have a block. */
export class BlockNotFoundError extends MyfsError {
  /** Id of the block, lower-case hexadecimal. */
  readonly id: string;
  /** Makes the error; `options` say what led to it and what to do. */
  constructor(id: string, store: string, options: MyfsErrorOptions = {}) {
    super("block_not_found", `Block ${id} is not in ${store}`, options);
    this.id = id;
  }
}

/** The bytes that came for a block are not the block's. */
export class BlockCorruptError extends MyfsError {
  /** Id of the block, lower-case hexadecimal. */
  readonly id: string;
  /** What was found to be wrong. */
  readonly reason: string;
  /** Makes the error; `options` say what led to it and what to do. */
  constructor(id: string, reason: string, options: MyfsErrorOptions = {}) {
    super("block_corrupt", `Block ${id} is damaged: ${reason}`, options);
    this.id = id;
    this.reason = reason;
  }
}

/** A store could not be reached or could not do its work. */
export class StoreUnavailableError extends MyfsError {
  /** The store, as a URL without secrets. */
  readonly store: string;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;
  /** How long the store asks callers to wait before they try again, in milliseconds, if it does. */
  readonly retryAfterMs: number | undefined;
  /** Makes the error; `options` say what led to it and what to do. */
  constructor(
    store: string,
    message: string,
    options: MyfsErrorOptions & {
      readonly retryable?: boolean;
      readonly retryAfterMs?: number;
    } = {},
  ) {
    super("store_unavailable", message, options);
    this.store = store;
    this.retryable = options.retryable ?? false;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** A store refused the caller: credentials, permissions, or a store that is read only. */
export class StoreDeniedError extends MyfsError {
  /** The store, as a URL without secrets. */
  readonly store: string;
  /** Makes the error; `options` say what led to it and what to do. */
  constructor(store: string, message: string, options: MyfsErrorOptions = {}) {
    super("store_denied", message, options);
    this.store = store;
  }
}

/** A registry, or a daemon that has images, could not be reached or could not do its work. */
export class RegistryUnavailableError extends MyfsError {
  /** The registry's host. */
  readonly registry: string;
  /** Whether the same request may succeed later. */
  readonly retryable: boolean;
  /** How long it asks callers to wait before they try again, in milliseconds, if it does. */
  readonly retryAfterMs: number | undefined;
  /** Makes the error; `options` say what led to it and what to do. */
  constructor(
    registry: string,
    message: string,
    options: MyfsErrorOptions & {
      readonly retryable?: boolean;
      readonly retryAfterMs?: number;
    } = {},
  ) {
    super("registry_unavailable", message, options);
    this.registry = registry;
    this.retryable = options.retryable ?? false;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** A registry refused the caller, or it is one that may not be asked. */
export class RegistryDeniedError extends MyfsError {
  /** The registry's host. */
  readonly registry: string;
  /** Makes the error; `options` say what led to it and what to do. */
  constructor(registry: string, message: string, options: MyfsErrorOptions = {}) {
    super("registry_denied", message, options);
    this.registry = registry;
  }
}

/** There is no container image of that name, or a part of it is gone. */
export class ImageNotFoundError extends MyfsError {
  /** The image, as it was named. */
  readonly reference: string;
  /** Makes the error; `options` say what led to it and what to do. */
  constructor(reference: string, reason: string, options: MyfsErrorOptions = {}) {
    super("image_not_found", `Cannot find image ${reference}: ${reason}`, options);
    this.reference = reference;
  }
}

/** A container image is damaged, hostile, or of a kind that this version does not know. */
export class ImageFormatError extends MyfsError {
  /** The image, as it was named. */
  readonly reference: string;
  /** What was found to be wrong. */
  readonly reason: string;
  /** Makes the error; `options` say what led to it and what to do. */
  constructor(reference: string, reason: string, options: MyfsErrorOptions = {}) {
    super("image_format", `Cannot read image ${reference}: ${reason}`, options);
    this.reference = reference;
    this.reason = reason;
  }
}

/** There is no flist under the name given. */
export class FlistNotFoundError extends MyfsError {
  /** Path of the flist. */
  readonly path: string;
  /** Makes the error; `options` say what led to it and what to do. */
  constructor(path: string, options: MyfsErrorOptions = {}) {
    super("flist_not_found", `There is no flist at ${path}`, options);
    this.path = path;
  }
}

/** A file is not a flist, is damaged, hostile, or of a version that this myfs does not know. */
export class FlistFormatError extends MyfsError {
  /** Path of the flist. */
  readonly path: string;
  /** What was found to be wrong. */
  readonly reason: string;
  /** Makes the error; `options` say what led to it and what to do. */
  constructor(path: string, reason: string, options: MyfsErrorOptions = {}) {
    super("flist_format", `Cannot read flist ${path}: ${reason}`, options);
    this.path = path;
    this.reason = reason;
  }
}

/** A flist that is not known to be one's own names a store that touches this machine. */
export class UntrustedRouteError extends MyfsError {
  /** The route's URL without secrets. */
  readonly url: string;
  /** Makes the error; `options` say what led to it and what to do. */
  constructor(url: string, options: MyfsErrorOptions = {}) {
    super(
      "untrusted_route",
      `The flist asks to read blocks from ${url}, which is on this machine or its private network`,
      {
        hint: "If the flist is your own, pass --trust-routes, or name the store with --store.",
        ...options,
      },
    );
    this.url = url;
  }
}

/** A flist that is not known to be one's own was named as the base of a pack. */
export class UntrustedBaseError extends MyfsError {
  /** Path of the flist. */
  readonly path: string;
  /** Makes the error; `options` say what led to it and what to do. */
  constructor(path: string, options: MyfsErrorOptions = {}) {
    super(
      "untrusted_base",
      `Cannot build on ${path}: it was not made here, and what a base says about content is believed`,
      {
        hint: "If you trust whoever made it, pass --trust-base; else pack without --base.",
        ...options,
      },
    );
    this.path = path;
  }
}

/** A path would leave the tree it belongs to. */
export class UnsafePathError extends MyfsError {
  /** The path as it was given, escaped for display. */
  readonly path: string;
  /** Makes the error; `options` say what led to it and what to do. */
  constructor(path: string, reason: string, options: MyfsErrorOptions = {}) {
    super("unsafe_path", `Unsafe path ${path}: ${reason}`, options);
    this.path = path;
  }
}

/** A path does not exist inside an image. */
export class PathNotFoundError extends MyfsError {
  /** The path as it was given, escaped for display. */
  readonly path: string;
  /** Makes the error; `options` say what led to it and what to do. */
  constructor(path: string, where: string, options: MyfsErrorOptions = {}) {
    super("path_not_found", `There is no ${path} in ${where}`, options);
    this.path = path;
  }
}

/** An archive or a layer is damaged, ends early, or is of a form that this myfs does not know. */
export class ArchiveFormatError extends MyfsError {
  /** What the archive is called, escaped for display. */
  readonly archive: string;
  /** What was found to be wrong. */
  readonly reason: string;
  /** Makes the error; `options` say what led to it and what to do. */
  constructor(archive: string, reason: string, options: MyfsErrorOptions = {}) {
    super("archive_format", `Cannot read ${archive}: ${reason}`, options);
    this.archive = archive;
    this.reason = reason;
  }
}

/** Something is larger than the caller allows: a bound that keeps foreign data from doing harm. */
export class LimitExceededError extends MyfsError {
  /** Makes the error; `options` say what led to it and what to do. */
  constructor(message: string, options: MyfsErrorOptions = {}) {
    super("limit_exceeded", message, options);
  }
}

/** A file system could not be mounted. */
export class MountError extends MyfsError {
  /** The directory it was to be mounted on, escaped for display. */
  readonly target: string;
  /** Why not. */
  readonly reason: string;
  /** The POSIX name of what stood in the way, such as `EPERM`, where there is one. */
  readonly errno: string | undefined;
  /** Makes the error; `options` say what led to it and what to do. */
  constructor(
    target: string,
    reason: string,
    options: MyfsErrorOptions & { readonly errno?: string } = {},
  ) {
    super("mount", `Cannot mount on ${target}: ${reason}`, options);
    this.target = target;
    this.reason = reason;
    this.errno = options.errno;
  }
}

/** The operating system refused an operation. */
export class SystemError extends MyfsError {
  /** The operation that failed, such as `openat`. */
  readonly operation: string;
  /** What it was applied to, escaped for display. */
  readonly path: string;
  /** The error's POSIX name, such as `ENOSPC`. */
  readonly errno: string;
  /** Makes the error; `options` say what led to it and what to do. */
  constructor(operation: string, path: string, errno: string, message: string, hint?: string) {
    super(
      "system",
      `Cannot ${operation} ${path}: ${message} (${errno})`,
      hint === undefined ? {} : { hint },
    );
    this.operation = operation;
    this.path = path;
    this.errno = errno;
  }
}

/** What was asked for cannot be done on this system or with this kind of store or flist. */
export class UnsupportedError extends MyfsError {
  /** Makes the error; `options` say what led to it and what to do. */
  constructor(message: string, options: MyfsErrorOptions = {}) {
    super("unsupported", message, options);
  }
}

/** A hub refused a request for a reason that no other error names. */
export class HubError extends MyfsError {
  /** The hub, as people write it. */
  readonly hub: string;
  /** HTTP status of its answer. */
  readonly status: number;
  /** The hub's stable name of the problem, where it gave one. */
  readonly problem: string | undefined;
  /** Makes the error; `options` say what the hub answered and what to do. */
  constructor(
    hub: string,
    message: string,
    options: MyfsErrorOptions & { readonly status: number; readonly problem?: string | undefined },
  ) {
    super("hub", message, options);
    this.hub = hub;
    this.status = options.status;
    this.problem = options.problem;
  }
}

/** One thing that could not be done while the rest went on. */
export interface Failure {
  /** Path inside the tree, escaped for display. */
  readonly path: string;
  /** What was not done and why, as one sentence without a final period. */
  readonly reason: string;
  /** The failure's stable code. */
  readonly code: string;
}

/** Some parts of a task failed; the others were done. */
export class PartialFailureError extends MyfsError {
  /** What failed. */
  readonly failures: readonly Failure[];
  /** Makes the error; `options` say what led to it and what to do. */
  constructor(message: string, failures: readonly Failure[], options: MyfsErrorOptions = {}) {
    super("partial_failure", message, options);
    this.failures = failures;
  }
}

/** The class of each code: what an error is that lost its class on the way between threads. */
export const ERROR_CLASSES: Readonly<Record<MyfsErrorCode, { readonly prototype: MyfsError }>> = {
  block_not_found: BlockNotFoundError,
  block_corrupt: BlockCorruptError,
  store_unavailable: StoreUnavailableError,
  store_denied: StoreDeniedError,
  flist_not_found: FlistNotFoundError,
  flist_format: FlistFormatError,
  untrusted_route: UntrustedRouteError,
  untrusted_base: UntrustedBaseError,
  unsafe_path: UnsafePathError,
  path_not_found: PathNotFoundError,
  registry_unavailable: RegistryUnavailableError,
  registry_denied: RegistryDeniedError,
  image_not_found: ImageNotFoundError,
  image_format: ImageFormatError,
  archive_format: ArchiveFormatError,
  limit_exceeded: LimitExceededError,
  mount: MountError,
  system: SystemError,
  unsupported: UnsupportedError,
  hub: HubError,
  partial_failure: PartialFailureError,
};

/** Turns anything thrown into a {@link Failure} that belongs to `path`. */
export function toFailure(path: string, error: unknown): Failure {
  if (error instanceof MyfsError) return { path, reason: error.message, code: error.code };
  return { path, reason: error instanceof Error ? error.message : String(error), code: "unknown" };
}
