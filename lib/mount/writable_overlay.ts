/**
 * A mount that can be written to: an overlay of the kernel on top of it, on the same directory.
 *
 * What changes goes to the overlay's upper directory, from which `commitOverlay` makes a new image.
 * Beside it lies the overlay's work directory, `<upper>.work`, which is gone when the mount is.
 *
 * @module
 */

import { absolutePath, splitPath } from "../base/absolute_path.ts";
import { displayByteString, encodeByteString } from "../base/byte_string.ts";
import { MountError } from "../base/errors.ts";
import type { FlistReader } from "../flist/flist_reader.ts";
import { ROOT_INO } from "../flist/flist_record.ts";
import { type MountEntry, readMountTable, type TableEntry } from "../fuse/mount_table.ts";
import { unmount, type UnmountOptions, type UnmountOutcome } from "../fuse/unmount.ts";
import { CString } from "../linux/c_string.ts";
import { openRootDirectory } from "../linux/directory_cursor.ts";
import { EINVAL, errnoName, systemError } from "../linux/errno.ts";
import { errno, libc } from "../linux/libc.ts";
import { XattrAccess } from "../linux/xattr.ts";
import { DirectorySink } from "../tree/directory_sink.ts";

const TYPE = "overlay";

/** Flags of mount(2): setuid programs and device nodes have no effect, as in the mount below. */
const MS_NOSUID = 2;
const MS_NODEV = 4;

/** The most that mount(2) takes: a page. */
const OPTIONS_LENGTH_MAX = 4095;

/** Names under which overlays keep marks of their own. */
const MARK = /^(trusted|user)\.overlay\./;

/** Directories of an overlay. */
export interface OverlayPlaces {
  readonly upper: string;
  readonly work: string;
}

/**
 * Makes the directories of an overlay over an image, where they are missing. A fresh upper directory
 * gets the metadata of the image's root, which programs would see it instead of.
 *
 * @throws {MountError} when this user may not mount an overlay, or the directories cannot be used.
 */
export async function prepareOverlay(
  upper: string,
  target: string,
  flist: FlistReader,
): Promise<OverlayPlaces> {
  if (libc().geteuid() !== 0) {
    throw new MountError(displayByteString(target), "only root may mount it writable", {
      errno: "EPERM",
      hint: "Mount it as root, or without --writable.",
    });
  }
  const path = absolutePath(upper);
  await Deno.mkdir(path, { recursive: true, mode: 0o755 });
  const real = await Deno.realPath(path);
  const inside = `${await Deno.realPath(target).catch(() => absolutePath(target))}/`;
  if (`${real}/`.startsWith(inside) || inside.startsWith(`${real}/`)) {
    throw new MountError(
      displayByteString(target),
      `it and the upper directory ${displayByteString(real)} lie in each other`,
    );
  }
  const user = (await readMountTable()).find((entry) => upperOf(entry) === real);
  if (user !== undefined) {
    throw new MountError(
      displayByteString(target),
      `the upper directory ${displayByteString(real)} is in use on ${
        displayByteString(user.target)
      }`,
    );
  }
  const work = `${real}.work`;
  // Left by a process that was killed: the kernel wants it empty.
  await removeWorkDirectory(real);
  await Deno.mkdir(work, { mode: 0o700 });
  if ((await Deno.stat(work)).dev !== (await Deno.stat(real)).dev) {
    await removeWorkDirectory(real);
    throw new MountError(
      displayByteString(target),
      `${
        displayByteString(splitPath(real).parent)
      } is on another file system than the upper directory in it`,
      { hint: "Name a directory within that file system, not the one that it is mounted on." },
    );
  }
  if (await isFresh(real)) copyRoot(flist, real);
  return { upper: real, work };
}

/** Whether nothing was ever put on top of an image with this upper directory. */
async function isFresh(upper: string): Promise<boolean> {
  for await (const _ of Deno.readDir(upper)) return false;
  const fd = openRootDirectory(upper);
  try {
    const names = [...new XattrAccess().readAll(fd, ".")?.keys() ?? []];
    return !names.some((name) => MARK.test(name));
  } finally {
    libc().close(fd);
  }
}

function copyRoot(flist: FlistReader, upper: string): void {
  const root = flist.inode(ROOT_INO);
  if (root === undefined) return;
  const fd = openRootDirectory(upper);
  try {
    using sink = new DirectorySink(fd, {
      preserveOwnership: true,
      // What this file system cannot keep, no changed file on it could either.
      onLoss: () => {},
    });
    sink.finishDirectory("", root, flist.xattrs(ROOT_INO));
  } finally {
    libc().close(fd);
  }
}

/**
 * Mounts the overlay on top of the mount on `target`.
 *
 * @param source What is mounted, as `df` shows it.
 * @throws {MountError} when the kernel refuses, with what is known of the reason.
 */
export async function mountOverlay(
  target: string,
  source: string,
  { upper, work }: OverlayPlaces,
): Promise<void> {
  const settings = [
    `lowerdir=${escapePath(target, /[\\,:]/g)}`,
    `upperdir=${escapePath(upper, /[\\,]/g)}`,
    `workdir=${escapePath(work, /[\\,]/g)}`,
    // Directories of the image can be renamed. What `commitOverlay` cannot tell apart is off.
    "redirect_dir=on",
    "index=off",
    "metacopy=off",
  ].join(",");
  if (encodeByteString(settings).length > OPTIONS_LENGTH_MAX) {
    throw new MountError(displayByteString(target), "the names of its directories are too long");
  }
  const done = libc().mount(
    new CString().of(source),
    new CString().of(target),
    new CString().of(TYPE),
    MS_NOSUID | MS_NODEV,
    new CString().of(settings),
  );
  if (done === 0) return;
  const number = errno();
  const { message } = systemError("mount on", target, number);
  await removeWorkDirectory(upper);
  const kind = await fileSystemOf(upper);
  throw new MountError(
    displayByteString(target),
    number === EINVAL
      ? `the file system of ${displayByteString(upper)} (${kind}) cannot hold an overlay's changes`
      : `the kernel does not mount an overlay: ${message.replace(/^Cannot mount on .*: /, "")}`,
    number === EINVAL
      ? { hint: "Name an upper directory on ext4, xfs, btrfs or tmpfs." }
      : errnoName(number) === "ENODEV"
      ? { hint: "Load the kernel module (modprobe overlay)." }
      : {},
  );
}

/** Kind of the file system that a path lies on. */
async function fileSystemOf(path: string): Promise<string> {
  const table = await readMountTable();
  const around = table.filter(({ target }) =>
    path === target || path.startsWith(target === "/" ? "/" : `${target}/`)
  );
  const length = Math.max(...around.map(({ target }) => target.length));
  return around.findLast(({ target }) => target.length === length)?.type ?? "unknown";
}

/** The overlay on top of a mount of ours, in the kernel's table. */
export interface OverlayEntry {
  readonly id: number;
  /** Where changes go, a byte string. */
  readonly upper: string;
}

/** The overlay on top of `mount`; undefined where it is read only. */
export function overlayOn(
  mount: Pick<MountEntry, "id" | "target">,
  table: readonly TableEntry[],
): OverlayEntry | undefined {
  const entry = table.find(({ parentId, target, type }) =>
    type === TYPE && parentId === mount.id && target === mount.target
  );
  const upper = entry === undefined ? undefined : upperOf(entry);
  return entry === undefined || upper === undefined ? undefined : { id: entry.id, upper };
}

function upperOf({ type, superOptions }: TableEntry): string | undefined {
  if (type !== TYPE) return undefined;
  // Commas in names are escaped, by the overlay or by the table.
  const [, value] = /(?:^|,)upperdir=((?:[^,\\]|\\.)*)/s.exec(superOptions) ?? [];
  if (value === undefined) return undefined;
  return value.replace(
    /\\([0-7]{3})/g,
    (_, digits: string) => String.fromCharCode(parseInt(digits, 8)),
  ).replace(/\\(.)/gs, "$1");
}

/**
 * Removes the overlay on top of a mount, where there is one, and its work directory where nobody uses
 * it any more.
 *
 * @returns What came of it; `"not mounted"` where the mount is read only.
 */
export async function unmountOverlay(
  mount: Pick<MountEntry, "id" | "target">,
  options: UnmountOptions = {},
): Promise<UnmountOutcome> {
  const overlay = overlayOn(mount, await readMountTable());
  if (overlay === undefined) return "not mounted";
  const outcome = await unmount(mount.target, options);
  if (outcome === "unmounted" && options.lazy !== true) await removeWorkDirectory(overlay.upper);
  return outcome;
}

/**
 * Removes the work directory beside an upper directory. Nothing of worth is ever in it. Without effect
 * where it is used or missing.
 */
export async function removeWorkDirectory(upper: string): Promise<void> {
  await Deno.remove(`${upper}.work`, { recursive: true }).catch(() => {});
}

function escapePath(path: string, special: RegExp): string {
  return path.replace(special, "\\$&");
}
