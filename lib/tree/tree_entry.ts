/**
 * What myfs knows about one thing in a directory tree: the waist between sources (directories, tar
 * archives, container layers), flists, and sinks (unpack, mount, export).
 *
 * @module
 */

/** The kinds of inode that Linux has. */
export type EntryKind =
  | "file"
  | "directory"
  | "symlink"
  | "fifo"
  | "socket"
  | "char-device"
  | "block-device";

/** The file type bits of `st_mode` (inode(7)). */
export const FILE_TYPE_MASK = 0o170000;

/** The permission bits of `st_mode`, with setuid, setgid and sticky. */
export const PERMISSION_MASK = 0o7777;

const KIND_BITS: Readonly<Record<EntryKind, number>> = {
  "fifo": 0o010000,
  "char-device": 0o020000,
  "directory": 0o040000,
  "block-device": 0o060000,
  "file": 0o100000,
  "symlink": 0o120000,
  "socket": 0o140000,
};

const KIND_BY_BITS: ReadonlyMap<number, EntryKind> = new Map(
  Object.entries(KIND_BITS).map(([kind, bits]) => [bits, kind as EntryKind]),
);

/** The kind that a full `st_mode` says, or undefined where it says none. */
export function kindOfMode(mode: number): EntryKind | undefined {
  return KIND_BY_BITS.get(mode & FILE_TYPE_MASK);
}

/** The file type bits of `kind`, to be or-ed with permissions. */
export function modeOfKind(kind: EntryKind): number {
  return KIND_BITS[kind];
}

/** Metadata of one inode, as stat(2) gives it, without its name. */
export interface EntryMetadata {
  /** Full `st_mode`: file type and permissions. */
  readonly mode: number;
  /** Owner. */
  readonly uid: number;
  /** Group. */
  readonly gid: number;
  /** Size in bytes: of a file's content or a link's target; 0 for everything else. */
  readonly size: number;
  /** Time of last modification: whole seconds since 1970, may be negative. */
  readonly mtime: number;
  /** Nanoseconds to add to `mtime`, 0 to 999,999,999. */
  readonly mtimeNsec: number;
  /** Device number of a device as Linux's `makedev(major, minor)` gives it, else 0. */
  readonly rdev: number;
}

/** Extended attributes by name; values are bytes. */
export type Xattrs = ReadonlyMap<string, Uint8Array>;

/** One entry of a tree. */
export interface TreeEntry extends EntryMetadata {
  /** Path from the tree's root, names joined by `/`, empty for the root. A byte string. */
  readonly path: string;
  /** What it is. */
  readonly kind: EntryKind;
  /** Where a symbolic link points: a byte string. Present for links only. */
  readonly linkTarget?: string;
  /** Extended attributes, where there are any. */
  readonly xattrs?: Xattrs;
  /** Path of the entry, earlier in the same stream, that this is another name of. */
  readonly hardLinkTo?: string;
}

/** Device number of `major` and `minor` as Linux encodes it in `st_rdev` (glibc `makedev`). */
export function makeDevice(major: number, minor: number): number {
  // Bits 0–7 minor, 8–19 major, 20–43 the rest of minor, 44–63 the rest of major; arithmetic
  // instead of shifts, because JavaScript's stop at 32 bits.
  return (minor & 0xff) + (major & 0xfff) * 0x100 + (minor - (minor & 0xff)) * 0x1000 +
    (major - (major & 0xfff)) * 0x1_0000_0000;
}

/** Major and minor number of a device number that {@link makeDevice} made. */
export function splitDevice(rdev: number): { readonly major: number; readonly minor: number } {
  const high = Math.floor(rdev / 0x1_0000_0000);
  const low = rdev % 0x1_0000_0000;
  return {
    major: (Math.floor(low / 0x100) & 0xfff) + (Math.floor(high / 0x1000) * 0x1000),
    minor: (low & 0xff) + ((Math.floor(low / 0x10_0000) & 0xfff) * 0x100) +
      ((high & 0xfff) * 0x10_0000),
  };
}
