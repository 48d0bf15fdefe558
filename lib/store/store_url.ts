/**
 * How stores are named: URLs, optionally limited to a range of block ids, and what of a URL may be
 * shown or kept.
 *
 * A URL may hold secrets in two places: in front of the host (`s3://key:secret@host`) and in query
 * parameters (`hub://host?token=…`). The functions here edit the text and leave the rest of it as it
 * was written, because some shapes do not survive a URL parser, such as
 * `server://http://host:port?token=…`.
 *
 * @module
 */

import { formatRange, FULL_RANGE, type PrefixRange } from "./prefix_range.ts";

/** A store and the blocks that it is for. */
export interface StoreSpec extends PrefixRange {
  /** Where the store is; may hold secrets. */
  readonly url: string;
}

/** What stands in the place of a secret. */
const REDACTED = "***";

const rangePattern = /^([0-9a-f]{2})-([0-9a-f]{2})=(.*)$/is;
const schemePattern = /^[a-z][a-z0-9+.-]*:\/\//i;

/** Scheme, authority, path, query and fragment, in this order; the last two may be missing. */
const urlPattern = /^([a-z][a-z0-9+.-]*:\/\/)([^/?#]*)([^?#]*)(\?[^#]*)?(#.*)?$/is;

// deno-lint-ignore no-control-regex -- URL parsers drop control characters, so two may disagree
const controlPattern = /[\u0000-\u001f\u007f]/;

/**
 * Reads a store as the command line names it: a URL, or a URL for the block ids from one first byte
 * to another, inclusive, such as `00-7f=dir:///srv/blocks`.
 *
 * @throws {SyntaxError} when `text` is neither; the message shows no secret.
 */
export function parseStoreSpec(text: string): StoreSpec {
  const match = rangePattern.exec(text);
  const url = match?.[3] ?? text;
  const start = match === null ? FULL_RANGE.start : Number.parseInt(match[1]!, 16);
  const end = match === null ? FULL_RANGE.end : Number.parseInt(match[2]!, 16);
  const refuse = (reason: string): SyntaxError =>
    new SyntaxError(`Cannot read ${redactUrl(text)} as a store: ${reason}`);

  if (start > end) throw refuse("the range ends before it starts");
  if (controlPattern.test(url) || url !== url.trim()) {
    throw refuse("it has white space around it or control characters in it");
  }
  if (!schemePattern.test(url)) {
    throw refuse(
      url.startsWith("/")
        ? `it is a path; as a store it is written dir://${redactUrl(url)}`
        : "it is not a URL such as dir:///absolute/path, or aa-bb= and a URL",
    );
  }
  if (!URL.canParse(url)) throw refuse("it is not a valid URL");
  return { start, end, url };
}

/** The text that {@link parseStoreSpec} reads as `spec`; without a range where it has every id. */
export function formatStoreSpec(spec: StoreSpec): string {
  const full = spec.start === FULL_RANGE.start && spec.end === FULL_RANGE.end;
  return full ? spec.url : `${formatRange(spec)}=${spec.url}`;
}

/**
 * `url` for people to read: every secret replaced by `***`. For display only, and for any text: of
 * what does not parse as a URL it hides rather too much.
 */
export function redactUrl(url: string): string {
  const range = rangePattern.exec(url);
  if (range !== null) return url.slice(0, url.length - range[3]!.length) + redactUrl(range[3]!);
  const match = urlPattern.exec(url);
  if (match === null) return redactUnstructured(url);

  const [, scheme, authority, path, query, fragment] = match;
  const rest = path! + (query ?? "") + (fragment ?? "");
  if (isNested(authority!, path!)) return scheme! + redactUrl(authority! + rest);
  if (mayHideUser(url, authority!, rest)) return scheme! + redactUnstructured(authority! + rest);
  const at = authority!.lastIndexOf("@");
  const shown = at < 0 ? authority! : redactUser(scheme!, authority!.slice(0, at)) +
    authority!.slice(at);
  return scheme! + shown + path! + redactParameters(query) + redactParameters(fragment);
}

/**
 * `url` as it may stand in a flist that others read: without user, password and secret query
 * parameters. Of an S3 URL that takes away the access key id too. What is left still says where the
 * store is; a reader brings credentials of their own.
 */
export function stripSecrets(url: string): string {
  const match = urlPattern.exec(url);
  if (match === null) return redactUnstructured(url);
  const [, scheme, authority, path, query, fragment] = match;
  const rest = path! + (query ?? "") + (fragment ?? "");
  if (isNested(authority!, path!)) return scheme! + stripSecrets(authority! + rest);
  // In the path of a web server an @ is common, and nothing special.
  const web = /^https?:/i.test(scheme!) && URL.canParse(url);
  if (!web && mayHideUser(url, authority!, rest)) {
    return stripSecrets(scheme! + rest.slice(rest.lastIndexOf("@") + 1));
  }
  const host = authority!.slice(authority!.lastIndexOf("@") + 1);
  return scheme! + host + path! + stripParameters(query) + stripParameters(fragment);
}

/** Whether what follows a scheme is a URL itself, as in `server://http://host`. */
function isNested(authority: string, path: string): boolean {
  return path.startsWith("//") && /^[a-z][a-z0-9+.-]*:$/i.test(authority);
}

/**
 * Whether a user and password may stand further back than they should: a slash, question mark or
 * number sign that is not percent-encoded ends the authority in the midst of a password.
 */
function mayHideUser(url: string, authority: string, rest: string): boolean {
  return !authority.includes("@") && rest.includes("@") &&
    (authority.includes(":") || !URL.canParse(url));
}

/** Hides everything in front of the last `@`, and secret parameters behind it. */
function redactUnstructured(text: string): string {
  const at = text.lastIndexOf("@");
  const shown = at < 0 ? text : REDACTED + text.slice(at);
  const query = shown.indexOf("?");
  return query < 0 ? shown : shown.slice(0, query) + redactParameters(shown.slice(query));
}

/** A user name may be shown when a password follows; alone it may be a token. */
function redactUser(scheme: string, user: string): string {
  const colon = user.indexOf(":");
  const named = colon > 0 && !scheme.toLowerCase().startsWith("s3");
  return named ? `${user.slice(0, colon)}:${REDACTED}` : REDACTED;
}

function redactParameters(query: string | undefined): string {
  if (query === undefined) return "";
  return query[0]! + query.slice(1).split("&").map((parameter) => {
    const equals = parameter.indexOf("=");
    return isSecret(parameter) ? `${parameter.slice(0, equals)}=${REDACTED}` : parameter;
  }).join("&");
}

function stripParameters(query: string | undefined): string {
  if (query === undefined) return "";
  const kept = query.slice(1).split("&").filter((parameter) => !isSecret(parameter));
  return kept.length === 0 ? "" : query[0]! + kept.join("&");
}

/** Words that, alone or as part of a parameter's name, say that its value is secret. */
const secretWord =
  /(^|[^a-z])(token|secret|password|passwd|passphrase|pass|pwd|key|apikey|accesskey|secretkey|signature|sig|credentials?|auth|authorization|bearer|jwt)([^a-z]|$)/;

/** Whether a query parameter such as `access_token=…` or `X-Amz-Signature=…` holds a secret. */
function isSecret(parameter: string): boolean {
  const equals = parameter.indexOf("=");
  if (equals < 0) return false;
  let name = parameter.slice(0, equals);
  try {
    name = decodeURIComponent(name);
  } catch {
    // Not percent-encoded text: judged as it stands.
  }
  return secretWord.test(name.replace(/([a-z])([A-Z])/g, "$1-$2").toLowerCase());
}
