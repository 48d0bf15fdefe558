/**
 * The device `/dev/fuse`: the open end of a mount, from which requests are read and to which replies
 * are written.
 *
 * Descriptors here are plain numbers that any thread of the process may use. Who opened one closes
 * it.
 *
 * @module
 */

import type { Bytes } from "../base/bytes.ts";
import { UnsupportedError } from "../base/errors.ts";
import { CString } from "../linux/c_string.ts";
import { ENODEV, ENOENT, ENXIO, EPERM, errnoName, systemError } from "../linux/errno.ts";
import { AT_FDCWD, errno, libc, O_CLOEXEC, O_RDWR } from "../linux/libc.ts";

/** Where the device is. */
export const FUSE_DEVICE = "/dev/fuse";

/** FUSE_DEV_IOC_CLONE: makes a descriptor one more end of the mount of another. */
const IOCTL_CLONE = 0x8004e500;
const F_SETFD = 2;
const FD_CLOEXEC = 1;
const POLLERR = 8;

/**
 * Opens the device.
 *
 * @throws {UnsupportedError} when this system has none.
 * @throws {SystemError} when it cannot be opened, for example without permission.
 */
export function openFuseDevice(): number {
  const fd = libc().openat(AT_FDCWD, new CString().of(FUSE_DEVICE), O_RDWR | O_CLOEXEC, 0);
  if (fd >= 0) return fd;
  const number = errno();
  if (number === ENOENT || number === ENODEV || number === ENXIO) {
    throw new UnsupportedError(
      `Cannot mount: this system has no ${FUSE_DEVICE} (${errnoName(number)})`,
      {
        hint: "Load the kernel module (modprobe fuse); in a container, let it have the device " +
          "(--device /dev/fuse).",
      },
    );
  }
  throw systemError("open", FUSE_DEVICE, number);
}

/**
 * One more descriptor for the mount that `fd` is for, with requests of its own under way: two
 * threads that read from different ones do not get into each other's way.
 *
 * @returns The descriptor, or undefined where the device may not be opened again, as for an ordinary
 * user on some systems. Threads can share `fd` then.
 */
export function cloneFuseDevice(fd: number): number | undefined {
  const clone = libc().openat(AT_FDCWD, new CString().of(FUSE_DEVICE), O_RDWR | O_CLOEXEC, 0);
  if (clone < 0) return undefined;
  const source = new Uint8Array(new Uint32Array([fd]).buffer);
  if (libc().ioctl(clone, IOCTL_CLONE, source) === 0) return clone;
  libc().close(clone);
  return undefined;
}

/** Whether programs that are started from now on get the descriptor as well. */
export function setInherited(fd: number, inherited: boolean): void {
  if (libc().fcntl(fd, F_SETFD, inherited ? 0 : FD_CLOEXEC) < 0) {
    throw systemError("pass on the descriptor", String(fd));
  }
}

/** Closes a descriptor. */
export function closeDescriptor(fd: number): void {
  libc().close(fd);
}

/** Whether the file system behind the device still exists: it ends with its last mount. */
export function isConnected(fd: number): boolean {
  // struct pollfd: the descriptor, what to wait for, what there is.
  const waiting = new Int32Array([fd, 0]);
  libc().poll(new Uint8Array(waiting.buffer), 1n, 0);
  return ((waiting[1]! >>> 16) & POLLERR) === 0;
}

/** What came of a write to the device. */
export type WriteOutcome = "written" | "not awaited" | "refused" | "gone";

/**
 * Writes the first `length` bytes of `reply`: a whole reply or notification with its header. It is
 * safe to call from any thread.
 *
 * @returns "not awaited" when nobody waits for it any more, "gone" when the mount is, and "refused"
 * when the kernel did not understand it.
 */
export function writeToDevice(fd: number, reply: Bytes, length: number): WriteOutcome {
  if (libc().write(fd, reply, length) >= 0) return "written";
  const number = errno();
  if (number === ENOENT) return "not awaited";
  // EPERM: nothing was ever mounted with this descriptor.
  return number === ENODEV || number === EPERM ? "gone" : "refused";
}
