/**
 * URLs of stores that speak RESP, and what they say.
 *
 * @module
 */

import { redactUrl, stripSecrets } from "../store_url.ts";

/** Where a server is. */
export type RespPlace =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number; readonly tls: boolean }
  | { readonly kind: "unix"; readonly path: string };

/** What a URL says. */
export interface RespAddress {
  /** The URL without secrets. */
  readonly url: string;
  /** Where the server is. */
  readonly place: RespPlace;
  /** Name of the user; empty where none is given. */
  readonly user: string;
  /** Password; empty where none is given. */
  readonly password: string;
  /** What is meant at the server: a namespace or the number of a database; empty where not given. */
  readonly space: string;
}

/** How the URLs of a kind of store look. */
export interface RespUrlForm {
  /** Port that is meant where none is given. */
  readonly port: number;
  /** Whether TLS is spoken. */
  readonly tls: boolean;
  /** Query parameter that names the space where the path is that of a socket. */
  readonly spaceParameter: string;
  /** What to write, for errors. */
  readonly example: string;
}

/**
 * What `scheme://[user[:password]@]host[:port][/space]` says, or
 * `scheme:///path/to/socket[?space=…][&password=…]`.
 *
 * @throws {SyntaxError} when it is neither; the message shows no secret.
 */
export function parseRespUrl(url: string, form: RespUrlForm): RespAddress {
  const refuse = (reason: string): SyntaxError =>
    new SyntaxError(`Cannot open store ${redactUrl(url)}: ${reason}; write ${form.example}`);
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw refuse("it is not a URL");
  }
  const decode = (text: string): string => {
    try {
      return decodeURIComponent(text);
    } catch {
      throw refuse("a percent sign is not followed by the digits of UTF-8 text");
    }
  };
  if (parsed.hash !== "") throw refuse("a number sign is written %23");
  const isSocket = parsed.hostname === "";
  const known = isSocket ? ["user", "password", form.spaceParameter] : [];
  const unknown = [...parsed.searchParams.keys()].find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw refuse(`${JSON.stringify(unknown)} is no parameter of it`);
  }
  const path = decode(parsed.pathname);
  if (isSocket) {
    if (form.tls) throw refuse("it names no host");
    if (!/^\/./.test(path) || path.endsWith("/") || path.includes("\0")) {
      throw refuse("it names neither a host nor a socket");
    }
    return {
      url: stripSecrets(url),
      place: { kind: "unix", path },
      user: parsed.searchParams.get("user") ?? "",
      password: parsed.searchParams.get("password") ?? "",
      space: parsed.searchParams.get(form.spaceParameter) ?? "",
    };
  }
  const space = path.replace(/^\/|\/$/g, "");
  if (space.includes("/")) throw refuse("more than one name follows the host");
  return {
    url: stripSecrets(url),
    place: {
      kind: "tcp",
      host: decode(parsed.hostname).replace(/^\[|\]$/g, ""),
      port: parsed.port === "" ? form.port : Number(parsed.port),
      tls: form.tls,
    },
    user: decode(parsed.username),
    password: decode(parsed.password),
    space,
  };
}
