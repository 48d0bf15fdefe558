/**
 * Name resolution for connections that a foreign flist asks for: a public name may lead to a private
 * address, and may do so only at the second look (DNS rebinding), so the address is checked at the
 * moment of connecting.
 *
 * @module
 */

import { lookup, type LookupAddress, type LookupOptions } from "node:dns";
import { UntrustedRouteError } from "../base/errors.ts";
import { isLocalAddress } from "./local_url.ts";

/** What `lookup` of node:net, node:http and their kin calls back with. */
type LookupCallback = (
  error: Error | null,
  address: string | LookupAddress[],
  family?: number,
) => void;

/**
 * A `lookup` for node:net, node:http and what is built on them that fails with
 * {@link UntrustedRouteError} when any address of the name is not globally reachable. Literal
 * addresses are not looked up: `isLocalUrl` judges those before a store is opened.
 *
 * @param url The store, without secrets, for the error.
 */
export function publicLookup(
  url: string,
): (hostname: string, options: LookupOptions, callback: LookupCallback) => void {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, []);
      if (addresses.some(({ address }) => isLocalAddress(address))) {
        return callback(new UntrustedRouteError(url), []);
      }
      if (options.all === true) return callback(null, addresses);
      const [{ address, family } = { address: "", family: 0 }] = addresses;
      callback(null, address, family);
    });
  };
}

/**
 * All addresses of a name, in the order of preference, every one globally reachable: for those who
 * connect by themselves.
 *
 * @param url The store, without secrets, for the error.
 * @throws {UntrustedRouteError} when any is not globally reachable, the signal's reason when it is
 *   aborted, and what the system says when the name cannot be looked up.
 */
export function publicAddresses(
  hostname: string,
  url: string,
  signal?: AbortSignal,
): Promise<string[]> {
  return new Promise((resolve, reject) => {
    // A lookup cannot be ended, only no longer waited for.
    const abort = (): void => reject(signal!.reason);
    signal?.addEventListener("abort", abort);
    publicLookup(url)(hostname, { all: true }, (error, addresses) => {
      signal?.removeEventListener("abort", abort);
      if (error === null) resolve((addresses as LookupAddress[]).map(({ address }) => address));
      else reject(error);
    });
  });
}
