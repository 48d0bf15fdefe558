/**
 * Who the user of a command is to hubs.
 *
 * @module
 */

import type { HubCredentials } from "myfs";
import type { ReadVariable } from "./cache_folder.ts";
import { UsageError } from "./problem.ts";

const environment: ReadVariable = (name) => Deno.env.get(name);

/** Where tokens of hubs lie: `hubs.json` in `$MYFS_CONFIG_DIR`, `$XDG_CONFIG_HOME/myfs` or `~/.config/myfs`. */
export function credentialsPath(read: ReadVariable = environment): string {
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

/**
 * The tokens that `myfs login` has kept. Where `MYFS_HUB` and `MYFS_HUB_TOKEN` are set, that hub gets
 * that token: a token alone could go to a hub that it is not for.
 *
 * @throws {UsageError} as {@link credentialsPath}.
 */
export async function openHubCredentials(
  read: ReadVariable = environment,
): Promise<HubCredentials> {
  const { HubCredentials } = await import("../lib/hub_api/credentials.ts");
  const { parseHubAddress } = await import("../lib/hub_api/hub_address.ts");
  const [hub, token] = [read("MYFS_HUB"), read("MYFS_HUB_TOKEN")];
  return new HubCredentials(
    credentialsPath(read),
    ...(hub && token ? [{ hub: parseHubAddress(hub), token }] : []),
  );
}

/** The library's option that names the tokens, where there is a place for them. */
export async function hubCredentialsOption(
  read: ReadVariable = environment,
): Promise<{ readonly hubCredentials?: HubCredentials }> {
  try {
    return { hubCredentials: await openHubCredentials(read) };
  } catch (error) {
    // Most stores need none.
    if (error instanceof UsageError) return {};
    throw error;
  }
}
