/**
 * Flists as commands take them: a path, a flist on a hub, or a web address.
 *
 * @module
 */

import { type ReadVariable, stateFolder } from "./cache_folder.ts";
import { UsageError } from "./problem.ts";
import type { Session } from "./session.ts";

/** Where tokens of hubs lie: `hubs.json` in `$MYFS_CONFIG_DIR`, `$XDG_CONFIG_HOME/myfs` or `~/.config/myfs`. */
export function credentialsPath(read: ReadVariable = (name) => Deno.env.get(name)): string {
  const own = read("MYFS_CONFIG_DIR");
  if (own) return `${own}/hubs.json`;
  const shared = read("XDG_CONFIG_HOME");
  // The XDG base directory specification: a path that is not absolute is to be ignored.
  if (shared?.startsWith("/")) return `${shared}/myfs/hubs.json`;
  const home = read("HOME");
  if (home) return `${home}/.config/myfs/hubs.json`;
  throw new UsageError(
    "There is no place for tokens: neither MYFS_CONFIG_DIR nor XDG_CONFIG_HOME nor HOME is set",
  );
}

/** The path of a flist, which is downloaded first where it is elsewhere. */
export async function localFlist(
  reference: string,
  { signal }: Pick<Session, "signal">,
): Promise<string> {
  if (!/^(hubs?|https?):\/\//i.test(reference)) return reference;
  const cacheFolder = stateFolder();
  if (cacheFolder === undefined) {
    throw new UsageError(
      "There is no place for flists from elsewhere: set MYFS_CACHE_DIR, XDG_CACHE_HOME or HOME",
    );
  }
  const { HubCredentials, resolveFlist } = await import("myfs");
  const credentials = new HubCredentials(credentialsPath());
  return await resolveFlist(reference, { cacheFolder, credentials, signal });
}
