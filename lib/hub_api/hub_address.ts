/**
 * How hubs, and flists on hubs, are named.
 *
 * @module
 */

/** A hub. */
export interface HubAddress {
  /** Under which its API lies: `http:` or `https:`, without user, query or fragment. */
  readonly base: URL;
  /** As people write it, such as `hub://host:3000`; without secrets. */
  readonly name: string;
}

/** A flist on a hub: under a name and tag, or by its SHA-256. */
export type HubFlistReference =
  & { readonly hub: HubAddress }
  & (
    | { readonly kind: "name"; readonly user: string; readonly flist: string; readonly tag: string }
    | { readonly kind: "digest"; readonly sha256: string }
  );

/** The tag that is meant where none is given. */
const DEFAULT_TAG = "latest";

/**
 * Reads the name of a hub: `hub://host[:port]`, over HTTP, `hubs://host`, over HTTPS, or its web
 * address. It may have a path, where the hub lies behind a proxy that gives it one.
 *
 * @throws {SyntaxError} when it is none of these; the message shows no secret.
 */
export function parseHubAddress(text: string): HubAddress {
  const [, scheme, rest] = /^(hubs?|https?):\/\/([^\s]+)$/i.exec(text) ?? [];
  const secure = /^(hubs|https)$/i.test(scheme ?? "");
  const url = rest === undefined ? null : URL.parse(`${secure ? "https" : "http"}://${rest}`);
  if (url === null || url.username !== "" || url.password !== "" || url.search !== "") {
    throw new SyntaxError(
      "Cannot read the name of a hub: write hub://host, hubs://host or its web address, without " +
        "user, password and token",
    );
  }
  url.hash = "";
  url.pathname = url.pathname.replace(/\/*$/, "/");
  const path = url.pathname.slice(0, -1);
  return { base: url, name: `${secure ? "hubs" : "hub"}://${url.host}${path}` };
}

/** Whether `text` names a flist on a hub, rather than a file or a web address. */
export function isHubFlist(text: string): boolean {
  return /^hubs?:\/\//i.test(text);
}

/**
 * Reads the name of a flist on a hub: `hub://host/user/name[:tag]`, or `hub://host/<sha256>`; the
 * tag is `latest` where none is given. With `hubs` it is over HTTPS.
 *
 * @throws {SyntaxError} when it is none.
 */
export function parseHubFlist(text: string): HubFlistReference {
  const refuse = (): SyntaxError =>
    new SyntaxError(
      "Cannot read the name of a flist on a hub: write hub://host/user/name:tag or " +
        "hub://host/<sha256>, without a token (sign in with myfs login)",
    );
  const [, hub, path] = /^(hubs?:\/\/[^/?#@\s]+)\/([^?#\s]+)$/i.exec(text) ?? [];
  if (hub === undefined || path === undefined) throw refuse();
  const parts = path.split("/");
  const last = parts.pop()!;
  if (/^[0-9a-f]{64}$/.test(last)) {
    return { kind: "digest", hub: parseHubAddress([hub, ...parts].join("/")), sha256: last };
  }
  const user = parts.pop();
  const [, flist, tag = DEFAULT_TAG] = /^([^:]+?)(?:\.fl)?(?::([^:]+))?$/.exec(last) ?? [];
  if (
    user === undefined || flist === undefined || !/^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/.test(user) ||
    !/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(flist) ||
    !/^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/.test(tag)
  ) throw refuse();
  return { kind: "name", hub: parseHubAddress([hub, ...parts].join("/")), user, flist, tag };
}

/** Path of a flist's requests below the hub's base, without a slash in front. */
export function hubFlistPath(reference: HubFlistReference): string {
  return reference.kind === "digest"
    ? `api/v1/flists/digest/${reference.sha256}`
    : `api/v1/flists/${reference.user}/${reference.flist}/${reference.tag}`;
}

/** The reference as {@link parseHubFlist} reads it. */
export function formatHubFlist(reference: HubFlistReference): string {
  return reference.kind === "digest"
    ? `${reference.hub.name}/${reference.sha256}`
    : `${reference.hub.name}/${reference.user}/${reference.flist}:${reference.tag}`;
}
