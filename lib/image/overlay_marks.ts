/**
 * The marks that Linux's overlay file system leaves in its upper directory, as
 * Documentation/filesystems/overlayfs.rst and fs/overlayfs in the kernel's source define them:
 * whiteouts, and extended attributes such as `trusted.overlay.opaque`.
 *
 * An overlay that was mounted with the option `userxattr` has them under `user.overlay.`. Only one
 * of the two names is heeded, because any user may write attributes of the other to files of their
 * own: a `redirect` among them would fetch what that user may not read.
 *
 * @module
 */

import { decodeByteString } from "../base/byte_string.ts";
import type { EntryKind, Xattrs } from "../tree/tree_entry.ts";

/** Under which names an overlay has its marks. */
export type OverlayNames = "trusted" | "user";

/** What there is to be known of an entry. */
export interface MarkedEntry {
  readonly kind: EntryKind;
  readonly size: number;
  readonly rdev: number;
  readonly xattrs?: Xattrs;
}

/** What the marks on one entry say. */
export interface OverlayMarks {
  /** A directory shows nothing of the one below it. */
  readonly isOpaque: boolean;
  /**
   * Where what lies below the entry is: a name in the directory below, or a path from the root that
   * begins with a slash.
   */
  readonly redirect: string | undefined;
  /** A file has metadata only; the content is that of the file below. */
  readonly isMetacopy: boolean;
  /**
   * How many names the inode has in the overlay, told as a difference, such as `U-1`. Written only by
   * overlays with the option `index=on`.
   */
  readonly linkCount: string | undefined;
  /** The attributes that the overlay shows; undefined where there are none. */
  readonly xattrs: Xattrs | undefined;
  /** Whether the overlay hides any. */
  readonly hidesXattrs: boolean;
}

/** An overlay on an overlay has its marks, and shows those of the other, with this in the name. */
const ESCAPE = "overlay.";

/** Whether `entry` says that there is no entry of its name. */
export function isWhiteout(entry: MarkedEntry, names: OverlayNames): boolean {
  if (entry.kind === "char-device") return entry.rdev === 0;
  // The newer form, for those who may not make devices.
  return entry.kind === "file" && entry.size === 0 &&
    entry.xattrs?.has(`${prefixOf(names)}whiteout`) === true;
}

/** Whether `xattrs` hold any mark under these names. */
export function hasMarks(xattrs: Xattrs | undefined, names: OverlayNames): boolean {
  const prefix = prefixOf(names);
  return xattrs?.keys().some((name) => name.startsWith(prefix)) === true;
}

const UNMARKED = {
  isOpaque: false,
  redirect: undefined,
  isMetacopy: false,
  linkCount: undefined,
  hidesXattrs: false,
} as const;

/** What the marks on `entry` say. */
export function marksOf({ kind, xattrs }: MarkedEntry, names: OverlayNames): OverlayMarks {
  if (!hasMarks(xattrs, names)) return { ...UNMARKED, xattrs };
  const prefix = prefixOf(names);
  const text = (mark: string): string | undefined => {
    const value = xattrs!.get(prefix + mark);
    return value === undefined ? undefined : decodeByteString(value);
  };
  const shown = new Map<string, Uint8Array>();
  for (const [name, value] of xattrs!) {
    if (!name.startsWith(prefix)) shown.set(name, value);
    else if (name.startsWith(prefix + ESCAPE)) {
      shown.set(prefix + name.slice(prefix.length + ESCAPE.length), value);
    }
  }
  const isOpaque = kind === "directory" && text("opaque") === "y";
  const isMetacopy = kind === "file" && text("metacopy") !== undefined;
  return {
    isOpaque,
    redirect: isMetacopy || (kind === "directory" && !isOpaque) ? text("redirect") : undefined,
    isMetacopy,
    linkCount: kind === "directory" ? undefined : text("nlink"),
    xattrs: shown.size === 0 ? undefined : shown,
    hidesXattrs: shown.size < xattrs!.size,
  };
}

function prefixOf(names: OverlayNames): string {
  return `${names}.overlay.`;
}

/** How to read the marks of one upper directory. */
export interface MarkReading {
  readonly names: OverlayNames;
  /** Whether marks that refer to other places in the base are followed. */
  readonly followRedirects: boolean;
}

/**
 * How the marks of an upper directory are to be read: as asked, else by what the kernel wrote to the
 * directory itself when the overlay was mounted. Undefined where that cannot be told, because only
 * root can see marks under `trusted.`.
 *
 * An overlay with `userxattr` never refers to other places; so where such a reference is found, it
 * was written by somebody else, and followed only if `userXattrs` was asked for.
 *
 * @param xattrs Attributes of the upper directory itself.
 */
export function chooseNames(
  xattrs: Xattrs | undefined,
  options: { readonly userXattrs?: boolean | undefined; readonly isRoot: boolean },
): MarkReading | undefined {
  const { userXattrs, isRoot } = options;
  if (userXattrs === true) return { names: "user", followRedirects: true };
  if (hasMarks(xattrs, "trusted")) return { names: "trusted", followRedirects: true };
  if (userXattrs === undefined && hasMarks(xattrs, "user")) {
    return { names: "user", followRedirects: false };
  }
  return isRoot ? { names: "trusted", followRedirects: true } : undefined;
}
