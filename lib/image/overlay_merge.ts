/**
 * The tree that an overlay shows: an image, and the upper directory with what was changed since.
 *
 * @module
 */

import { compareByteStrings, displayByteString } from "../base/byte_string.ts";
import { Breather } from "../base/concurrency.ts";
import { PathNotFoundError, UnsafePathError, UnsupportedError } from "../base/errors.ts";
import type { FlistReader, Inode } from "../flist/flist_reader.ts";
import { ROOT_INO } from "../flist/flist_record.ts";
import { joinPath, scanDirectory, type ScannedEntry } from "../tree/directory_source.ts";
import { isWhiteout, marksOf, type OverlayNames } from "./overlay_marks.ts";
import type { PackDirectory, PackEntry, PackSource, PackWalkOptions } from "./pack_source.ts";

/** The overlay. */
export interface OverlayMergeOptions {
  /** Path of the upper directory. */
  readonly upper: string;
  /** The image below; stays the caller's. */
  readonly base: FlistReader;
  /** Under which names the upper directory has its marks. */
  readonly names: OverlayNames;
  /** Whether to follow marks that say where an entry was before, and that its content is there. */
  readonly followRedirects: boolean;
  /** Called for each file whose content is to be the base's; what it throws ends the walk. */
  readonly onBaseContent: (ino: number, path: string) => void;
}

/** A directory that the walk comes to. */
interface Place {
  readonly path: string;
  readonly self: PackEntry;
  /** The directory of the base that shows in it. */
  readonly baseIno: number | undefined;
  /** Whether it is in the upper directory too. */
  readonly isUpper: boolean;
}

/** An entry of the merged tree, and for a directory, what its own entries are made of. */
interface Merged {
  readonly entry: PackEntry;
  readonly baseIno: number | undefined;
  readonly isUpper: boolean;
}

/** Stands for the device of what is in the base; real ones are not negative. */
const BASE_DEVICE = -1;

/** Long enough for what an overlay does; its own limit is 256 bytes. */
const REDIRECT_SHOWN_MAX = 300;

/**
 * The entries that the kernel would show, with what it would show of them, in the order of a walk.
 * Files that lie in the upper directory have their content there, all others in the base.
 *
 * Everything is as the kernel's overlay of one lower layer has it. What the base has and an overlay
 * cannot show (character devices 0/0, marks of other overlays) is left out, and told as a loss.
 *
 * The walk ends with an error where the upper directory cannot be read, or does not belong to the
 * base: what lies below it would show, and be wrong.
 */
export class OverlayMerge implements PackSource {
  /** See {@link PackSource.root}. */
  readonly root: string;
  readonly #options: OverlayMergeOptions;
  readonly #base: FlistReader;
  readonly #baseXattrs: ReadonlySet<number>;
  readonly #baseLinked: ReadonlySet<number>;
  #onLoss: PackWalkOptions["onLoss"] = () => {};
  #upperEntries = 0;
  #whiteouts = 0;

  /** Reads nothing of the upper directory yet. */
  constructor(options: OverlayMergeOptions) {
    this.root = options.upper;
    this.#options = options;
    this.#base = options.base;
    this.#baseXattrs = options.base.xattrOwners();
    this.#baseLinked = options.base.linkedInodes();
  }

  /** Entries of the tree that were in the upper directory, but for the root. */
  get upperEntries(): number {
    return this.#upperEntries;
  }

  /** Names of the base that a whiteout took away, a directory with all that was in it as one. */
  get whiteouts(): number {
    return this.#whiteouts;
  }

  /** See {@link PackSource.directories}. */
  async *directories(options: PackWalkOptions): AsyncGenerator<PackDirectory> {
    this.#onLoss = options.onLoss;
    // Names in the upper directory that are left out must not let show what lies below them.
    const excluded = new Set<string>();
    const isExcluded = (path: string, kind: Inode["kind"]): boolean =>
      options.exclude?.(path, kind) === true;
    const breather = new Breather(options.signal);
    await using upper = scanDirectory(this.root, {
      ...options,
      exclude: (path, kind) => {
        const isLeftOut = isExcluded(path, kind);
        if (isLeftOut) excluded.add(path);
        return isLeftOut;
      },
      onFailure: (_, error) => {
        throw error;
      },
    });
    const waiting: (Place | undefined)[] = [undefined];
    while (waiting.length > 0) {
      let place = waiting.pop();
      let found: readonly ScannedEntry[] = [];
      // Both walks are depth first in the order of names, so the upper one's next directory is this.
      if (place === undefined || place.isUpper) {
        const next = await upper.next();
        if (next.done === true) throw new Error("The walk of the upper directory ended early");
        place ??= this.#rootPlace(next.value.self);
        found = next.value.entries;
      }
      const { path, self } = place;
      const merged = this.#merge(place, found).filter(({ entry, isUpper }) => {
        const entryPath = joinPath(path, entry.name);
        return isUpper || !(excluded.has(entryPath) || isExcluded(entryPath, entry.kind));
      });
      excluded.clear();
      yield { path, self, entries: merged.map(({ entry }) => entry) };
      for (const { entry, baseIno, isUpper } of merged.toReversed()) {
        if (entry.kind !== "directory") continue;
        waiting.push({ path: joinPath(path, entry.name), self: entry, baseIno, isUpper });
      }
      if (breather.due) await breather.breathe();
    }
  }

  /** The root is always that of both, whatever is written on it. */
  #rootPlace(self: ScannedEntry): Place {
    const { xattrs } = marksOf(self, this.#options.names);
    return { path: "", self: withXattrs(self, xattrs), baseIno: ROOT_INO, isUpper: true };
  }

  /** The entries of one directory, from two lists in the order of name bytes. */
  #merge(place: Place, found: readonly ScannedEntry[]): Merged[] {
    const merged: Merged[] = [];
    const below: Iterator<Inode> = place.baseIno === undefined
      ? [].values()
      : this.#base.children(place.baseIno);
    let lower = below.next();
    const take = (inode: Inode): void => {
      const entry = this.#baseEntry(inode, joinPath(place.path, inode.name));
      if (entry === undefined) return;
      const baseIno = inode.kind === "directory" ? inode.ino : undefined;
      merged.push({ entry, baseIno, isUpper: false });
    };
    for (const entry of found) {
      let order = 1;
      while (lower.done !== true) {
        order = compareByteStrings(lower.value.name, entry.name);
        if (order >= 0) break;
        take(lower.value);
        lower = below.next();
      }
      const covers = lower.done !== true && order === 0;
      if (covers) lower = below.next();
      if (isWhiteout(entry, this.#options.names)) {
        if (covers) this.#whiteouts++;
        continue;
      }
      this.#upperEntries++;
      merged.push(this.#upperEntry(place, entry));
    }
    for (; lower.done !== true; lower = below.next()) take(lower.value);
    return merged;
  }

  #upperEntry(place: Place, entry: ScannedEntry): Merged {
    const path = joinPath(place.path, entry.name);
    const marks = marksOf(entry, this.#options.names);
    const { redirect } = marks;
    const shown = withXattrs(entry, marks.xattrs);
    if (entry.kind === "directory") {
      const below = marks.isOpaque ? undefined : this.#below(place, entry.name, redirect, path);
      if (redirect !== undefined && below?.kind !== "directory") {
        throw this.#notInBase("directory", redirect, path);
      }
      const baseIno = below?.kind === "directory" ? below.ino : undefined;
      return { entry: shown, baseIno, isUpper: true };
    }
    // Indexed inodes have one more name, in the index; the others are in the upper directory, or else
    // they are names in the base that show this file too, and nothing here says which.
    if (marks.linkCount !== undefined && marks.linkCount !== "U-1") throw indexedLink(path);
    if (!marks.isMetacopy) return { entry: shown, baseIno: undefined, isUpper: true };
    if (!this.#options.followRedirects) throw untrustedRedirect(path);
    const below = this.#below(place, entry.name, redirect, path);
    if (below?.kind !== "file") throw this.#notInBase("file", redirect ?? path, path);
    if (below.size !== entry.size) {
      const { size } = below;
      throw new UnsupportedError(
        `Cannot take the content of ${displayByteString(path)} from ${this.#base.path}: ` +
          `it has ${size} bytes there, and ${entry.size} in the overlay`,
        { hint: OTHER_BASE_HINT },
      );
    }
    if (below.size === 0) return { entry: shown, baseIno: undefined, isUpper: true };
    const baseIno = below.hardLinkTo ?? below.ino;
    this.#options.onBaseContent(baseIno, path);
    return { entry: { ...shown, baseIno }, baseIno: undefined, isUpper: true };
  }

  /** What the base has below an entry of the upper directory, as far as an overlay shows it. */
  #below(
    place: Place,
    name: string,
    redirect: string | undefined,
    path: string,
  ): Inode | undefined {
    if (redirect === undefined) return this.#child(place.baseIno, name);
    if (!this.#options.followRedirects) throw untrustedRedirect(path);
    if (!redirect.startsWith("/")) return this.#child(place.baseIno, redirect);
    // No name in a flist is empty or `..`, so none such is found.
    let inode = this.#base.inode(ROOT_INO);
    for (const part of redirect.slice(1).split("/")) {
      inode = inode?.kind === "directory" ? this.#child(inode.ino, part) : undefined;
    }
    return inode;
  }

  #child(directory: number | undefined, name: string): Inode | undefined {
    const child = directory === undefined ? undefined : this.#base.child(directory, name);
    return child === undefined || this.#isHidden(child) ? undefined : child;
  }

  /** An overlay takes whiteouts for what they are in whichever layer they lie. */
  #isHidden(inode: Inode): boolean {
    const { names } = this.#options;
    return isWhiteout(inode, names) || (inode.kind === "file" && inode.size === 0 &&
      isWhiteout({ ...inode, ...this.#xattrsOf(inode.hardLinkTo ?? inode.ino) }, names));
  }

  #xattrsOf(ino: number): Pick<PackEntry, "xattrs"> {
    return this.#baseXattrs.has(ino) ? { xattrs: this.#base.xattrs(ino) } : {};
  }

  /** An entry that the upper directory does not have; undefined where an overlay hides it. */
  #baseEntry(inode: Inode, path: string): PackEntry | undefined {
    if (this.#isHidden(inode)) {
      this.#onLoss("entry of the base that an overlay takes for a whiteout", path);
      return undefined;
    }
    const ino = inode.hardLinkTo ?? inode.ino;
    const first = inode.hardLinkTo === undefined ? inode : this.#base.inode(ino) ?? inode;
    const { kind, mode, uid, gid, size, mtime, mtimeNsec, rdev, linkTarget } = first;
    const { xattrs, hidesXattrs } = marksOf(
      { kind, size, rdev, ...this.#xattrsOf(ino) },
      this.#options.names,
    );
    if (hidesXattrs) {
      this.#onLoss("extended attribute of the base that an overlay hides", path);
    }
    const hasContent = kind === "file" && size > 0;
    if (hasContent) this.#options.onBaseContent(ino, path);
    return {
      name: inode.name,
      kind,
      mode,
      uid,
      gid,
      size,
      mtime,
      mtimeNsec,
      rdev,
      device: BASE_DEVICE,
      inode: ino,
      linkCount: this.#baseLinked.has(ino) ? 2 : 1,
      hasHoles: false,
      ctime: 0,
      ctimeNsec: 0,
      ...(linkTarget === undefined ? {} : { linkTarget }),
      ...(xattrs === undefined ? {} : { xattrs }),
      ...(hasContent ? { baseIno: ino } : {}),
    };
  }

  #notInBase(kind: string, redirect: string, path: string): PathNotFoundError {
    const shown = displayByteString(redirect);
    return new PathNotFoundError(
      `${kind} ${shown.slice(0, REDIRECT_SHOWN_MAX)}`,
      `${this.#base.path}, from where the overlay has ${displayByteString(path)}`,
      { hint: OTHER_BASE_HINT },
    );
  }
}

const OTHER_BASE_HINT =
  "The upper directory belongs to an overlay over another image: name that one as the base.";

/** `entry` with the attributes that show. */
function withXattrs(entry: ScannedEntry, xattrs: ScannedEntry["xattrs"]): PackEntry {
  if (xattrs === entry.xattrs) return entry;
  const { xattrs: _, ...others } = entry;
  return xattrs === undefined ? others : { ...others, xattrs };
}

function indexedLink(path: string): UnsupportedError {
  return new UnsupportedError(
    `Cannot commit ${
      displayByteString(path)
    }: the overlay, mounted with index=on, shows it under ` +
      "further names of the base, and the upper directory does not say which",
    { hint: "Pack the mounted overlay with --base instead, or mount it with index=off." },
  );
}

function untrustedRedirect(path: string): UnsafePathError {
  return new UnsafePathError(
    displayByteString(path),
    "it refers to another place in the base by an attribute that its owner may have written",
    { hint: "If you trust whoever wrote the upper directory, pass --userxattr." },
  );
}
