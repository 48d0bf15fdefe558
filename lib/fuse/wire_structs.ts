/**
 * The structures of the kernel's FUSE protocol (include/uapi/linux/fuse.h of Linux, version 7.45):
 * where each field lies, and plain functions that read and write whole ones.
 *
 * Fields have the header's names. All numbers are little-endian, as on every machine that Deno runs
 * on; each structure starts at a multiple of 8 bytes. What is filled for every file is written as
 * 32-bit words through the offsets; the functions here are for what comes once, and for tests and
 * traces.
 *
 * @module
 */

/** Types of fields. `bytes…` is room that has no meaning, such as reserved words. */
export type FieldType = "u16" | "u32" | "i32" | "u64" | "i64" | `bytes${number}`;

/** Values of a structure by field: 64-bit ones as bigint. */
export type StructValues<Fields extends Readonly<Record<string, FieldType>>> = {
  readonly [Name in keyof Fields as Fields[Name] extends `bytes${number}` ? never : Name]:
    Fields[Name] extends "u64" | "i64" ? bigint : number;
};

/** One structure: its size, and the place of each field, in bytes. */
export interface Struct<Fields extends Readonly<Record<string, FieldType>>> {
  /** The header's name for it, without `struct`. */
  readonly name: string;
  /** Fields and their types in order. */
  readonly fields: Fields;
  /** Bytes of the whole. */
  readonly size: number;
  /** Offset of each field in bytes. */
  readonly at: { readonly [Name in keyof Fields]: number };
}

function struct<const Fields extends Readonly<Record<string, FieldType>>>(
  name: string,
  fields: Fields,
): Struct<Fields> {
  const at: Record<string, number> = {};
  let size = 0;
  for (const [field, type] of Object.entries(fields)) {
    at[field] = size;
    size += sizeOf(type);
  }
  return { name, fields, size, at: at as Struct<Fields>["at"] };
}

function sizeOf(type: FieldType): number {
  switch (type) {
    case "u16":
      return 2;
    case "u32":
    case "i32":
      return 4;
    case "u64":
    case "i64":
      return 8;
    default:
      return Number(type.slice("bytes".length));
  }
}

/** In front of every request. */
export const IN_HEADER = struct("fuse_in_header", {
  len: "u32",
  opcode: "u32",
  unique: "u64",
  nodeid: "u64",
  uid: "u32",
  gid: "u32",
  pid: "u32",
  total_extlen: "u16",
  padding: "bytes2",
});

/** In front of every reply, and all of a reply that tells an error (`error` is 0 or negative). */
export const OUT_HEADER = struct("fuse_out_header", { len: "u32", error: "i32", unique: "u64" });

/** Attributes of an inode. */
export const ATTR = struct("fuse_attr", {
  ino: "u64",
  size: "u64",
  blocks: "u64",
  atime: "i64",
  mtime: "i64",
  ctime: "i64",
  atimensec: "u32",
  mtimensec: "u32",
  ctimensec: "u32",
  mode: "u32",
  nlink: "u32",
  uid: "u32",
  gid: "u32",
  rdev: "u32",
  blksize: "u32",
  flags: "u32",
});

/** In front of the attributes in the answer to LOOKUP and in READDIRPLUS. */
export const ENTRY_OUT = struct("fuse_entry_out", {
  nodeid: "u64",
  generation: "u64",
  entry_valid: "u64",
  attr_valid: "u64",
  entry_valid_nsec: "u32",
  attr_valid_nsec: "u32",
  attr: "bytes88",
});

/** The answer to GETATTR. */
export const ATTR_OUT = struct("fuse_attr_out", {
  attr_valid: "u64",
  attr_valid_nsec: "u32",
  dummy: "u32",
  attr: "bytes88",
});

/** One entry of READDIR; its name follows, and zeros up to a multiple of 8 bytes. */
export const DIRENT = struct("fuse_dirent", {
  ino: "u64",
  off: "u64",
  namelen: "u32",
  type: "u32",
});

export const INIT_IN = struct("fuse_init_in", {
  major: "u32",
  minor: "u32",
  max_readahead: "u32",
  flags: "u32",
  flags2: "u32",
  unused: "bytes44",
});

export const INIT_OUT = struct("fuse_init_out", {
  major: "u32",
  minor: "u32",
  max_readahead: "u32",
  flags: "u32",
  max_background: "u16",
  congestion_threshold: "u16",
  max_write: "u32",
  time_gran: "u32",
  max_pages: "u16",
  map_alignment: "u16",
  flags2: "u32",
  max_stack_depth: "u32",
  request_timeout: "u16",
  unused: "bytes22",
});

export const FORGET_IN = struct("fuse_forget_in", { nlookup: "u64" });
export const BATCH_FORGET_IN = struct("fuse_batch_forget_in", { count: "u32", dummy: "u32" });
export const FORGET_ONE = struct("fuse_forget_one", { nodeid: "u64", nlookup: "u64" });
export const GETATTR_IN = struct("fuse_getattr_in", {
  getattr_flags: "u32",
  dummy: "u32",
  fh: "u64",
});

export const STATX_IN = struct("fuse_statx_in", {
  getattr_flags: "u32",
  reserved: "u32",
  fh: "u64",
  sx_flags: "u32",
  sx_mask: "u32",
});

/** In front of the attributes in the answer to STATX. */
export const STATX_OUT = struct("fuse_statx_out", {
  attr_valid: "u64",
  attr_valid_nsec: "u32",
  flags: "u32",
  spare: "bytes16",
  stat: "bytes256",
});

/** Attributes of an inode as statx(2) has them. */
export const STATX = struct("fuse_statx", {
  mask: "u32",
  blksize: "u32",
  attributes: "u64",
  nlink: "u32",
  uid: "u32",
  gid: "u32",
  mode: "u16",
  __spare0: "bytes2",
  ino: "u64",
  size: "u64",
  blocks: "u64",
  attributes_mask: "u64",
  atime: "bytes16",
  btime: "bytes16",
  ctime: "bytes16",
  mtime: "bytes16",
  rdev_major: "u32",
  rdev_minor: "u32",
  dev_major: "u32",
  dev_minor: "u32",
  __spare2: "bytes112",
});

export const OPEN_IN = struct("fuse_open_in", { flags: "u32", open_flags: "u32" });
export const OPEN_OUT = struct("fuse_open_out", {
  fh: "u64",
  open_flags: "u32",
  backing_id: "i32",
});

export const RELEASE_IN = struct("fuse_release_in", {
  fh: "u64",
  flags: "u32",
  release_flags: "u32",
  lock_owner: "u64",
});

export const FLUSH_IN = struct("fuse_flush_in", {
  fh: "u64",
  unused: "u32",
  padding: "bytes4",
  lock_owner: "u64",
});

/** Of READ, READDIR and READDIRPLUS. */
export const READ_IN = struct("fuse_read_in", {
  fh: "u64",
  offset: "u64",
  size: "u32",
  read_flags: "u32",
  lock_owner: "u64",
  flags: "u32",
  padding: "bytes4",
});

export const STATFS_OUT = struct("fuse_kstatfs", {
  blocks: "u64",
  bfree: "u64",
  bavail: "u64",
  files: "u64",
  ffree: "u64",
  bsize: "u32",
  namelen: "u32",
  frsize: "u32",
  padding: "bytes4",
  spare: "bytes24",
});

export const GETXATTR_IN = struct("fuse_getxattr_in", { size: "u32", padding: "bytes4" });
export const GETXATTR_OUT = struct("fuse_getxattr_out", { size: "u32", padding: "bytes4" });
export const ACCESS_IN = struct("fuse_access_in", { mask: "u32", padding: "bytes4" });
export const INTERRUPT_IN = struct("fuse_interrupt_in", { unique: "u64" });
export const LSEEK_IN = struct("fuse_lseek_in", {
  fh: "u64",
  offset: "u64",
  whence: "u32",
  padding: "bytes4",
});
export const LSEEK_OUT = struct("fuse_lseek_out", { offset: "u64" });

export const NOTIFY_INVAL_INODE_OUT = struct("fuse_notify_inval_inode_out", {
  ino: "u64",
  off: "i64",
  len: "i64",
});

/** A name and a NUL follow. */
export const NOTIFY_INVAL_ENTRY_OUT = struct("fuse_notify_inval_entry_out", {
  parent: "u64",
  namelen: "u32",
  flags: "u32",
});

/** The content follows. */
export const NOTIFY_STORE_OUT = struct("fuse_notify_store_out", {
  nodeid: "u64",
  offset: "u64",
  size: "u32",
  padding: "bytes4",
});

/** All of the above, for what goes over them: checks against the header, traces. */
export const STRUCTS: readonly Struct<Readonly<Record<string, FieldType>>>[] = [
  IN_HEADER,
  OUT_HEADER,
  ATTR,
  ENTRY_OUT,
  ATTR_OUT,
  DIRENT,
  INIT_IN,
  INIT_OUT,
  FORGET_IN,
  BATCH_FORGET_IN,
  FORGET_ONE,
  GETATTR_IN,
  STATX_IN,
  STATX_OUT,
  STATX,
  OPEN_IN,
  OPEN_OUT,
  RELEASE_IN,
  FLUSH_IN,
  READ_IN,
  STATFS_OUT,
  GETXATTR_IN,
  GETXATTR_OUT,
  ACCESS_IN,
  INTERRUPT_IN,
  LSEEK_IN,
  LSEEK_OUT,
  NOTIFY_INVAL_INODE_OUT,
  NOTIFY_INVAL_ENTRY_OUT,
  NOTIFY_STORE_OUT,
];

/**
 * The fields of a structure that starts at byte `at`.
 *
 * @throws {RangeError} when `bytes` end before it does.
 */
export function decodeStruct<const Fields extends Readonly<Record<string, FieldType>>>(
  layout: Struct<Fields>,
  bytes: Uint8Array,
  at = 0,
): StructValues<Fields> {
  if (at + layout.size > bytes.length) {
    throw new RangeError(`Cannot decode ${layout.name}: ${bytes.length - at} bytes are too few`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, layout.size);
  const values: Record<string, number | bigint> = {};
  for (const [field, type] of Object.entries(layout.fields)) {
    const place = layout.at[field]!;
    if (type === "u16") values[field] = view.getUint16(place, true);
    else if (type === "u32") values[field] = view.getUint32(place, true);
    else if (type === "i32") values[field] = view.getInt32(place, true);
    else if (type === "u64") values[field] = view.getBigUint64(place, true);
    else if (type === "i64") values[field] = view.getBigInt64(place, true);
  }
  return values as StructValues<Fields>;
}

/** Writes a structure to byte `at` of `bytes`; fields that are not given become 0. */
export function encodeStruct<const Fields extends Readonly<Record<string, FieldType>>>(
  layout: Struct<Fields>,
  values: Partial<StructValues<Fields>>,
  bytes: Uint8Array,
  at = 0,
): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, layout.size);
  bytes.fill(0, at, at + layout.size);
  for (const [field, value] of Object.entries(values as Record<string, number | bigint>)) {
    const place = layout.at[field]!;
    const type = layout.fields[field]!;
    if (type === "u16") view.setUint16(place, Number(value), true);
    else if (type === "u32") view.setUint32(place, Number(value), true);
    else if (type === "i32") view.setInt32(place, Number(value), true);
    else if (type === "u64") view.setBigUint64(place, BigInt(value), true);
    else if (type === "i64") view.setBigInt64(place, BigInt(value), true);
  }
}

/** Words (of 32 bits) that attributes take in a reply. */
export const ATTRIBUTE_WORDS = ATTR.size / 4;

/** What an inode is, as {@link encodeAttributes} wants it. Sizes in bytes, times in seconds. */
export interface Attributes {
  /** Inode number; the same number names the inode in requests. */
  readonly ino: number;
  readonly size: number;
  /** Space on disk in units of 512 bytes. */
  readonly blocks: number;
  /** Time of the last change of the content; may be negative. */
  readonly mtime: number;
  readonly mtimeNsec: number;
  /** Type and permissions, as st_mode. */
  readonly mode: number;
  readonly linkCount: number;
  readonly uid: number;
  readonly gid: number;
  /** Device number of a device node, as {@link encodeDeviceNumber} makes it. @default {0} */
  readonly deviceNumber?: number;
}

/** Size that reads are best done in: what stat(2) calls st_blksize. */
const PREFERRED_BLOCK_SIZE = 4096;

const word = (offset: number): number => offset / 4;
const INO = word(ATTR.at.ino);
const SIZE = word(ATTR.at.size);
const BLOCKS = word(ATTR.at.blocks);
const ATIME = word(ATTR.at.atime);
const MTIME = word(ATTR.at.mtime);
const CTIME = word(ATTR.at.ctime);

/**
 * Writes attributes as words from `at` on. The times of access and of the inode's change are that
 * of the content's: a tree that never changes has no other.
 */
export function encodeAttributes(words: Uint32Array, at: number, inode: Attributes): void {
  setUint64(words, at + INO, inode.ino);
  setUint64(words, at + SIZE, inode.size);
  setUint64(words, at + BLOCKS, inode.blocks);
  setUint64(words, at + ATIME, inode.mtime);
  setUint64(words, at + MTIME, inode.mtime);
  setUint64(words, at + CTIME, inode.mtime);
  words[at + word(ATTR.at.atimensec)] = inode.mtimeNsec;
  words[at + word(ATTR.at.mtimensec)] = inode.mtimeNsec;
  words[at + word(ATTR.at.ctimensec)] = inode.mtimeNsec;
  words[at + word(ATTR.at.mode)] = inode.mode;
  words[at + word(ATTR.at.nlink)] = inode.linkCount;
  words[at + word(ATTR.at.uid)] = inode.uid;
  words[at + word(ATTR.at.gid)] = inode.gid;
  words[at + word(ATTR.at.rdev)] = inode.deviceNumber ?? 0;
  words[at + word(ATTR.at.blksize)] = PREFERRED_BLOCK_SIZE;
  words[at + word(ATTR.at.flags)] = 0;
}

/** A device number as the protocol has it: 12 bits of major and 20 bits of minor number. */
export function encodeDeviceNumber(major: number, minor: number): number {
  return ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & 0xfff00) << 12)) >>> 0;
}

const TWO_TO_32 = 0x1_0000_0000;

/** Writes a whole number, exact from −2⁵³ to 2⁵³, as two words. */
export function setUint64(words: Uint32Array, at: number, value: number): void {
  words[at] = value >>> 0;
  words[at + 1] = Math.floor(value / TWO_TO_32);
}

/** Reads two words as a number: exact up to 2⁵³, the nearest beyond. */
export function getUint64(words: Uint32Array, at: number): number {
  return words[at + 1]! * TWO_TO_32 + words[at]!;
}
