/**
 * What differs between two images, from their flists alone.
 *
 * @module
 */

import { equalBytes, toHex } from "../base/bytes.ts";
import { compareByteStrings, sortByteStrings } from "../base/byte_string.ts";
import { type Extent, FlistReader, type Inode } from "../flist/flist_reader.ts";
import { ROOT_INO } from "../flist/flist_record.ts";
import { joinPath } from "../tree/directory_source.ts";
import { pathOf } from "./image.ts";

/** An aspect of an entry. */
export type EntryAspect =
  | "kind"
  | "content"
  | "size"
  | "mode"
  | "owner"
  | "mtime"
  | "target"
  | "device"
  | "xattrs"
  | "links";

/** An entry that both images have and that is not the same in both. */
export interface ChangedEntry {
  /** Path from the root, a byte string. */
  readonly path: string;
  /** What differs. */
  readonly changes: readonly EntryAspect[];
}

/** The differences between a left and a right image. */
export interface ImageDiff {
  /** Paths that only the right image has: byte strings, in order. */
  readonly added: readonly string[];
  /** Paths that only the left image has. */
  readonly removed: readonly string[];
  /** Entries that differ. */
  readonly changed: readonly ChangedEntry[];
  /** Blocks of the right image that the left one does not have. */
  readonly blocksAdded: number;
  /** Their bytes: what has to be fetched to get from left to right. */
  readonly blockBytesAdded: number;
}

/**
 * Compares the flists `left` and `right`. Content is compared by digest where both flists know it,
 * else by chunks; between profiles that share neither, files of equal size and time count as equal,
 * as they do for rsync.
 *
 * @throws {FlistFormatError} when one of them is damaged or hostile.
 *
 * @example
 * ```ts
 * import { diffImages, packDirectory } from "myfs";
 *
 * const folder = await Deno.makeTempDir();
 * await Deno.mkdir(`${folder}/tree`);
 * const store = `dir://${folder}/blocks`;
 * await packDirectory(`${folder}/tree`, { meta: `${folder}/1.fl`, store });
 * await Deno.writeTextFile(`${folder}/tree/new.txt`, "new");
 * await packDirectory(`${folder}/tree`, { meta: `${folder}/2.fl`, store });
 * const diff = await diffImages(`${folder}/1.fl`, `${folder}/2.fl`);
 * console.assert(diff.added.join() === "new.txt" && diff.removed.length === 0);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export function diffImages(left: string, right: string): Promise<ImageDiff> {
  return Promise.try(() => compareFlists(left, right));
}

function compareFlists(left: string, right: string): ImageDiff {
  using leftFlist = FlistReader.open(left);
  using rightFlist = FlistReader.open(right);
  leftFlist.validate({ allowIncomplete: true });
  rightFlist.validate({ allowIncomplete: true });
  const comparison = new Comparison(leftFlist, rightFlist);
  comparison.compareTrees();
  const blocks = addedBlocks(leftFlist, rightFlist);
  return {
    added: comparison.added,
    removed: comparison.removed,
    changed: comparison.changed,
    blocksAdded: blocks.count,
    blockBytesAdded: blocks.bytes,
  };
}

class Comparison {
  readonly added: string[] = [];
  readonly removed: string[] = [];
  readonly changed: ChangedEntry[] = [];
  readonly #left: FlistReader;
  readonly #right: FlistReader;
  readonly #leftXattrs: ReadonlySet<number>;
  readonly #rightXattrs: ReadonlySet<number>;

  constructor(left: FlistReader, right: FlistReader) {
    this.#left = left;
    this.#right = right;
    this.#leftXattrs = left.xattrOwners();
    this.#rightXattrs = right.xattrOwners();
  }

  compareTrees(): void {
    const root = { path: "", left: ROOT_INO, right: ROOT_INO };
    this.#compareEntries("", this.#left.inode(ROOT_INO)!, this.#right.inode(ROOT_INO)!);
    const waiting = [root];
    for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
      const { path } = at;
      const right = new Map(this.#right.children(at.right).map((inode) => [inode.name, inode]));
      const deeper: (typeof root)[] = [];
      for (const inode of this.#left.children(at.left)) {
        const childPath = joinPath(path, inode.name);
        const other = right.get(inode.name);
        right.delete(inode.name);
        if (other === undefined) {
          this.#addTree(this.removed, this.#left, inode, childPath);
          continue;
        }
        this.#compareEntries(childPath, inode, other);
        if (inode.kind === "directory" && other.kind === "directory") {
          deeper.push({ path: childPath, left: inode.ino, right: other.ino });
        } else {
          if (inode.kind === "directory") {
            this.#addChildren(this.removed, this.#left, inode, childPath);
          }
          if (other.kind === "directory") {
            this.#addChildren(this.added, this.#right, other, childPath);
          }
        }
      }
      for (const inode of right.values()) {
        this.#addTree(this.added, this.#right, inode, joinPath(path, inode.name));
      }
      waiting.push(...deeper.reverse());
    }
    sortByteStrings(this.added);
    sortByteStrings(this.removed);
    this.changed.sort((a, b) => compareByteStrings(a.path, b.path));
  }

  #addTree(list: string[], flist: FlistReader, inode: Inode, path: string): void {
    list.push(path);
    if (inode.kind === "directory") this.#addChildren(list, flist, inode, path);
  }

  #addChildren(list: string[], flist: FlistReader, directory: Inode, path: string): void {
    const waiting = [{ ino: directory.ino, path }];
    for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
      for (const child of flist.children(at.ino)) {
        const childPath = joinPath(at.path, child.name);
        list.push(childPath);
        if (child.kind === "directory") waiting.push({ ino: child.ino, path: childPath });
      }
    }
  }

  #compareEntries(path: string, left: Inode, right: Inode): void {
    const changes: EntryAspect[] = [];
    const differs = (aspect: EntryAspect, isDifferent: boolean): void => {
      if (isDifferent) changes.push(aspect);
    };
    differs("kind", left.kind !== right.kind);
    if (left.kind === right.kind) {
      differs("mode", left.mode !== right.mode);
      differs("target", left.linkTarget !== right.linkTarget);
      differs("device", left.rdev !== right.rdev);
      differs("size", left.kind === "file" && left.size !== right.size);
      differs("content", left.kind === "file" && !this.#haveEqualContent(left, right));
      differs("links", this.#firstName(this.#left, left) !== this.#firstName(this.#right, right));
    }
    differs("owner", left.uid !== right.uid || left.gid !== right.gid);
    differs("mtime", !this.#haveEqualTimes(left, right));
    differs("xattrs", !this.#haveEqualXattrs(left, right));
    if (changes.length > 0) this.changed.push({ path, changes });
  }

  #haveEqualTimes(left: Inode, right: Inode): boolean {
    if (left.mtime !== right.mtime) return false;
    // The rfs profile has whole seconds only.
    return left.mtimeNsec === right.mtimeNsec || this.#left.profile !== this.#right.profile;
  }

  #haveEqualContent(left: Inode, right: Inode): boolean {
    if (left.size !== right.size) return false;
    if (left.size === 0) return true;
    const leftDigest = this.#left.digest(left.hardLinkTo ?? left.ino);
    const rightDigest = this.#right.digest(right.hardLinkTo ?? right.ino);
    if (leftDigest !== undefined && rightDigest !== undefined) {
      return equalBytes(leftDigest, rightDigest);
    }
    if (this.#left.profile !== this.#right.profile) return left.mtime === right.mtime;
    return extentsText(this.#left, left) === extentsText(this.#right, right);
  }

  /** Path of the first name, where `inode` is a further one. */
  #firstName(flist: FlistReader, inode: Inode): string | undefined {
    if (inode.hardLinkTo === undefined || this.#left.profile !== this.#right.profile) {
      return undefined;
    }
    return pathOf(flist, flist.inode(inode.hardLinkTo)!);
  }

  #haveEqualXattrs(left: Inode, right: Inode): boolean {
    const leftIno = left.hardLinkTo ?? left.ino;
    const rightIno = right.hardLinkTo ?? right.ino;
    const leftHas = this.#leftXattrs.has(leftIno);
    if (leftHas !== this.#rightXattrs.has(rightIno)) return false;
    if (!leftHas) return true;
    const leftXattrs = this.#left.xattrs(leftIno);
    const rightXattrs = this.#right.xattrs(rightIno);
    if (leftXattrs.size !== rightXattrs.size) return false;
    for (const [name, value] of leftXattrs) {
      const other = rightXattrs.get(name);
      if (other === undefined || !equalBytes(value, other)) return false;
    }
    return true;
  }
}

/** The content of a file as far as chunks tell: equal texts are equal contents. */
function extentsText(flist: FlistReader, inode: Inode): string {
  const describe = ({ fileOffset, chunk, chunkOffset, length }: Extent): string =>
    `${fileOffset} ${toHex(flist.chunk(chunk).key.toBytes())} ${chunkOffset} ${length}`;
  return flist.extents(inode.ino).map(describe).join("\n");
}

function addedBlocks(left: FlistReader, right: FlistReader): { count: number; bytes: number } {
  const known = new Set(Iterator.from(left.chunks()).map(({ ref }) => ref.id));
  let count = 0;
  let bytes = 0;
  for (const { ref } of right.chunks()) {
    if (known.has(ref.id)) continue;
    known.add(ref.id);
    count++;
    bytes += ref.storedSize ?? ref.size;
  }
  return { count, bytes };
}
