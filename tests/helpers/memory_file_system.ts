/**
 * A file system in memory, made by rules from a few numbers, so that every thread of a test makes the
 * same one and the test knows what must be in it.
 *
 * @module
 */

import { encodeByteString } from "../../lib/base/byte_string.ts";
import type { DirectoryPage } from "../../lib/fuse/directory_page.ts";
import {
  type AttributeTarget,
  DONE,
  type FileSystem,
  type FileSystemFeatures,
  type FileSystemSize,
  LATER,
  type ReadReply,
  ROOT_INO,
} from "../../lib/fuse/file_system.ts";
import {
  ATTRIBUTE_WORDS,
  type Attributes,
  encodeAttributes,
  encodeDeviceNumber,
} from "../../lib/fuse/wire_structs.ts";
import { EINVAL, EIO, EISDIR, ENODATA, ENOENT, ENOTDIR, ENXIO } from "../../lib/linux/errno.ts";

/** What is to be in it. */
export interface MemoryTree {
  /** How many directories with how many files each. */
  readonly directories: number;
  readonly filesEach: number;
  /** Bytes of each of these files. */
  readonly fileSize: number;
  /** How many empty files the directory `many` has. */
  readonly many: number;
  /** Bytes of the file `large`. */
  readonly largeSize: number;
}

/** Seconds and nanoseconds of all times. */
export const MTIME = 1_700_000_000;
export const MTIME_NSEC = 123_456_789;

const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;
const S_IFLNK = 0o120000;
const S_IFIFO = 0o010000;
const S_IFCHR = 0o020000;

interface Node {
  readonly ino: number;
  readonly mode: number;
  readonly parent: number;
  /** Names and inode numbers of a directory, in order. */
  readonly names: Uint8Array[];
  readonly children: number[];
  /** Of a directory, once someone looks for a name. */
  byName?: Map<string, number>;
  readonly size: number;
  links: number;
  readonly target?: string;
  readonly deviceNumber?: number;
  readonly xattrs?: ReadonlyMap<string, string>;
  /** Whether only every second mebibyte has data. */
  readonly isSparse?: boolean;
}

const MEBIBYTE = 1024 * 1024;

/** A prime, so that pieces of content at round offsets differ. */
const PATTERN_LENGTH = 65_521;
/** Twice, so that a piece never has to wrap around. */
const PATTERN = Uint8Array.from(
  { length: 2 * PATTERN_LENGTH },
  (_, i) => (i % PATTERN_LENGTH * 167 >>> 3) & 0xff,
);

/** Content of the file `ino` from `offset` on: different for each file and at each place. */
export function fillContent(target: Uint8Array, ino: number, offset: number): void {
  for (let at = 0; at < target.length;) {
    const from = (offset + at + ino * 31) % PATTERN_LENGTH;
    const length = Math.min(target.length - at, PATTERN_LENGTH);
    target.set(PATTERN.subarray(from, from + length), at);
    at += length;
  }
}

/** The tree as a file system. */
export class MemoryFileSystem implements FileSystem {
  readonly features: FileSystemFeatures;
  readonly #nodes: (Node | undefined)[] = [undefined];
  #words = new Uint32Array(ATTRIBUTE_WORDS);
  readonly #ofNode: string[] = [];
  /** Requests that an INTERRUPT came for. */
  readonly interrupts: [number, number][] = [];
  /** Told of reads of the file `slow`, which are answered later by somebody else. */
  onSlowRead: ((uniqueLow: number, uniqueHigh: number) => void) | undefined;

  constructor(tree: MemoryTree, features: FileSystemFeatures = {}) {
    this.features = features;
    const root = this.#add(undefined, "", { mode: S_IFDIR | 0o755 });
    for (let d = 0; d < tree.directories; d++) {
      const directory = this.#add(root, `dir${String(d).padStart(4, "0")}`, {
        mode: S_IFDIR | 0o755,
      });
      for (let f = 0; f < tree.filesEach; f++) {
        this.#add(directory, `file${String(f).padStart(4, "0")}.txt`, {
          mode: S_IFREG | 0o644,
          size: tree.fileSize,
        });
      }
    }
    const many = this.#add(root, "many", { mode: S_IFDIR | 0o755 });
    for (let i = 0; i < tree.many; i++) {
      this.#add(many, `entry-${String(i).padStart(6, "0")}`, { mode: S_IFREG | 0o600 });
    }
    this.#add(root, "large", { mode: S_IFREG | 0o644, size: tree.largeSize });
    this.#add(root, "sparse", { mode: S_IFREG | 0o644, size: 8 * MEBIBYTE, isSparse: true });
    const odd = this.#add(root, "odd", { mode: S_IFDIR | 0o755 });
    const linked = this.#add(odd, "linked", { mode: S_IFREG | 0o640, size: 5 });
    this.#link(odd, "linked again", linked);
    this.#add(odd, "with xattrs", {
      mode: S_IFREG | 0o644,
      size: 3,
      xattrs: new Map([["user.first", "value"], ["user.empty", ""], [
        "user.long",
        "x".repeat(300),
      ]]),
    });
    this.#add(odd, "not utf-8 \udcff\udc80", { mode: S_IFREG | 0o644, size: 1 });
    this.#add(odd, "new\nline", { mode: S_IFREG | 0o644, size: 1 });
    this.#add(odd, "n".repeat(255), { mode: S_IFREG | 0o644, size: 1 });
    this.#add(odd, "fifo", { mode: S_IFIFO | 0o600 });
    this.#add(odd, "device", {
      mode: S_IFCHR | 0o666,
      deviceNumber: encodeDeviceNumber(300, 70_000),
    });
    this.#add(odd, "link", { mode: S_IFLNK | 0o777, size: 6, target: "linked" });
    this.#add(odd, "long link", {
      mode: S_IFLNK | 0o777,
      size: 4095,
      target: "t/".repeat(2047) + "x",
    });
    this.#add(odd, "setuid", { mode: S_IFREG | 0o6755, size: 10 });
    this.#add(odd, "private", { mode: S_IFREG | 0o000, size: 10 });
    this.#add(root, "slow", { mode: S_IFREG | 0o644, size: 4096 });
    this.#add(root, "broken", { mode: S_IFREG | 0o644, size: 4096 });
    this.#encode();
  }

  /** Number of the inode at a path of names joined by `/`; undefined where there is none. */
  inoOf(path: string): number | undefined {
    let ino: number | undefined = ROOT_INO;
    for (const name of path.split("/").filter((part) => part !== "")) {
      ino = ino === undefined ? undefined : this.#child(ino, name);
    }
    return ino;
  }

  get inodeCount(): number {
    return this.#nodes.length - 1;
  }

  lookup(directory: number, name: Uint8Array, found: AttributeTarget): number {
    const node = this.#nodes[directory];
    if (node === undefined) return ENOENT;
    if ((node.mode & 0o170000) !== S_IFDIR) return ENOTDIR;
    const ino = this.#child(directory, latin(name));
    if (ino === undefined) return ENOENT;
    found.copyFrom(this.#words, ino * ATTRIBUTE_WORDS);
    return DONE;
  }

  getAttributes(ino: number, found: AttributeTarget): number {
    if (this.#nodes[ino] === undefined) return ENOENT;
    found.copyFrom(this.#words, ino * ATTRIBUTE_WORDS);
    return DONE;
  }

  readDirectory(directory: number, offset: number, page: DirectoryPage): number {
    const node = this.#nodes[directory];
    if (node === undefined) return ENOENT;
    if ((node.mode & 0o170000) !== S_IFDIR) return ENOTDIR;
    if (offset === 0 && !page.addDots(1, directory, 1)) return DONE;
    if (offset <= 1 && !page.addDots(2, node.parent, 2)) return DONE;
    for (let i = Math.max(offset - 2, 0); i < node.children.length; i++) {
      const name = node.names[i]!;
      const at = node.children[i]! * ATTRIBUTE_WORDS;
      if (!page.add(name, 0, name.length, this.#words, at, i + 3)) break;
    }
    return DONE;
  }

  readLink(ino: number): Uint8Array | number {
    const node = this.#nodes[ino];
    if (node === undefined) return ENOENT;
    return node.target === undefined ? EINVAL : encodeByteString(node.target);
  }

  read(ino: number, offset: number, size: number, reply: ReadReply): number {
    const node = this.#nodes[ino];
    if (node === undefined) return ENOENT;
    if ((node.mode & 0o170000) === S_IFDIR) return EISDIR;
    const name = this.#ofNode[ino];
    if (name === "broken") throw new Error("a fault on purpose");
    if (name === "slow" && this.onSlowRead !== undefined) {
      this.onSlowRead(reply.uniqueLow, reply.uniqueHigh);
      return LATER;
    }
    const length = Math.max(0, Math.min(size, node.size - offset));
    const target = reply.bytes.subarray(reply.at, reply.at + length);
    fillContent(target, ino, offset);
    if (node.isSparse === true) {
      for (let i = 0; i < length; i++) if ((offset + i >>> 20) % 2 === 1) target[i] = 0;
    }
    reply.length = length;
    return DONE;
  }

  seek(ino: number, offset: number, hole: boolean): number {
    const node = this.#nodes[ino];
    if (node === undefined) return -ENOENT;
    if (offset >= node.size) return -ENXIO;
    if (node.isSparse !== true) return hole ? node.size : offset;
    const isInHole = Math.floor(offset / MEBIBYTE) % 2 === 1;
    const next = (Math.floor(offset / MEBIBYTE) + 1) * MEBIBYTE;
    if (hole) return isInHole ? offset : Math.min(next, node.size);
    if (!isInHole) return offset;
    return next < node.size ? next : -ENXIO;
  }

  getXattr(ino: number, name: Uint8Array): Uint8Array | number {
    const value = this.#nodes[ino]?.xattrs?.get(latin(name));
    return value === undefined ? ENODATA : encodeByteString(value);
  }

  listXattr(ino: number): Uint8Array | number {
    const node = this.#nodes[ino];
    if (node === undefined) return ENOENT;
    return encodeByteString([...node.xattrs?.keys() ?? []].map((name) => `${name}\0`).join(""));
  }

  statFileSystem(): FileSystemSize {
    return { sizeBytes: 12_345_678, inodeCount: this.inodeCount };
  }

  interrupted(uniqueLow: number, uniqueHigh: number): void {
    this.interrupts.push([uniqueLow, uniqueHigh]);
  }

  /** What the inode at `ino` is; for comparisons. */
  attributesOf(ino: number): Attributes {
    const node = this.#nodes[ino];
    if (node === undefined) throw new RangeError(`There is no inode ${ino}`);
    return {
      ino,
      size: node.size,
      blocks: Math.ceil(node.size / 512),
      mtime: MTIME,
      mtimeNsec: MTIME_NSEC,
      mode: node.mode,
      linkCount: node.links,
      uid: 0,
      gid: 0,
      deviceNumber: node.deviceNumber ?? 0,
    };
  }

  #add(
    parent: Node | undefined,
    name: string,
    what: Partial<Node> & { readonly mode: number },
  ): Node {
    const isDirectory = (what.mode & 0o170000) === S_IFDIR;
    const node: Node = {
      size: 0,
      links: isDirectory ? 2 : 1,
      ...what,
      ino: this.#nodes.length,
      parent: parent?.ino ?? ROOT_INO,
      names: [],
      children: [],
    };
    this.#nodes.push(node);
    this.#ofNode[node.ino] = name;
    if (parent !== undefined) {
      parent.names.push(encodeByteString(name));
      parent.children.push(node.ino);
      if (isDirectory) parent.links++;
    }
    return node;
  }

  #link(parent: Node, name: string, node: Node): void {
    parent.names.push(encodeByteString(name));
    parent.children.push(node.ino);
    node.links++;
  }

  #encode(): void {
    this.#words = new Uint32Array(this.#nodes.length * ATTRIBUTE_WORDS);
    for (let ino = 1; ino < this.#nodes.length; ino++) {
      encodeAttributes(this.#words, ino * ATTRIBUTE_WORDS, this.attributesOf(ino));
    }
  }

  #child(directory: number, name: string): number | undefined {
    const node = this.#nodes[directory];
    if (node === undefined) return undefined;
    if (node.byName === undefined) {
      node.byName = new Map(node.children.map((ino, i) => [latin(node.names[i]!), ino]));
    }
    return node.byName.get(name) ?? node.byName.get(latin(encodeByteString(name)));
  }
}

/** One character a byte: a key for any name. */
function latin(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

/** What a fault in the file system looks like to programs. */
export const FAULT_ERRNO = EIO;
