/**
 * Removing mounts.
 *
 * @module
 */

import { SystemError } from "../base/errors.ts";
import { displayByteString } from "../base/byte_string.ts";
import { CString } from "../linux/c_string.ts";
import { EBUSY, EINVAL, ENOENT, EPERM, systemError } from "../linux/errno.ts";
import { errno, libc } from "../linux/libc.ts";
import { unmountThroughHelper } from "./mount_helper.ts";
import { type MountEntry, readMountTable } from "./mount_table.ts";

/** Flags of umount2(2). */
const MNT_DETACH = 2;
const UMOUNT_NOFOLLOW = 8;

/** How to unmount. */
export interface UnmountOptions {
  /**
   * Whether the mount goes even while programs use it: it is gone from the tree at once, and for
   * the programs when they close what they have open, or when its daemon ends.
   *
   * @default {false}
   */
  readonly lazy?: boolean;
}

/** What came of it. */
export type UnmountOutcome = "unmounted" | "busy" | "not mounted";

/**
 * Removes the mount on `target`. Needs no answer from the mount's daemon, so it works whatever state
 * that is in.
 *
 * @returns "busy" when programs use it and `lazy` was not asked for.
 * @throws {SystemError} when it is not permitted, or fails otherwise.
 */
export async function unmount(
  target: string,
  options: UnmountOptions = {},
): Promise<UnmountOutcome> {
  const lazy = options.lazy ?? false;
  const flags = UMOUNT_NOFOLLOW | (lazy ? MNT_DETACH : 0);
  if (libc().umount2(new CString().of(target), flags) === 0) return "unmounted";
  const number = errno();
  if (number === EINVAL || number === ENOENT) return "not mounted";
  if (number === EBUSY) return "busy";
  if (number !== EPERM) throw systemError("unmount", target, number);
  let reason: string | undefined;
  try {
    reason = await unmountThroughHelper(target, lazy);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw systemError("unmount", target, EPERM);
  }
  if (reason === undefined) return "unmounted";
  if (/busy/i.test(reason)) return "busy";
  if (/not found in|not mounted|no such file/i.test(reason)) return "not mounted";
  throw new SystemError("unmount", displayByteString(target), "EPERM", reason);
}

/**
 * Removes `mount`, and never what somebody else has mounted on the same directory since. The kernel
 * gives the numbers of a file system that has ended to the next one, so the caller has to know that
 * its own has not.
 *
 * @returns "not mounted" when it is gone; "hidden" when something is mounted over it, which has to go
 * first.
 * @throws {SystemError} when it is not permitted, or fails otherwise.
 */
export async function unmountEntry(
  mount: Pick<MountEntry, "id" | "device" | "target">,
  options: UnmountOptions = {},
): Promise<UnmountOutcome | "hidden"> {
  const there = (await readMountTable()).filter(({ target }) => target === mount.target);
  const at = there.findIndex(({ id, device }) => id === mount.id && device === mount.device);
  if (at < 0) return "not mounted";
  return at === there.length - 1 ? await unmount(mount.target, options) : "hidden";
}
