/**
 * Which store URLs lead to this machine or the network around it. A flist that came from elsewhere
 * may name only stores that do not: otherwise whoever made it could have us read local files or
 * talk to services behind our firewall.
 *
 * @module
 */

import { ipv4Value, isInIpv4Network } from "./ipv4_network.ts";

/** Names that are never in the public DNS: RFC 6761, 6762, 8375, and ICANN's `.internal`. */
const LOCAL_DOMAINS = ["localhost", "local", "internal", "home.arpa"];

/**
 * IPv4 networks that are not globally reachable, by IANA's registry of special-purpose addresses,
 * with multicast: first address and prefix length.
 */
const LOCAL_IPV4: readonly (readonly [string, number])[] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
];

/**
 * Whether `url` names a place on this machine or its private network: a directory, memory, a unix
 * socket, or a host that is loopback, private, link-local, unspecified or otherwise not globally
 * reachable, in every spelling that parsers understand (`127.1`, `0x7f000001`, `::ffff:10.0.0.1`).
 *
 * Host names count as local when they have a single label, such as `intranet`, because the local
 * network decides what they mean; and within `localhost`, `local`, `internal` and `home.arpa`. What
 * cannot be read as a URL counts as local, for the question is asked to refuse.
 *
 * No name is looked up. A public name may lead to a private address, so a store that connects for a
 * foreign flist checks the address it connects to with {@link isLocalAddress}.
 */
export function isLocalUrl(url: string): boolean {
  // server://http://host:port, as rfs writes it: the inner URL says where it leads.
  const nested = /^[a-z][a-z0-9+.-]*:\/\/([a-z][a-z0-9+.-]*:\/\/.*)$/is.exec(url);
  if (nested !== null) return isLocalUrl(nested[1]!);
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(url)) return true;
  let host: string;
  try {
    const { protocol, hostname } = new URL(url);
    if (["dir:", "mem:", "file:", "unix:"].includes(protocol) || hostname === "") return true;
    // Only for http do URL parsers bring a host into its one true spelling.
    host = new URL(`http://${hostname}/`).hostname;
  } catch {
    return true;
  }
  if (host.startsWith("[") || /^[0-9.]+$/.test(host)) return isLocalAddress(host);
  const labels = host.toLowerCase().replace(/\.$/, "").split(".");
  if (labels.length < 2) return true;
  return LOCAL_DOMAINS.some((domain) => `.${labels.join(".")}`.endsWith(`.${domain}`));
}

/**
 * Whether an IP address, IPv4 or IPv6 with or without brackets, is not globally reachable. What is
 * not an address counts as local.
 */
export function isLocalAddress(address: string): boolean {
  const bare = address.replace(/^\[|\]$/g, "");
  return bare.includes(":") ? isLocalIpv6(bare) : isLocalIpv4(bare);
}

function isLocalIpv4(address: string): boolean {
  if (ipv4Value(address) === undefined) return true;
  return LOCAL_IPV4.some(([first, length]) => isInIpv4Network(address, first, length));
}

function isLocalIpv6(address: string): boolean {
  const groups = ipv6Groups(address);
  if (groups === undefined) return true;
  const first = groups[0]!;
  const second = groups[1]!;
  // Addresses that carry an IPv4 address lead where that leads.
  const startsWith = (...prefix: number[]): boolean =>
    prefix.every((part, i) => groups[i] === part);
  if (startsWith(0, 0, 0, 0, 0, 0xffff)) return isLocalIpv4(embedded(groups, 6));
  if (startsWith(0x64, 0xff9b, 0, 0, 0, 0)) return isLocalIpv4(embedded(groups, 6));
  if (first === 0x2002) return isLocalIpv4(embedded(groups, 1));
  // Only 2000::/3 is global unicast (RFC 4291). In it, 2001::/23 is for protocols (Teredo, …),
  // 2001:db8::/32 and 3fff::/20 are for documentation.
  if (first < 0x2000 || first > 0x3fff) return true;
  if (first === 0x2001 && (second < 0x200 || second === 0xdb8)) return true;
  return first === 0x3fff && second < 0x1000;
}

/** The IPv4 address in two groups of an IPv6 address. */
function embedded(groups: readonly number[], at: number): string {
  const high = groups[at]!;
  const low = groups[at + 1]!;
  return `${high >> 8}.${high & 0xff}.${low >> 8}.${low & 0xff}`;
}

/** The eight 16-bit groups of an IPv6 address; undefined where it is not one. */
function ipv6Groups(address: string): number[] | undefined {
  let canonical: string;
  try {
    // Resolves a dotted tail; zone ids are refused, as only local addresses have them.
    canonical = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  } catch {
    return undefined;
  }
  const [head, tail] = canonical.split("::");
  const parse = (part: string | undefined): number[] =>
    part === undefined || part === ""
      ? []
      : part.split(":").map((group) => Number.parseInt(group, 16));
  const left = parse(head);
  const right = parse(tail);
  const zeros = new Array<number>(8 - left.length - right.length).fill(0);
  return [...left, ...zeros, ...right];
}
