/**
 * Flists as commands take them: a path, a flist on a hub, or a web address.
 *
 * @module
 */

import { stateFolder } from "./cache_folder.ts";
import { hubCredentialsOption } from "./hub_credentials.ts";
import { library } from "./library.ts";
import { UsageError } from "./problem.ts";
import type { Session } from "./session.ts";

/** Whether a flist is elsewhere: on a hub, or at a web address. */
export function isRemoteFlist(reference: string): boolean {
  return /^(hubs?|https?):\/\//i.test(reference);
}

/**
 * The path of a flist that is to be written.
 *
 * @throws {UsageError} when it is elsewhere: writing is local, and publishing a step of its own.
 */
export function flistToWrite(reference: string): string {
  if (!isRemoteFlist(reference)) return reference;
  throw new UsageError(
    "Cannot write a flist to a hub or a web address",
    "Write it to a file, and publish that with myfs flist push.",
  );
}

/** The path of a flist, which is downloaded first where it is elsewhere. */
export async function localFlist(
  reference: string,
  { signal }: Pick<Session, "signal">,
): Promise<string> {
  if (!isRemoteFlist(reference)) return reference;
  const cacheFolder = stateFolder();
  if (cacheFolder === undefined) {
    throw new UsageError(
      "There is no place for flists from elsewhere: set MYFS_CACHE_DIR, XDG_CACHE_HOME or HOME",
    );
  }
  const { resolveFlist } = await library();
  const { hubCredentials: credentials } = await hubCredentialsOption();
  return await resolveFlist(reference, {
    cacheFolder,
    signal,
    ...(credentials === undefined ? {} : { credentials }),
  });
}

/** {@link localFlist} for each of several, where any are named. */
export async function localFlists(
  references: readonly string[] | undefined,
  session: Pick<Session, "signal">,
): Promise<readonly string[] | undefined> {
  if (references === undefined) return undefined;
  return await Promise.all(references.map((reference) => localFlist(reference, session)));
}
