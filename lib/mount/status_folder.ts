/**
 * Where mounts say who serves them: a socket for each, in a folder that only its user can enter, and
 * that all processes of that user, and root, know without being told.
 *
 * A socket is called `<device>-<process>`, so that the process is known even where it does not answer.
 *
 * @module
 */

import type { MountEntry } from "../fuse/mount_table.ts";

/** Where a user's folder may be, best first. */
function foldersOf(userId: number): readonly string[] {
  return [
    userId === 0 ? "/run/myfs" : `/run/user/${userId}/myfs`,
    `/tmp/myfs-${userId}`,
  ];
}

/** The folder of this user, made where it is missing; undefined where there can be none. */
export async function ownStatusFolder(
  userId: number,
): Promise<string | undefined> {
  for (const folder of foldersOf(userId)) {
    try {
      await Deno.mkdir(folder, { mode: 0o700 });
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) continue;
    }
    if (await isSafe(folder, userId)) return folder;
  }
  return undefined;
}

/** Whether a folder is the user's alone: in `/tmp`, anybody may have made it. */
async function isSafe(folder: string, userId: number): Promise<boolean> {
  try {
    const { isDirectory, uid, mode } = await Deno.lstat(folder);
    return isDirectory && uid === userId && (mode! & 0o077) === 0;
  } catch {
    return false;
  }
}

/** The socket of a process that serves a mount. */
export function socketName(device: string, pid: number): string {
  return `${device}-${pid}`;
}

/** A socket, and the process that made it. */
export interface StatusSocket {
  readonly path: string;
  readonly pid: number;
}

/** The sockets for a mount, as far as this user may see them, also those that dead processes left. */
export async function socketsOf(
  { device, userId }: Pick<MountEntry, "device" | "userId">,
): Promise<StatusSocket[]> {
  const found: StatusSocket[] = [];
  for (const folder of foldersOf(userId)) {
    if (!await isSafe(folder, userId)) continue;
    try {
      for await (const { name } of Deno.readDir(folder)) {
        if (!name.startsWith(`${device}-`)) continue;
        found.push({ path: `${folder}/${name}`, pid: Number(name.slice(device.length + 1)) });
      }
    } catch {
      // It is another user's, and we are not root.
    }
  }
  return found;
}
