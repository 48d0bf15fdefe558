/**
 * Mounting: the directory that programs see on one side, the device that requests are read from on
 * the other.
 *
 * Root mounts by itself. An ordinary user asks `fusermount3`, a small setuid program that every
 * distribution has, and gets the open device from it.
 *
 * All mounts are read only, with the kernel checking permissions (`default_permissions`). Read only
 * is more than a promise here: the kernel then asks for no attributes again after a read, because
 * times of access cannot change.
 *
 * @module
 */

import { MountError } from "../base/errors.ts";
import { displayByteString } from "../base/byte_string.ts";
import { CString } from "../linux/c_string.ts";
import { errnoName, systemError } from "../linux/errno.ts";
import { errno, libc } from "../linux/libc.ts";
import { closeDescriptor, openFuseDevice } from "./device_file.ts";
import { mountThroughHelper } from "./mount_helper.ts";

/** How the mount looks to the kernel and to other users. */
export interface MountOptions {
  /** What is mounted, as `df` and the kernel's table of mounts show it. No secrets: all can see it. */
  readonly source: string;
  /**
   * Whether other users may look into it. Permissions of files and directories count all the same.
   * An ordinary user may do so only where `/etc/fuse.conf` says `user_allow_other`.
   *
   * @default {true} for root, false for others
   */
  readonly allowOther?: boolean;
  /**
   * Whether setuid and setgid programs and file capabilities have effect. Root only: whoever made
   * the image decides who becomes whom.
   *
   * @default {false}
   */
  readonly setuid?: boolean;
  /**
   * Whether device nodes can be opened. Root only, for the same reason.
   *
   * @default {false}
   */
  readonly devices?: boolean;
}

/** The type that the kernel's table of mounts shows for a mount of ours. */
export const FILE_SYSTEM_TYPE = "fuse.myfs";

/** Flags of mount(2). */
const MS_RDONLY = 1;
const MS_NOSUID = 2;
const MS_NODEV = 4;

/**
 * Mounts on the directory `target` and returns at once: programs that look at it wait until a thread
 * answers what comes from the device.
 *
 * @returns The open device, which the caller closes. When its last copy is closed, programs that use
 * the mount get ENOTCONN.
 * @throws {MountError} when the target is no directory, permission is lacking, or `fusermount3` is
 * missing or refuses.
 * @throws {UnsupportedError} when this system has no FUSE.
 */
export async function mountDevice(target: string, options: MountOptions): Promise<number> {
  await checkTarget(target);
  const isRoot = libc().geteuid() === 0;
  if (!isRoot && (options.setuid === true || options.devices === true)) {
    throw new MountError(
      displayByteString(target),
      "only root may let setuid programs and device nodes have effect",
      { errno: "EPERM" },
    );
  }
  return isRoot ? mountAsRoot(target, options) : await mountThroughHelper(target, options);
}

async function checkTarget(target: string): Promise<void> {
  let status: Deno.FileInfo;
  try {
    status = await Deno.stat(target);
  } catch (cause) {
    const isStale = cause instanceof Error && /os error 107/.test(cause.message);
    throw new MountError(
      displayByteString(target),
      isStale
        ? "an earlier mount whose program has died is still there"
        : cause instanceof Deno.errors.NotFound
        ? "it does not exist"
        : cause instanceof Error
        ? cause.message
        : String(cause),
      {
        cause,
        ...(cause instanceof Deno.errors.NotFound
          ? { errno: "ENOENT" }
          : cause instanceof Deno.errors.PermissionDenied
          ? { errno: "EACCES" }
          : {}),
        ...(isStale
          ? { hint: "Remove it with umount (or fusermount3 -u), then mount again." }
          : {}),
      },
    );
  }
  if (!status.isDirectory) {
    throw new MountError(displayByteString(target), "it is not a directory");
  }
}

function mountAsRoot(target: string, options: MountOptions): number {
  const fd = openFuseDevice();
  const flags = MS_RDONLY | (options.setuid ? 0 : MS_NOSUID) | (options.devices ? 0 : MS_NODEV);
  const data = [
    `fd=${fd}`,
    "rootmode=40000",
    `user_id=${libc().geteuid()}`,
    `group_id=${libc().getegid()}`,
    "default_permissions",
    ...(options.allowOther ?? true ? ["allow_other"] : []),
  ].join(",");
  const done = libc().mount(
    new CString().of(options.source),
    new CString().of(target),
    new CString().of(FILE_SYSTEM_TYPE),
    flags,
    new CString().of(data),
  );
  if (done === 0) return fd;
  const number = errno();
  closeDescriptor(fd);
  throw new MountError(
    displayByteString(target),
    systemError("mount on", target, number).message.replace(/^Cannot mount on .*: /, ""),
    {
      errno: errnoName(number),
      ...(errnoName(number) === "EPERM"
        ? { hint: "In a container, root needs the capability CAP_SYS_ADMIN to mount." }
        : {}),
    },
  );
}
