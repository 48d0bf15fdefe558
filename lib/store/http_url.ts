/**
 * Which server and directory an `http(s)://` store's URL names, and with what to authorize there.
 *
 * @module
 */

import { redactUrl, stripSecrets } from "./store_url.ts";

/** What a URL says about a store on a web server. */
export interface HttpStoreAddress {
  /** The URL without secrets. */
  readonly store: string;
  /** Without user and password; the path ends with a slash. */
  readonly base: URL;
  /** What to authorize with at the server of `base`, from user and password. */
  readonly authorization: string | undefined;
}

/**
 * Reads `http://[user[:password]@]host[:port]/path[?query]`, or the same with `https`.
 *
 * @throws {SyntaxError} when it is none; the message shows no secret.
 */
export function parseHttpUrl(text: string): HttpStoreAddress {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new SyntaxError(
      `Cannot open store ${redactUrl(text)}: write http://host/path or https://host/path`,
    );
  }
  return {
    store: stripSecrets(text),
    base: directoryBase(url),
    authorization: basicAuthorization(url, text),
  };
}

/** `url` as that of a directory: without credentials and fragment, its path with a final slash. */
export function directoryBase(url: URL): URL {
  const base = new URL(url);
  base.username = base.password = base.hash = "";
  base.pathname = base.pathname.replace(/\/*$/, "/");
  return base;
}

/** What RFC 7617 makes of a user and a password. */
function basicAuthorization({ username, password }: URL, text: string): string | undefined {
  if (username === "" && password === "") return undefined;
  try {
    const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    return `Basic ${new TextEncoder().encode(pair).toBase64()}`;
  } catch {
    throw new SyntaxError(
      `Cannot open store ${redactUrl(text)}: ` +
        "write a percent sign in the user or the password as %25",
    );
  }
}
