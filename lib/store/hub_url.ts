/**
 * Which hub a store's URL names, in today's forms and in those that rfs has.
 *
 * @module
 */

import { directoryBase } from "./http_url.ts";
import { redactUrl, stripSecrets } from "./store_url.ts";

/** What a URL says about a store in a hub. */
export interface HubStoreAddress {
  /** The URL without secrets. */
  readonly store: string;
  /** Where the hub's API lies, `http:` or `https:`; the path ends with a slash. */
  readonly base: URL;
  /** What the hub gave to somebody who signed in; without it the hub can only be read. */
  readonly token?: string;
}

/**
 * Reads a hub's URL:
 *
 * - `hub://host[:port][/path][?token=…]`, over HTTP, and `hubs://…`, over HTTPS;
 * - `server://host[:port][?token=…]`, as the rfs documentation has it, over HTTP;
 * - `server://http://host[:port][?token=…]`, and `https`, as rfs takes it and writes it in flists,
 *   also without the inner colon, which URL parsers drop.
 *
 * @throws {SyntaxError} when it is none of these; the message shows no secret.
 */
export function parseHubUrl(text: string): HubStoreAddress {
  const refuse = (reason: string): SyntaxError =>
    new SyntaxError(`Cannot open store ${redactUrl(text)}: ${reason}`);

  const url = URL.parse(webUrl(text) ?? "");
  if (url === null) throw refuse("write hub://host, hubs://host or server://http://host");
  if (url.username !== "" || url.password !== "") {
    throw refuse("a hub takes a token, as in hub://host?token=…, and no user and password");
  }
  const others = [...url.searchParams.keys()].filter((name) => name !== "token");
  if (others.length > 0) throw refuse("the only parameter that a hub's URL may have is token");
  const token = url.searchParams.get("token") ?? "";
  // It becomes part of a header: what RFC 6750 allows, and signs that others use.
  if (!/^[\x21-\x7e]*$/.test(token)) throw refuse("the token has characters that no token has");
  url.search = "";
  return {
    store: stripSecrets(text),
    base: directoryBase(url),
    ...(token === "" ? {} : { token }),
  };
}

/** The web address in a hub's URL. */
function webUrl(text: string): string | undefined {
  const [, scheme, rest] = /^(hubs?|server):\/\/(.+)$/is.exec(text) ?? [];
  if (scheme === undefined || rest === undefined) return undefined;
  if (scheme.toLowerCase() === "hub") return `http://${rest}`;
  if (scheme.toLowerCase() === "hubs") return `https://${rest}`;
  const [, inner, address] = /^(https?):?\/\/(.*)$/is.exec(rest) ?? [];
  return inner === undefined ? `http://${rest}` : `${inner}://${address}`;
}
