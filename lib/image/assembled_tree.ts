/**
 * A tree that is put together entry by entry, in any order, and then packed: what an archive or the
 * layers of an image come to. Paths go through links as they would for a program that has the tree
 * as its root, so nothing ever leads out of it.
 *
 * @module
 */

import { displayByteString, sortByteStrings } from "../base/byte_string.ts";
import { Breather } from "../base/concurrency.ts";
import { ArchiveFormatError, UnsafePathError } from "../base/errors.ts";
import { joinPath } from "../tree/directory_source.ts";
import type { EntryKind, EntryMetadata, Xattrs } from "../tree/tree_entry.ts";
import type { PackDirectory, PackEntry, PackSource, PackWalkOptions } from "./pack_source.ts";

/** What is put into a tree. */
export interface AssembledEntry extends EntryMetadata {
  /** What it is. */
  readonly kind: EntryKind;
  /** Where a symbolic link points. */
  readonly linkTarget?: string;
  readonly xattrs?: Xattrs;
  /** Number of a file's content, where it has any: see `ContentFeed`. */
  content?: number;
}

/** An inode of the tree: see {@link AssembledTree.find}. */
export interface AssembledInode {
  readonly ino: number;
}

/** An inode of the tree. */
interface Node extends AssembledInode {
  entry: AssembledEntry;
  readonly ino: number;
  links: number;
  readonly children: Map<string, Node> | undefined;
}

/** What directories are that no entry describes. */
const IMPLICIT_DIRECTORY: AssembledEntry = {
  kind: "directory",
  mode: 0o040755,
  uid: 0,
  gid: 0,
  size: 0,
  mtime: 0,
  mtimeNsec: 0,
  rdev: 0,
};

/** Links that one path may go through, as in Linux. */
const LINKS_MAX = 40;

/** Stands for the device of all inodes; real ones are not negative. */
const ASSEMBLED_DEVICE = -2;

/** The tree. */
export class AssembledTree implements PackSource {
  /** See {@link PackSource.root}: all content has come before. */
  readonly root = undefined;
  readonly #name: string;
  #inos = 0;
  readonly #rootNode: Node = this.#node(IMPLICIT_DIRECTORY);
  /** The directory that was found last: most entries are in that of the one before. */
  #lastPath: string | undefined;
  #lastDirectory: Node | undefined;

  /** @param name What the tree comes from, in messages. */
  constructor(name: string) {
    this.#name = name;
  }

  /**
   * Puts `entry` at `path`. It takes the place of what is there, but a directory keeps what is in it
   * when another one comes. Directories that are missing on the way are made.
   *
   * @throws {ArchiveFormatError} when a name on the way is a file.
   * @throws {UnsafePathError} when links on the way go round in circles.
   */
  put(path: string, entry: AssembledEntry): void {
    if (path === "") {
      if (entry.kind !== "directory") throw this.#fault(path, "the root is not a directory");
      this.#rootNode.entry = entry;
      return;
    }
    const { directory, name } = this.#place(path);
    const known = directory.children!.get(name);
    if (known?.children !== undefined && entry.kind === "directory") {
      known.entry = entry;
      return;
    }
    this.#forget();
    directory.children!.set(name, this.#node(entry));
  }

  /** What is at `path`, if anything; links on the way are followed, one at its end is not. */
  find(path: string): AssembledInode | undefined {
    const found = this.#place(path, false);
    return found?.directory.children?.get(found.name);
  }

  /**
   * Makes `path` another name of what is at `target`.
   *
   * @param fallback Counts where nothing is at `target`: what {@link find} found there before.
   * @throws {ArchiveFormatError} when there is nothing at `target`, or a directory.
   */
  link(path: string, target: string, fallback?: AssembledInode): void {
    const node = (this.find(target) ?? fallback) as Node | undefined;
    if (node === undefined) {
      throw this.#fault(
        path,
        `it is a hard link to "${displayByteString(target)}", which is not there`,
      );
    }
    if (node.children !== undefined) {
      throw this.#fault(path, `it is a hard link to the directory "${displayByteString(target)}"`);
    }
    if (path === "") throw this.#fault(path, "the root is not a directory");
    const place = this.#place(path);
    if (place.directory.children!.get(place.name) === node) return;
    this.#forget();
    node.links++;
    place.directory.children!.set(place.name, node);
  }

  /**
   * Takes away what is at `path`, if anything.
   *
   * @param isReplaced Tells which paths to a link are about to become something else: what lies
   *   behind such a link stays.
   */
  remove(path: string, isReplaced: (path: string) => boolean = () => false): void {
    const place = this.#place(path, false, isReplaced);
    if (place === undefined) return;
    this.#forget();
    place.directory.children!.delete(place.name);
  }

  /** Takes away all that is in the directory at `path`, if there is one. */
  clear(path: string, isReplaced: (path: string) => boolean = () => false): void {
    const directory = path === "" ? this.#rootNode : this.#directory(path, false, isReplaced);
    if (directory === undefined) return;
    this.#forget();
    directory.children!.clear();
  }

  /** All files with content, each once. */
  *files(): Generator<AssembledEntry> {
    const seen = new Set<Node>();
    const waiting = [this.#rootNode];
    for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
      for (const child of node.children!.values()) {
        if (child.children !== undefined) waiting.push(child);
        else if (child.entry.kind === "file" && child.entry.size > 0) {
          if (child.links > 1) {
            if (seen.has(child)) continue;
            seen.add(child);
          }
          yield child.entry;
        }
      }
    }
  }

  /** See {@link PackSource.directories}. */
  async *directories(options: PackWalkOptions): AsyncGenerator<PackDirectory> {
    const breather = new Breather(options.signal);
    const waiting: { path: string; node: Node }[] = [{ path: "", node: this.#rootNode }];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const { path, node } = next;
      const entries: PackEntry[] = [];
      const directories: { path: string; node: Node }[] = [];
      for (const name of sortByteStrings([...node.children!.keys()])) {
        const child = node.children!.get(name)!;
        const childPath = joinPath(path, name);
        if (options.exclude?.(childPath, child.entry.kind) === true) continue;
        entries.push(packEntry(name, child));
        if (child.children !== undefined) directories.push({ path: childPath, node: child });
      }
      yield { path, self: packEntry("", node), entries };
      waiting.push(...directories.reverse());
      if (breather.due) await breather.breathe();
    }
  }

  #node(entry: AssembledEntry): Node {
    const children = entry.kind === "directory" ? new Map<string, Node>() : undefined;
    return { entry, ino: ++this.#inos, links: 1, children };
  }

  #forget(): void {
    this.#lastDirectory = undefined;
  }

  #place(path: string): { directory: Node; name: string };
  #place(
    path: string,
    create: false,
    isReplaced?: (path: string) => boolean,
  ): { directory: Node; name: string } | undefined;
  #place(
    path: string,
    create = true,
    isReplaced?: (path: string) => boolean,
  ): { directory: Node; name: string } | undefined {
    const slash = path.lastIndexOf("/");
    const parent = slash < 0 ? "" : path.slice(0, slash);
    const directory = this.#directory(parent, create, isReplaced);
    return directory === undefined ? undefined : { directory, name: path.slice(slash + 1) };
  }

  /** The directory at `path`, through links; undefined where there is none and none is made. */
  #directory(
    path: string,
    create: boolean,
    isReplaced?: (path: string) => boolean,
  ): Node | undefined {
    if (path === "") return this.#rootNode;
    if (this.#lastDirectory !== undefined && this.#lastPath === path) return this.#lastDirectory;
    const stack: Node[] = [this.#rootNode];
    const names = path.split("/").reverse();
    let links = 0;
    /** The path that was given, as far as no link has been gone through. */
    let walked: string | undefined = "";
    for (let name = names.pop(); name !== undefined; name = names.pop()) {
      if (name === "" || name === ".") continue;
      if (name === "..") {
        if (stack.length > 1) stack.pop();
        continue;
      }
      if (walked !== undefined) walked = joinPath(walked, name);
      const node = stack.at(-1)!;
      let child = node.children!.get(name);
      if (child === undefined) {
        if (!create) return undefined;
        child = this.#node(IMPLICIT_DIRECTORY);
        node.children!.set(name, child);
      }
      if (child.children !== undefined) {
        stack.push(child);
        continue;
      }
      const target = child.entry.linkTarget;
      if (target === undefined) {
        if (!create) return undefined;
        throw this.#fault(path, `"${displayByteString(name)}" in it is not a directory`);
      }
      if (walked !== undefined && isReplaced?.(walked) === true) return undefined;
      walked = undefined;
      if (++links > LINKS_MAX) {
        throw new UnsafePathError(displayByteString(path), "it goes through too many links");
      }
      if (target.startsWith("/")) stack.length = 1;
      names.push(...target.split("/").reverse());
    }
    this.#lastPath = path;
    this.#lastDirectory = stack.at(-1)!;
    return this.#lastDirectory;
  }

  #fault(path: string, reason: string): ArchiveFormatError {
    return new ArchiveFormatError(
      this.#name,
      `it has an entry "${displayByteString(path)}" that cannot be there: ${reason}`,
    );
  }
}

function packEntry(name: string, { entry, ino, links }: Node): PackEntry {
  return {
    ...entry,
    name,
    device: ASSEMBLED_DEVICE,
    inode: ino,
    linkCount: links,
    hasHoles: false,
    ctime: 0,
    ctimeNsec: 0,
  };
}
