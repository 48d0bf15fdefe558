/**
 * Several stores that failed at one task, told as one error.
 *
 * @module
 */

import {
  BlockCorruptError,
  BlockNotFoundError,
  MyfsError,
  StoreDeniedError,
  StoreUnavailableError,
} from "../base/errors.ts";

/** One store that failed. */
export interface StoreFailure {
  /** The store, as a URL without secrets. */
  readonly url: string;
  /** What it threw. */
  readonly error: unknown;
}

/**
 * One error for all `failures`, at least one, that says what each store said. The class is that of
 * the failure which leaves most open: as long as one store could not be asked, a block is not known
 * to be missing; and a damaged copy is worse news than none.
 *
 * @param task What could not be done, to follow "Cannot", such as `read block 12ab…`.
 */
export function combineFailures(task: string, failures: readonly StoreFailure[]): unknown {
  if (failures.length === 1) return failures[0]!.error;
  const errors = failures.map((failure) => failure.error);
  const stores = failures.map((failure) => failure.url).join(", ");
  const details = failures.map(describe).join("; ");
  const hint = errors.find((error) => error instanceof MyfsError && error.hint !== undefined);
  const options = {
    cause: new AggregateError(errors, `${failures.length} stores failed`),
    ...(hint instanceof MyfsError && hint.hint !== undefined ? { hint: hint.hint } : {}),
  };

  const missing = errors.filter((error) => error instanceof BlockNotFoundError);
  if (missing.length === errors.length) {
    return new BlockNotFoundError(missing[0]!.id, stores, options);
  }
  const corrupt = errors.filter((error) => error instanceof BlockCorruptError);
  if (corrupt.length > 0 && corrupt.length + missing.length === errors.length) {
    return new BlockCorruptError(corrupt[0]!.id, details, options);
  }
  const denied = errors.filter((error) => error instanceof StoreDeniedError);
  if (denied.length + corrupt.length + missing.length === errors.length) {
    return new StoreDeniedError(stores, `Cannot ${task}: ${details}`, options);
  }
  return new StoreUnavailableError(stores, `Cannot ${task}: ${details}`, {
    ...options,
    retryable: errors.some((error) => error instanceof StoreUnavailableError && error.retryable),
  });
}

/** What a store said, with its name in front where the message does not have it. */
function describe(failure: StoreFailure): string {
  const message = failure.error instanceof Error ? failure.error.message : String(failure.error);
  return message.includes(failure.url) ? message : `${failure.url}: ${message}`;
}
