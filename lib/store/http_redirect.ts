/**
 * Redirects of web servers: which are followed, and where they may lead.
 *
 * @module
 */

/** A redirect that is not followed. */
export class HttpRedirectError extends Error {
  /** Name of the class. */
  override readonly name = "HttpRedirectError";
  /** What the user can do. */
  readonly hint: string;

  /** Makes the error; `message` says why, to follow a colon. */
  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

/** What was answered. */
export interface RedirectingAnswer {
  readonly status: number;
  /** Values by lower-case name. */
  readonly headers: ReadonlyMap<string, string>;
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Redirects that are followed, one after the other. */
const REDIRECTS_MAX = 5;

/**
 * Where an answer redirects to, without credentials that stand in it; undefined where it does not.
 *
 * @param from What was asked for, and how.
 * @param count How many redirects led there.
 * @throws {HttpRedirectError} when it leads where it may not, or to too many others.
 */
export function redirectTarget(
  { status, headers }: RedirectingAnswer,
  from: { readonly url: URL; readonly method: string },
  count: number,
): URL | undefined {
  const location = headers.get("location");
  if (!REDIRECTS.has(status) || location === undefined) return undefined;
  const { url, method } = from;
  if (count === REDIRECTS_MAX) {
    throw new HttpRedirectError(
      "the server redirects in a circle, or too often",
      "Look at the server's settings.",
    );
  }
  const to = URL.parse(location, url);
  if (to === null || (to.protocol !== "http:" && to.protocol !== "https:")) {
    throw new HttpRedirectError(
      "the server redirects to what is no web address",
      "Look at the server's settings.",
    );
  }
  to.username = to.password = to.hash = "";
  if (method === "POST" || method === "PUT") {
    throw new HttpRedirectError(
      `the server redirects to ${to.origin}, and what is written is not sent elsewhere`,
      "Name the URL that it redirects to.",
    );
  }
  if (url.protocol === "https:" && to.protocol === "http:") {
    throw new HttpRedirectError(
      `the server redirects from https to http, at ${to.origin}`,
      "Have the server redirect to https, or name the http URL if you trust the network.",
    );
  }
  return to;
}
