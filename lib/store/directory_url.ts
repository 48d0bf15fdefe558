/**
 * URLs of directory stores: `dir:///absolute/path`.
 *
 * @module
 */

import { redactUrl } from "./store_url.ts";

/**
 * The URL of the directory at an absolute path. Characters that mean something in a URL are
 * percent-encoded.
 */
export function directoryUrl(path: string): string {
  return `dir://${encodeURI(path).replace(/[?#]/g, encodeURIComponent)}`;
}

/**
 * The absolute path that a directory URL names.
 *
 * A relative path is refused: `dir://tmp/blocks`, a slash short of what was meant, would silently
 * become a folder of the working directory, and as a route of a flist would mean another place for
 * each reader.
 *
 * @throws {SyntaxError} when it is not `dir:///absolute/path`.
 */
export function directoryPath(url: string): string {
  const refuse = (reason: string): SyntaxError =>
    new SyntaxError(
      `Cannot read ${redactUrl(url)} as a directory store: ${reason}; write dir:///absolute/path`,
    );
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw refuse("it is not a URL");
  }
  if (parsed.protocol !== "dir:") throw refuse("its scheme is not dir");
  if (parsed.host !== "" || parsed.username !== "" || parsed.password !== "") {
    throw refuse("the path must be absolute, so three slashes follow the colon");
  }
  if (parsed.search !== "" || parsed.hash !== "") {
    throw refuse("a question mark or number sign in a path is written %3F or %23");
  }
  let path: string;
  try {
    path = decodeURIComponent(parsed.pathname);
  } catch {
    throw refuse("a percent sign is not followed by the digits of UTF-8 text");
  }
  if (!path.startsWith("/")) throw refuse("it has no path");
  if (path.includes("\0")) throw refuse("a path cannot hold a NUL");
  return path.length > 1 ? path.replace(/\/+$/, "") || "/" : path;
}
