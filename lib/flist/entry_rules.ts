/**
 * What names, metadata and other values in a flist may be. Writer and reader ask the same rules:
 * what one refuses to write, the other refuses to read. Each function answers with what is wrong,
 * as the end of a sentence, or undefined where nothing is.
 *
 * @module
 */

import { encodeByteString } from "../base/byte_string.ts";
import {
  BLOCK_SIZE_MAX,
  CHUNK_SIZE_MAX,
  FILE_SIZE_MAX,
  LINK_TARGET_LENGTH_MAX,
  NAME_LENGTH_MAX,
  XATTR_NAME_LENGTH_MAX,
  XATTR_VALUE_SIZE_MAX,
} from "../base/limits.ts";
import type { BlockRef } from "../block/block_ref.ts";
import { type EntryMetadata, kindOfMode, type Xattrs } from "../tree/tree_entry.ts";
import { FORMAT_TAG, RESERVED_TAG_PREFIX } from "./schema.ts";
import type { Route } from "./flist_record.ts";

/** Highest user or group id: 32 bits. */
const ID_MAX = 0xffff_ffff;

/** Highest `st_mode`: file type and permissions fill 16 bits. */
const MODE_MAX = 0o177777;

/** Nanoseconds in a second. */
const NSEC_END = 1_000_000_000;

/**
 * Most bytes that the names of one file's extended attributes come to, each with a final NUL
 * (Linux XATTR_LIST_MAX).
 */
const XATTR_LIST_SIZE_MAX = 65536;

/** Longest tag key, tag value or URL in bytes: far beyond any use, and bounds what a reader holds. */
export const TEXT_LENGTH_MAX = 65536;

/** Most tags, and most routes, in a flist: a reader holds them all. [F40, F42] */
export const TAGS_MAX = 4096;
export const ROUTES_MAX = 4096;

/** What keeps `name` (of `length` bytes) from being the name of an entry below the root. [F22] */
export function nameFault(name: string, length: number): string | undefined {
  if (length === 0) return "its name is empty";
  if (length > NAME_LENGTH_MAX) {
    return `its name has ${length} bytes, more than ${NAME_LENGTH_MAX}`;
  }
  if (name === "." || name === "..") return `its name is "${name}"`;
  if (name.includes("/")) return 'its name holds "/"';
  if (name.includes("\0")) return "its name holds a NUL byte";
  return undefined;
}

/** What is wrong with `metadata`. [F23–F26] */
export function metadataFault(metadata: EntryMetadata): string | undefined {
  const { mode, uid, gid, size, mtime, mtimeNsec, rdev } = metadata;
  if (!isWithin(mode, MODE_MAX) || kindOfMode(mode) === undefined) {
    return `its mode ${mode} is not one`;
  }
  if (!isWithin(uid, ID_MAX)) return `its owner ${uid} is not 0 to ${ID_MAX}`;
  if (!isWithin(gid, ID_MAX)) return `its group ${gid} is not 0 to ${ID_MAX}`;
  if (!isWithin(size, FILE_SIZE_MAX)) return `its size ${size} is not 0 to ${FILE_SIZE_MAX}`;
  if (!Number.isSafeInteger(mtime)) return `its mtime ${mtime} is not whole seconds`;
  if (!isWithin(mtimeNsec, NSEC_END - 1)) {
    return `its nanoseconds ${mtimeNsec} are not 0 to ${NSEC_END - 1}`;
  }
  if (!isWithin(rdev, Number.MAX_SAFE_INTEGER)) return `its device number ${rdev} is not one`;
  return undefined;
}

/** What keeps a target of `length` bytes from being a symbolic link's. [F28] */
export function linkTargetFault(target: string, length: number): string | undefined {
  if (length === 0) return "its link target is empty";
  if (length > LINK_TARGET_LENGTH_MAX) {
    return `its link target has ${length} bytes, more than ${LINK_TARGET_LENGTH_MAX}`;
  }
  if (target.includes("\0")) return "its link target holds a NUL byte";
  return undefined;
}

/** What is wrong with one file's extended attributes. [F39] */
export function xattrsFault(xattrs: Xattrs): string | undefined {
  let listSize = 0;
  for (const [name, value] of xattrs) {
    const length = encodeByteString(name).length;
    if (length === 0) return "it has an extended attribute without a name";
    if (length > XATTR_NAME_LENGTH_MAX) {
      return `the name of an extended attribute has ${length} bytes, ` +
        `more than ${XATTR_NAME_LENGTH_MAX}`;
    }
    if (name.includes("\0")) return "the name of an extended attribute holds a NUL byte";
    if (value.length > XATTR_VALUE_SIZE_MAX) {
      return `an extended attribute has ${value.length} bytes, more than ${XATTR_VALUE_SIZE_MAX}`;
    }
    listSize += length + 1;
  }
  return listSize > XATTR_LIST_SIZE_MAX
    ? `the names of its extended attributes come to ${listSize} bytes, ` +
      `more than ${XATTR_LIST_SIZE_MAX}`
    : undefined;
}

/** What is wrong with a chunk's sizes. [F34] */
export function chunkFault(ref: Pick<BlockRef, "size" | "storedSize">): string | undefined {
  const { size, storedSize } = ref;
  if (!isWithin(size - 1, CHUNK_SIZE_MAX - 1)) {
    return `its size ${size} is not 1 to ${CHUNK_SIZE_MAX}`;
  }
  if (storedSize !== undefined && !isWithin(storedSize - 1, BLOCK_SIZE_MAX - 1)) {
    return `its block's size ${storedSize} is not 1 to ${BLOCK_SIZE_MAX}`;
  }
  return undefined;
}

/** What is wrong with a route. [F42] */
export function routeFault(route: Route): string | undefined {
  const { start, end, url } = route;
  if (!isWithin(start, 255) || !isWithin(end, 255) || start > end) {
    return `${start} to ${end} is not a range of bytes`;
  }
  return url === "" ? "its URL is empty" : textFault(url, "its URL");
}

/** What is wrong with a tag. [F40] */
export function tagFault(key: string, value: string): string | undefined {
  if (key === "") return "its key is empty";
  return textFault(key, "its key") ?? textFault(value, "its value");
}

/** Why a user may not set or delete the tag `key`. [F14] */
export function reservedTagFault(key: string): string | undefined {
  if (!key.startsWith(RESERVED_TAG_PREFIX)) return undefined;
  return key === FORMAT_TAG
    ? "it says what format the flist has"
    : `keys that start with ${RESERVED_TAG_PREFIX} are reserved`;
}

function textFault(text: string, what: string): string | undefined {
  if (!text.isWellFormed()) return `${what} is not Unicode`;
  if (text.includes("\0")) return `${what} holds a NUL character`;
  // A character is at most three bytes a unit: only long texts need to be encoded to be measured.
  if (text.length * 3 > TEXT_LENGTH_MAX && encodeByteString(text).length > TEXT_LENGTH_MAX) {
    return `${what} has more than ${TEXT_LENGTH_MAX} bytes`;
  }
  return undefined;
}

/** Whether `value` is a whole number from 0 to `max`. */
function isWithin(value: number, max: number): boolean {
  return Number.isSafeInteger(value) && value >= 0 && value <= max;
}
