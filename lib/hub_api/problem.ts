/**
 * What can go wrong at a hub, by stable codes that both ends share.
 *
 * @module
 */

/** The codes with the status that each comes with. */
const STATUSES = {
  /** The request cannot be read: JSON, parameters, frames. */
  bad_request: 400,
  /** A digest in the URL or the body is not 64 lower-case hexadecimal digits. */
  bad_digest: 400,
  /** There is no token, and it takes one. */
  token_missing: 401,
  /** The token is not one of this hub's, or is no longer good. */
  token_invalid: 401,
  /** The token was good once. */
  token_expired: 401,
  /** User or password are wrong, or the user is disabled: which, is not said. */
  sign_in_failed: 401,
  /** The caller may not do this. */
  forbidden: 403,
  /** The token lacks the scope that this takes. */
  scope_missing: 403,
  /** There is none, or the caller may not know of it. */
  not_found: 404,
  block_not_found: 404,
  file_not_found: 404,
  flist_not_found: 404,
  job_not_found: 404,
  upload_not_found: 404,
  user_not_found: 404,
  method_not_allowed: 405,
  request_timeout: 408,
  /** There is one by that name. */
  conflict: 409,
  /** The job has ended, or was ended, and does not go on. */
  job_ended: 409,
  /** An upload is committed before all its parts are there. */
  upload_incomplete: 409,
  /** `If-Match` or `If-None-Match` does not hold. */
  precondition_failed: 412,
  /** The body is larger than it may be. */
  too_large: 413,
  unsupported_media_type: 415,
  range_not_satisfiable: 416,
  /** What came does not have the digest that was claimed for it. */
  digest_mismatch: 422,
  /** What came as a flist is none, or is hostile. */
  flist_invalid: 422,
  /** Values that are each well formed do not go together. */
  unprocessable: 422,
  /** The name of an image cannot be read, or is no image in a registry. */
  image_invalid: 422,
  /** The job needs credentials for the registry, and the hub keeps none. */
  credentials_missing: 422,
  /** The hub may not read from that registry. */
  registry_forbidden: 403,
  too_many_requests: 429,
  /** Path, query and headers together are larger than they may be. */
  header_too_large: 431,
  internal: 500,
  /** A conversion did not succeed: rfs's clients know it by the status. */
  job_failed: 500,
  not_implemented: 501,
  /** The hub's store or database is away. */
  unavailable: 503,
  /** The user's quota has no room for it. */
  quota_exceeded: 507,
  /** The hub's disk is full. */
  storage_full: 507,
} as const;

/** Stable name of a problem: safe to compare in scripts, never reworded. */
export type HubProblemCode = keyof typeof STATUSES;

/** All codes. */
export const HUB_PROBLEM_CODES: readonly HubProblemCode[] = Object.keys(
  STATUSES,
) as HubProblemCode[];

/** The status that a problem is answered with. */
export function hubProblemStatus(code: HubProblemCode): number {
  return STATUSES[code];
}

/** Media type of a problem. */
export const PROBLEM_MEDIA_TYPE = "application/problem+json";

/** Thrown inside a hub for what is answered as a problem. Nothing in it may be a secret. */
export class HubProblem extends Error {
  /** Name of the class. */
  override readonly name = "HubProblem";
  /** HTTP status. */
  readonly status: number;
  /** Stable name. */
  readonly code: HubProblemCode;
  /** The problem in a few words. */
  readonly title: string;
  /** What is known about this case. */
  readonly detail: string | undefined;
  /** How long to wait before another attempt, in seconds. */
  readonly retryAfterSeconds: number | undefined;

  /** Makes the problem; `cause` is for the hub's log alone. */
  constructor(
    status: number,
    code: HubProblemCode,
    title: string,
    detail?: string,
    options: { readonly cause?: unknown; readonly retryAfterSeconds?: number } = {},
  ) {
    super(
      detail === undefined ? title : `${title}: ${detail}`,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.status = status;
    this.code = code;
    this.title = title;
    this.detail = detail;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}
