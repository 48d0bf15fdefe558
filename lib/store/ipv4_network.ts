/**
 * IPv4 addresses and the networks that they are in.
 *
 * @module
 */

/** Number of four decimal parts; undefined where `address` is not that. */
export function ipv4Value(address: string): number | undefined {
  const parts = address.split(".");
  if (parts.length !== 4 || parts.some((part) => !/^\d{1,3}$/.test(part))) return undefined;
  const bytes = parts.map(Number);
  if (bytes.some((byte) => byte > 255)) return undefined;
  return bytes.reduce((value, byte) => value * 256 + byte, 0);
}

/**
 * Whether `address` is in the network of `first` and its prefix length, 0 to 32. What is no address is
 * in none.
 */
export function isInIpv4Network(address: string, first: string, length: number): boolean {
  const value = ipv4Value(address);
  const start = ipv4Value(first);
  if (value === undefined || start === undefined || length > 32) return false;
  const size = 2 ** (32 - length);
  return Math.floor(value / size) === Math.floor(start / size);
}
