/**
 * Writes entries of a tree into a directory on this machine.
 *
 * Everything is created relative to open directories and no symbolic link is ever followed, so
 * nothing can be written outside the directory, whatever the tree says and whoever changes it
 * meanwhile.
 *
 * @module
 */

import type { Bytes } from "../base/bytes.ts";
import { CString } from "../linux/c_string.ts";
import { DirectoryCursor } from "../linux/directory_cursor.ts";
import {
  EACCES,
  EINTR,
  EINVAL,
  ENOENT,
  ENOSYS,
  EOPNOTSUPP,
  EPERM,
  systemError,
} from "../linux/errno.ts";
import {
  AT_SYMLINK_NOFOLLOW,
  errno,
  libc,
  O_CLOEXEC,
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW,
  O_WRONLY,
} from "../linux/libc.ts";
import { XattrAccess } from "../linux/xattr.ts";
import { joinPath } from "./directory_source.ts";
import { type EntryMetadata, PERMISSION_MASK, type Xattrs } from "./tree_entry.ts";

/** How to write. */
export interface DirectorySinkOptions {
  /** Whether entries get the owner and group of the tree, instead of the caller's. */
  readonly preserveOwnership: boolean;
  /** Told of each attribute that the system or the user's rights could not keep. */
  readonly onLoss: (what: string, path: string) => void;
}

/** Mode of what is not finished: nobody else may look into it yet. */
const UNFINISHED_FILE_MODE = 0o600;
const UNFINISHED_DIRECTORY_MODE = 0o700;

const SETUID = 0o4000;
const SETGID = 0o2000;

/** Errors that say that the system, or the user's rights, have no such attribute. */
const REFUSALS = new Set([EPERM, EACCES, EINVAL, ENOSYS, EOPNOTSUPP]);

/** UTIME_OMIT of utimensat(2): leaves the time of last access alone. */
const UTIME_OMIT = 0x3ffffffen;

/** Creates entries below an open directory. Directories must exist before what is in them. */
export class DirectorySink implements Disposable {
  readonly #options: DirectorySinkOptions;
  readonly #cursor: DirectoryCursor;
  readonly #name = new CString();
  readonly #target = new CString();
  readonly #xattrs = new XattrAccess();
  readonly #times: Bytes = new Uint8Array(32);
  readonly #timesView = new DataView(this.#times.buffer);
  readonly #uid = libc().geteuid();
  readonly #gid = Deno.gid() ?? 0;

  /** @param rootFd An open directory; the sink does not close it. */
  constructor(rootFd: number, options: DirectorySinkOptions) {
    this.#options = options;
    this.#cursor = new DirectoryCursor(rootFd);
    this.#timesView.setBigInt64(8, UTIME_OMIT, true);
  }

  /** Makes an empty directory that only its owner can use until it is finished. */
  makeDirectory(parent: string, name: string): void {
    const fd = this.#cursor.enter(parent);
    if (libc().mkdirat(fd, this.#name.of(name), UNFINISHED_DIRECTORY_MODE) !== 0) {
      throw systemError("make the directory", joinPath(parent, name));
    }
  }

  /** Creates a file that must not exist, for writing; the caller closes the descriptor. */
  createFile(parent: string, name: string): number {
    return this.#openFile(parent, name, O_CREAT | O_EXCL, "create");
  }

  /** Opens a file for writing that this sink, or another one, created or will create. */
  openFile(parent: string, name: string): number {
    return this.#openFile(parent, name, O_CREAT, "open");
  }

  #openFile(parent: string, name: string, how: number, operation: string): number {
    const flags = O_WRONLY | O_NOFOLLOW | O_CLOEXEC | how;
    const directoryFd = this.#cursor.enter(parent);
    const fd = libc().openat(directoryFd, this.#name.of(name), flags, UNFINISHED_FILE_MODE);
    if (fd < 0) throw systemError(operation, joinPath(parent, name));
    return fd;
  }

  /** Writes all of `bytes` into the open file at `offset`. */
  writeAt(fd: number, bytes: Bytes, offset: number, path: string): void {
    for (let done = 0; done < bytes.length;) {
      const rest = done === 0 ? bytes : bytes.subarray(done);
      const count = libc().pwrite(fd, rest, rest.length, offset + done);
      if (count < 0) {
        if (errno() === EINTR) continue;
        throw systemError("write", path);
      }
      done += count;
    }
  }

  /** Makes the open file `fd` exactly `size` bytes long: what was not written is a hole. */
  setSize(fd: number, size: number, path: string): void {
    if (libc().ftruncate(fd, size) !== 0) throw systemError("set the size of", path);
  }

  /** Gives the open file `fd` its metadata: the last thing done to it. */
  finishFile(
    fd: number,
    parent: string,
    name: string,
    metadata: EntryMetadata,
    xattrs?: Xattrs,
  ): void {
    this.#finishOpen(
      fd,
      this.#cursor.enter(parent),
      name,
      joinPath(parent, name),
      metadata,
      xattrs,
    );
  }

  /** Gives a directory its metadata, when all that is in it has been made. */
  finishDirectory(path: string, metadata: EntryMetadata, xattrs?: Xattrs): void {
    const fd = this.#cursor.enter(path);
    this.#finishOpen(fd, fd, ".", path, metadata, xattrs);
  }

  #finishOpen(
    fd: number,
    directoryFd: number,
    name: string,
    path: string,
    metadata: EntryMetadata,
    xattrs: Xattrs | undefined,
  ): void {
    // Chown takes away setuid and file capabilities, so it comes before both; a file that is read
    // only takes no attributes from its owner, so permissions come after them.
    const isOwned = this.#options.preserveOwnership &&
      this.#done(libc().fchown(fd, metadata.uid, metadata.gid), "owner", path);
    if (xattrs !== undefined) this.#setXattrs(directoryFd, name, path, xattrs);
    this.#done(libc().fchmod(fd, this.#permissions(metadata, isOwned, path)), "permissions", path);
    this.#setTimes(metadata);
    this.#done(libc().futimens(fd, this.#times), "time", path);
  }

  /** Makes a symbolic link with its metadata. */
  makeSymlink(
    parent: string,
    name: string,
    linkTarget: string,
    metadata: EntryMetadata,
    xattrs?: Xattrs,
  ): void {
    const fd = this.#cursor.enter(parent);
    if (libc().symlinkat(this.#target.of(linkTarget), fd, this.#name.of(name)) !== 0) {
      throw systemError("make the link", joinPath(parent, name));
    }
    this.#finishByName(parent, name, metadata, xattrs, false);
  }

  /** Makes a FIFO, socket or device with its metadata. */
  makeSpecial(parent: string, name: string, metadata: EntryMetadata, xattrs?: Xattrs): void {
    const fd = this.#cursor.enter(parent);
    const mode = (metadata.mode & ~PERMISSION_MASK) | UNFINISHED_FILE_MODE;
    if (libc().mknodat(fd, this.#name.of(name), mode, metadata.rdev) !== 0) {
      throw systemError("make the device, FIFO or socket", joinPath(parent, name));
    }
    this.#finishByName(parent, name, metadata, xattrs, true);
  }

  /** Gives `name` in `parent` the inode of an existing entry. */
  makeHardLink(parent: string, name: string, targetParent: string, targetName: string): void {
    const path = joinPath(parent, name);
    // The cursor holds one place at a time: the link's own directory needs another.
    using there = new DirectoryCursor(this.#cursor.enter(""));
    const targetFd = there.enter(targetParent);
    const done = libc().linkat(
      targetFd,
      this.#target.of(targetName),
      this.#cursor.enter(parent),
      this.#name.of(name),
      0,
    );
    if (done !== 0) throw systemError("make the hard link", path);
  }

  /** Removes the file `name` in `parent`, if it is there. */
  removeFile(parent: string, name: string): void {
    const done = libc().unlinkat(this.#cursor.enter(parent), this.#name.of(name), 0);
    if (done !== 0 && errno() !== ENOENT) throw systemError("remove", joinPath(parent, name));
  }

  #finishByName(
    parent: string,
    name: string,
    metadata: EntryMetadata,
    xattrs: Xattrs | undefined,
    hasPermissions: boolean,
  ): void {
    const path = joinPath(parent, name);
    const fd = this.#cursor.enter(parent);
    const named = this.#name.of(name);
    const { uid, gid } = metadata;
    const isOwned = this.#options.preserveOwnership &&
      this.#done(libc().fchownat(fd, named, uid, gid, AT_SYMLINK_NOFOLLOW), "owner", path);
    if (xattrs !== undefined) this.#setXattrs(fd, name, path, xattrs);
    // There is no chmod that does not follow links, but what comes here is no link: this sink has
    // just made it, in a directory that nobody else can enter yet.
    if (hasPermissions) {
      const permissions = this.#permissions(metadata, isOwned, path);
      this.#done(libc().fchmodat(fd, named, permissions, 0), "permissions", path);
    }
    this.#setTimes(metadata);
    this.#done(libc().utimensat(fd, named, this.#times, AT_SYMLINK_NOFOLLOW), "time", path);
  }

  /** Tells of an attribute that could not be set; whether it was. The entry is worth having without. */
  #done(result: number, what: string, path: string): boolean {
    if (result === 0) return true;
    if (!REFUSALS.has(errno())) throw systemError(`set the ${what} of`, path);
    this.#options.onLoss(what, path);
    return false;
  }

  /**
   * Permissions to set: without the setuid and setgid bits where the owner they speak of is not
   * restored, because they would then give away the rights of whoever unpacks.
   */
  #permissions({ mode, uid, gid }: EntryMetadata, isOwned: boolean, path: string): number {
    let permissions = mode & PERMISSION_MASK;
    if (isOwned) return permissions;
    if ((permissions & SETUID) !== 0 && uid !== this.#uid) {
      permissions &= ~SETUID;
      this.#options.onLoss("setuid bit, because the owner is not restored", path);
    }
    if ((permissions & SETGID) !== 0 && gid !== this.#gid) {
      permissions &= ~SETGID;
      this.#options.onLoss("setgid bit, because the group is not restored", path);
    }
    return permissions;
  }

  #setXattrs(directoryFd: number, name: string, path: string, xattrs: Xattrs): void {
    for (const [attribute, value] of xattrs) {
      if (this.#xattrs.write(directoryFd, name, attribute, value) !== 0) {
        this.#options.onLoss(`extended attribute ${attribute}`, path);
      }
    }
  }

  #setTimes({ mtime, mtimeNsec }: EntryMetadata): void {
    const view = this.#timesView;
    // Two 32-bit halves: a BigInt for each file would be garbage for each file.
    view.setUint32(16, mtime >>> 0, true);
    view.setInt32(20, Math.floor(mtime / 0x1_0000_0000), true);
    view.setUint32(24, mtimeNsec, true);
  }

  /** Closes what the sink holds open. */
  [Symbol.dispose](): void {
    this.#cursor[Symbol.dispose]();
  }
}
