/**
 * Requests of the kernel in, replies out, as bytes: no device, no thread. {@link FileSystem} says
 * what is in the replies.
 *
 * Nothing is allocated for a request that asks for attributes, entries or content: requests lie in
 * one buffer, replies in another, and both are used again.
 *
 * @module
 */

import type { Bytes } from "../base/bytes.ts";
import {
  E2BIG,
  EINVAL,
  EIO,
  ENODATA,
  ENOENT,
  ENOSYS,
  ENXIO,
  EPROTO,
  ERANGE,
} from "../linux/errno.ts";
import { SEEK_DATA, SEEK_HOLE } from "../linux/libc.ts";
import { DirectoryPage } from "./directory_page.ts";
import { AttributeTarget, type FileSystem, LATER, ReadReply } from "./file_system.ts";
import { answerInit, type InitAgreement, READ_SIZE_MAX } from "./init.ts";
import { type HandlerName, type Opcode, OPCODE_LIMIT, OPCODES, UNKNOWN_OPCODE } from "./opcodes.ts";
import {
  ATTR,
  ATTR_OUT,
  encodeStruct,
  ENTRY_OUT,
  FORGET_ONE,
  getUint64,
  GETXATTR_OUT,
  IN_HEADER,
  LSEEK_IN,
  LSEEK_OUT,
  OUT_HEADER,
  READ_IN,
  setUint64,
  STATFS_OUT,
  STATX,
  STATX_OUT,
} from "./wire_structs.ts";

/** Room for one request. The kernel demands 8 KiB, and sends more references to drop at once in more. */
export const REQUEST_SIZE_MAX = 64 * 1024;
/** Room for one reply: the largest read, and a little more. */
const REPLY_SIZE_MAX = READ_SIZE_MAX + 4096;

/** How long the kernel may keep what it was told, in seconds: for ever. Nothing ever changes. */
const VALID_SECONDS = 0x7fff_ffff;

/** What handlers return to say that nobody gets an answer; other negative numbers are errors. */
const NO_REPLY = -0x1_0000;
/** Errors from here on are not ones that the kernel takes. */
const ERROR_LIMIT = 512;

/** STATX_BASIC_STATS. */
const BASIC_STATS = 0x7ff;
const NAME_LENGTH_MAX = 255;
const LINK_LENGTH_MAX = 4095;
const BLOCK_SIZE = 4096;
/** Longest value and list that the kernel takes. */
const XATTR_SIZE_MAX = 65536;

/** Indexes of the words of a request, in front of which is always the same header. */
const IN = {
  length: IN_HEADER.at.len / 4,
  opcode: IN_HEADER.at.opcode / 4,
  unique: IN_HEADER.at.unique / 4,
  node: IN_HEADER.at.nodeid / 4,
  body: IN_HEADER.size / 4,
} as const;
const READ_OFFSET = IN.body + READ_IN.at.offset / 4;
const READ_SIZE = IN.body + READ_IN.at.size / 4;
/** Indexes of the words of a reply. */
const OUT = {
  length: OUT_HEADER.at.len / 4,
  error: OUT_HEADER.at.error / 4,
  unique: OUT_HEADER.at.unique / 4,
  body: OUT_HEADER.size / 4,
} as const;
const ENTRY_ATTRIBUTES = OUT.body + ENTRY_OUT.at.attr / 4;
const ATTRIBUTES = OUT.body + ATTR_OUT.at.attr / 4;

/** What a {@link Dispatcher} can tell. */
export interface DispatcherOptions {
  /** Called with what a file system threw, and the name of the request. */
  readonly onFault?: (error: unknown, request: string) => void;
  /** Called when the kernel and the file system agreed. */
  readonly onInit?: (agreement: InitAgreement) => void;
  /** Called when they cannot, with the reason. The mount is of no use then. */
  readonly onRefusal?: (reason: string) => void;
  /** Counts requests by number; its length is `OPCODE_LIMIT`. May be shared memory. */
  readonly counts?: Uint32Array;
}

/** Answers one request after the other. Each thread has its own. */
export class Dispatcher {
  /** Where the next request is to be put. */
  readonly request: Bytes = new Uint8Array(REQUEST_SIZE_MAX);
  /** Where the reply lies until the next request. */
  readonly reply: Bytes = new Uint8Array(REPLY_SIZE_MAX);
  readonly #in = new Uint32Array(this.request.buffer);
  readonly #out = new Uint32Array(this.reply.buffer);
  readonly #errorOut = new Int32Array(this.reply.buffer);
  readonly #fileSystem: FileSystem;
  readonly #options: DispatcherOptions;
  readonly #attributes = new AttributeTarget(this.#out);
  readonly #page = new DirectoryPage(this.reply, this.#out, VALID_SECONDS);
  readonly #readReply = new ReadReply(this.reply, OUT_HEADER.size);
  readonly #handlers: (((self: Dispatcher) => number) | undefined)[] = [];
  readonly #counts: Uint32Array;
  /** Bytes of the request under way. */
  #length = 0;

  constructor(fileSystem: FileSystem, options: DispatcherOptions = {}) {
    this.#fileSystem = fileSystem;
    this.#options = options;
    this.#counts = options.counts ?? new Uint32Array(OPCODE_LIMIT);
    for (let opcode = 0; opcode < OPCODE_LIMIT; opcode++) {
      const handler = OPCODES[opcode]?.handler;
      this.#handlers.push(handler === undefined ? undefined : Dispatcher.#HANDLERS[handler]);
    }
  }

  /** How often each request came, by number. */
  get counts(): Uint32Array {
    return this.#counts;
  }

  /**
   * Answers the request in the first `length` bytes of {@link Dispatcher.request}.
   *
   * @returns How many bytes of {@link Dispatcher.reply} to send back; 0 when nobody waits for an
   * answer, or the answer comes later. Never throws, whatever the bytes are.
   */
  dispatch(length: number): number {
    if (length < IN_HEADER.size || length > this.request.length) return 0;
    const opcode = this.#in[IN.opcode]!;
    const kind = OPCODES[opcode] ?? UNKNOWN_OPCODE;
    if (opcode < OPCODE_LIMIT) this.#counts[opcode]!++;
    this.#length = length;
    let outcome: number;
    if (this.#in[IN.length] !== length || length - IN_HEADER.size < kind.inputSize) {
      outcome = -EINVAL;
    } else {
      const handler = this.#handlers[opcode];
      if (handler === undefined) outcome = -kind.error!;
      else {
        try {
          outcome = handler(this);
        } catch (error) {
          outcome = -EIO;
          this.#report(error, kind);
        }
      }
    }
    if (outcome === NO_REPLY || kind.isOneWay) return 0;
    return this.#finish(outcome);
  }

  /**
   * Makes the reply to the last request an error instead, for when the kernel did not take the one
   * that was made.
   */
  fail(error: number): number {
    return this.#finish(-error);
  }

  #finish(outcome: number): number {
    const isError = outcome < 0;
    const length = isError ? OUT_HEADER.size : OUT_HEADER.size + outcome;
    this.#out[OUT.length] = length;
    this.#errorOut[OUT.error] = !isError ? 0 : outcome <= -ERROR_LIMIT ? -EIO : outcome;
    this.#out[OUT.unique] = this.#in[IN.unique]!;
    this.#out[OUT.unique + 1] = this.#in[IN.unique + 1]!;
    return length;
  }

  #report(error: unknown, kind: Opcode): void {
    try {
      this.#options.onFault?.(error, kind.name);
    } catch {
      // Whoever is told about faults may fail too, and the mount goes on all the same.
    }
  }

  /** The table's handlers. */
  static readonly #HANDLERS: Readonly<Record<HandlerName, (self: Dispatcher) => number>> = {
    lookup: (self) => self.#lookup(),
    forget: (self) => self.#forget(),
    batchForget: (self) => self.#batchForget(),
    getAttributes: (self) => self.#getAttributes(),
    statx: (self) => self.#statx(),
    readLink: (self) => self.#readLink(),
    // ENOSYS makes the kernel open, flush and close files and directories by itself from now on, and
    // keep the pages and entries that it has.
    open: () => -ENOSYS,
    openDirectory: () => -ENOSYS,
    flush: () => -ENOSYS,
    release: () => 0,
    releaseDirectory: () => 0,
    read: (self) => self.#read(),
    statFileSystem: (self) => self.#statFileSystem(),
    readDirectory: (self) => self.#readDirectory(false),
    readDirectoryPlus: (self) => self.#readDirectory(true),
    getXattr: (self) => self.#getXattr(),
    listXattr: (self) => self.#listXattr(),
    // The kernel checks permissions itself (default_permissions).
    access: () => -ENOSYS,
    seek: (self) => self.#seek(),
    interrupt: (self) => self.#interrupt(),
    init: (self) => self.#init(),
    destroy: (self) => self.#destroy(),
  };

  #init(): number {
    const outcome = answerInit(
      this.request.subarray(IN_HEADER.size, this.#length),
      this.reply.subarray(OUT_HEADER.size),
      this.#fileSystem.features,
    );
    if (outcome.refusal !== undefined) {
      this.#options.onRefusal?.(outcome.refusal);
      return -EPROTO;
    }
    if (outcome.agreement !== undefined) this.#options.onInit?.(outcome.agreement);
    return outcome.length;
  }

  #lookup(): number {
    const name = this.#name(IN_HEADER.size);
    if (name === undefined) return -EINVAL;
    this.#attributes.at = ENTRY_ATTRIBUTES;
    const error = this.#fileSystem.lookup(this.#node(), name, this.#attributes);
    const out = this.#out;
    if (error === ENOENT) {
      // Node 0 with a time: the kernel may remember that there is no such name.
      out.fill(0, OUT.body, OUT.body + ENTRY_OUT.size / 4);
      out[OUT.body + ENTRY_OUT.at.entry_valid / 4] = VALID_SECONDS;
      return ENTRY_OUT.size;
    }
    if (error !== 0) return -error;
    out[OUT.body] = out[ENTRY_ATTRIBUTES]!;
    out[OUT.body + 1] = out[ENTRY_ATTRIBUTES + 1]!;
    out[OUT.body + 2] = 0;
    out[OUT.body + 3] = 0;
    out[OUT.body + 4] = VALID_SECONDS;
    out[OUT.body + 5] = 0;
    out[OUT.body + 6] = VALID_SECONDS;
    out[OUT.body + 7] = 0;
    out[OUT.body + 8] = 0;
    out[OUT.body + 9] = 0;
    return ENTRY_OUT.size;
  }

  #getAttributes(): number {
    this.#attributes.at = ATTRIBUTES;
    const error = this.#fileSystem.getAttributes(this.#node(), this.#attributes);
    if (error !== 0) return -error;
    const out = this.#out;
    out[OUT.body] = VALID_SECONDS;
    out[OUT.body + 1] = 0;
    out[OUT.body + 2] = 0;
    out[OUT.body + 3] = 0;
    return ATTR_OUT.size;
  }

  #statx(): number {
    if (this.#fileSystem.features.statx !== true) return -ENOSYS;
    // The attributes lie behind the answer until they are moved into it.
    const from = OUT.body + STATX_OUT.size / 4;
    this.#attributes.at = from;
    const error = this.#fileSystem.getAttributes(this.#node(), this.#attributes);
    if (error !== 0) return -error;
    const out = this.#out;
    out.fill(0, OUT.body, from);
    out[OUT.body + STATX_OUT.at.attr_valid / 4] = VALID_SECONDS;
    const to = OUT.body + STATX_OUT.at.stat / 4;
    const of = (place: number): number => out[from + place / 4]!;
    out[to + STATX.at.mask / 4] = BASIC_STATS;
    out[to + STATX.at.blksize / 4] = of(ATTR.at.blksize);
    out[to + STATX.at.nlink / 4] = of(ATTR.at.nlink);
    out[to + STATX.at.uid / 4] = of(ATTR.at.uid);
    out[to + STATX.at.gid / 4] = of(ATTR.at.gid);
    out[to + STATX.at.mode / 4] = of(ATTR.at.mode);
    for (
      const [source, target] of [
        [ATTR.at.ino, STATX.at.ino],
        [ATTR.at.size, STATX.at.size],
        [ATTR.at.blocks, STATX.at.blocks],
        [ATTR.at.atime, STATX.at.atime],
        [ATTR.at.ctime, STATX.at.ctime],
        [ATTR.at.mtime, STATX.at.mtime],
      ] as const
    ) {
      out[to + target / 4] = of(source);
      out[to + target / 4 + 1] = of(source + 4);
    }
    out[to + STATX.at.atime / 4 + 2] = of(ATTR.at.atimensec);
    out[to + STATX.at.ctime / 4 + 2] = of(ATTR.at.ctimensec);
    out[to + STATX.at.mtime / 4 + 2] = of(ATTR.at.mtimensec);
    const device = of(ATTR.at.rdev);
    out[to + STATX.at.rdev_major / 4] = device >>> 8 & 0xfff;
    out[to + STATX.at.rdev_minor / 4] = (device & 0xff) | (device >>> 12 & 0xfff00);
    return STATX_OUT.size;
  }

  #readLink(): number {
    const target = this.#fileSystem.readLink(this.#node());
    if (typeof target === "number") return -target;
    if (target.length === 0 || target.length > LINK_LENGTH_MAX) return -EIO;
    this.reply.set(target, OUT_HEADER.size);
    return target.length;
  }

  #read(): number {
    const size = Math.min(this.#in[READ_SIZE]!, READ_SIZE_MAX);
    const reply = this.#readReply;
    reply.length = 0;
    reply.uniqueLow = this.#in[IN.unique]!;
    reply.uniqueHigh = this.#in[IN.unique + 1]!;
    const offset = getUint64(this.#in, READ_OFFSET);
    const error = this.#fileSystem.read(this.#node(), offset, size, reply);
    if (error === LATER) return NO_REPLY;
    if (error !== 0) return -error;
    if (!(reply.length >= 0 && reply.length <= size)) {
      throw new RangeError(`The file system gave ${reply.length} bytes where ${size} were asked`);
    }
    return reply.length;
  }

  #readDirectory(plus: boolean): number {
    const size = Math.min(this.#in[READ_SIZE]!, READ_SIZE_MAX);
    this.#page.begin(OUT_HEADER.size, size, plus);
    const offset = getUint64(this.#in, READ_OFFSET);
    const error = this.#fileSystem.readDirectory(this.#node(), offset, this.#page);
    return error === 0 ? this.#page.length : -error;
  }

  #statFileSystem(): number {
    const { sizeBytes, inodeCount } = this.#fileSystem.statFileSystem();
    encodeStruct(
      STATFS_OUT,
      {
        blocks: BigInt(Math.ceil(sizeBytes / BLOCK_SIZE)),
        files: BigInt(inodeCount),
        bsize: BLOCK_SIZE,
        frsize: BLOCK_SIZE,
        namelen: NAME_LENGTH_MAX,
      },
      this.reply,
      OUT_HEADER.size,
    );
    return STATFS_OUT.size;
  }

  #getXattr(): number {
    const fileSystem = this.#fileSystem;
    // ENOSYS: the kernel never asks again. EOPNOTSUPP would make it ask for every file.
    if (fileSystem.getXattr === undefined || fileSystem.features.xattrs === false) return -ENOSYS;
    const name = this.#name(IN_HEADER.size + GETXATTR_OUT.size);
    if (name === undefined) return -EINVAL;
    return this.#giveXattr(fileSystem.getXattr(this.#node(), name), ERANGE);
  }

  #listXattr(): number {
    const fileSystem = this.#fileSystem;
    if (fileSystem.listXattr === undefined || fileSystem.features.xattrs === false) return -ENOSYS;
    return this.#giveXattr(fileSystem.listXattr(this.#node()), ERANGE);
  }

  /** A value or list, or only how long it is where the caller has no room for it yet. */
  #giveXattr(value: Uint8Array | number, tooSmall: number): number {
    if (typeof value === "number") return -(value === 0 ? ENODATA : value);
    if (value.length > XATTR_SIZE_MAX) return -E2BIG;
    const room = this.#in[IN.body]!;
    if (room === 0) {
      this.#out[OUT.body] = value.length;
      this.#out[OUT.body + 1] = 0;
      return GETXATTR_OUT.size;
    }
    if (value.length > room) return -tooSmall;
    this.reply.set(value, OUT_HEADER.size);
    return value.length;
  }

  #seek(): number {
    const whence = this.#in[IN.body + LSEEK_IN.at.whence / 4]!;
    if (whence !== SEEK_DATA && whence !== SEEK_HOLE) return -EINVAL;
    if (this.#fileSystem.seek === undefined) return -ENOSYS;
    const offset = getUint64(this.#in, IN.body + LSEEK_IN.at.offset / 4);
    // Beyond what a file can be: an offset that is negative for C, too.
    if (offset > Number.MAX_SAFE_INTEGER) return -ENXIO;
    const found = this.#fileSystem.seek(this.#node(), offset, whence === SEEK_HOLE);
    if (found < 0) return found;
    setUint64(this.#out, OUT.body, found);
    return LSEEK_OUT.size;
  }

  #interrupt(): number {
    this.#fileSystem.interrupted?.(this.#in[IN.body]!, this.#in[IN.body + 1]!);
    return NO_REPLY;
  }

  #forget(): number {
    this.#fileSystem.forget?.(this.#node(), getUint64(this.#in, IN.body));
    return NO_REPLY;
  }

  #batchForget(): number {
    if (this.#fileSystem.forget === undefined) return NO_REPLY;
    const first = IN.body + 2;
    const wordsEach = FORGET_ONE.size / 4;
    const there = Math.floor((this.#length / 4 - first) / wordsEach);
    const count = Math.min(this.#in[IN.body]!, there);
    for (let i = 0; i < count; i++) {
      const at = first + i * wordsEach;
      this.#fileSystem.forget(getUint64(this.#in, at), getUint64(this.#in, at + 2));
    }
    return NO_REPLY;
  }

  #destroy(): number {
    this.#fileSystem.destroyed?.();
    return 0;
  }

  #node(): number {
    return getUint64(this.#in, IN.node);
  }

  /** The name from byte `at` of the request to its NUL; undefined where it has none or is empty. */
  #name(at: number): Uint8Array | undefined {
    const end = this.request.indexOf(0, at);
    if (end <= at || end >= this.#length) return undefined;
    return this.request.subarray(at, end);
  }
}
