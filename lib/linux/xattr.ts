/**
 * Extended attributes (xattr(7)) of anything in an open directory, links and devices included.
 *
 * The calls on a path need one. `/proc/self/fd/N/name` names an entry of the open directory N
 * exactly, however deep it lies, without following what the entry itself may be. Most entries have
 * no attributes, and to learn that, Linux 6.13 and newer have a call that takes the directory
 * itself: the walk of a tree is a fifth faster with it.
 *
 * @module
 */

import type { Bytes } from "../base/bytes.ts";
import { decodeByteString, encodeByteString, sortByteStrings } from "../base/byte_string.ts";
import { XATTR_NAME_LENGTH_MAX, XATTR_VALUE_SIZE_MAX } from "../base/limits.ts";
import { CString } from "./c_string.ts";
import { ENODATA, ENOSYS, EOPNOTSUPP, EPERM, systemError } from "./errno.ts";
import { AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW, errno, libc, SYS_LISTXATTRAT } from "./libc.ts";

/** Largest list of names that Linux gives (XATTR_LIST_MAX). */
const LIST_SIZE_MAX = 65536;

/** How {@link XattrAccess} is made. */
export interface XattrAccessOptions {
  /**
   * Whether to try the call of Linux 6.13 first.
   * @default {true}
   */
  readonly listAt?: boolean;
}

/** Reads and writes extended attributes through reusable buffers. */
export class XattrAccess {
  #hasListAt: boolean;
  readonly #path = new CString();
  readonly #name = new CString();
  readonly #list: Bytes = new Uint8Array(LIST_SIZE_MAX);
  readonly #value: Bytes = new Uint8Array(XATTR_VALUE_SIZE_MAX);

  /** Makes the buffers. */
  constructor({ listAt = true }: XattrAccessOptions = {}) {
    this.#hasListAt = listAt;
  }

  /**
   * All attributes of `name` in the open directory `directoryFd`, sorted by name bytes; undefined
   * where there are none or the file system has no such thing.
   *
   * @throws {SystemError} when they cannot be read.
   */
  readAll(directoryFd: number, name: string): Map<string, Uint8Array> | undefined {
    const listLength = this.#listNames(directoryFd, name);
    if (listLength === 0) return undefined;
    if (listLength < 0) {
      const number = errno();
      if (number === EOPNOTSUPP) return undefined;
      throw systemError("list the extended attributes of", name, number);
    }
    const names: string[] = [];
    for (let at = 0; at < listLength;) {
      const end = this.#list.indexOf(0, at);
      names.push(decodeByteString(this.#list.subarray(at, end)));
      at = end + 1;
    }
    sortByteStrings(names);
    const path = this.#path.of(procPath(directoryFd, name));
    const found = new Map<string, Uint8Array>();
    for (const attribute of names) {
      const attributeName = this.#name.of(attribute);
      const length = libc().lgetxattr(path, attributeName, this.#value, XATTR_VALUE_SIZE_MAX);
      if (length < 0) {
        const number = errno();
        // Removed since it was listed.
        if (number === ENODATA) continue;
        throw systemError(`read the extended attribute ${attribute} of`, name, number);
      }
      found.set(attribute, this.#value.slice(0, length));
    }
    return found.size === 0 ? undefined : found;
  }

  /** Fills the list with the names and answers its length, or is negative as the calls are. */
  #listNames(directoryFd: number, name: string): number {
    if (this.#hasListAt) {
      const path = this.#path.of(name);
      const flags = AT_SYMLINK_NOFOLLOW | (name === "" ? AT_EMPTY_PATH : 0);
      const length = libc().listxattrat(
        SYS_LISTXATTRAT,
        directoryFd,
        path,
        flags,
        this.#list,
        LIST_SIZE_MAX,
      );
      // Filters of system calls in containers refuse what they do not know with EPERM.
      if (length >= 0 || (errno() !== ENOSYS && errno() !== EPERM)) return length;
      this.#hasListAt = false;
    }
    return libc().llistxattr(
      this.#path.of(procPath(directoryFd, name)),
      this.#list,
      LIST_SIZE_MAX,
    );
  }

  /**
   * Sets one attribute of `name` in the open directory `directoryFd`.
   *
   * @returns 0, or the number of the error.
   */
  write(directoryFd: number, name: string, attribute: string, value: Uint8Array): number {
    if (encodeByteString(attribute).length > XATTR_NAME_LENGTH_MAX) {
      throw new RangeError(`Cannot set an extended attribute with a name of over 255 bytes`);
    }
    const path = this.#path.of(procPath(directoryFd, name));
    const owned = new Uint8Array(value);
    const done = libc().lsetxattr(path, this.#name.of(attribute), owned, owned.length, 0);
    return done === 0 ? 0 : errno();
  }
}

function procPath(directoryFd: number, name: string): string {
  return `/proc/self/fd/${directoryFd}/${name}`;
}
