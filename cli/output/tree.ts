/**
 * The tree of an image, drawn. Loads the library: import it when a command runs.
 *
 * @module
 */

import type { Image, ImageEntry } from "myfs";
import {
  displayName,
  displayPath,
  displayTarget,
  type EntryDocument,
  entryDocument,
} from "./entries.ts";

/** What is asked of an image. */
type Directories = Pick<Image, "readDirectory">;

/** An entry and its place in the drawing. */
interface Branch {
  readonly entry: ImageEntry;
  /** What stands in front of its name. */
  readonly lead: string;
}

/** One line an entry, with lines that show what belongs to what. */
export function* treeLines(
  image: Directories,
  start: ImageEntry,
  depthMax?: number,
): Generator<string> {
  for (const { entry, lead } of branches(image, start, depthMax)) {
    const name = entry === start ? displayPath(entry.path) : displayName(entry.path);
    yield lead + name + displayTarget(entry);
  }
}

/** One document an entry, in the same order. */
export function* treeDocuments(
  image: Directories,
  start: ImageEntry,
  depthMax?: number,
): Generator<EntryDocument> {
  for (const { entry } of branches(image, start, depthMax)) yield entryDocument(entry);
}

/** A directory that is being listed. A stack of these, because a tree may be deeper than calls. */
interface Level {
  readonly entries: readonly ImageEntry[];
  readonly lead: string;
  next: number;
}

function* branches(image: Directories, start: ImageEntry, depthMax = Infinity): Generator<Branch> {
  yield { entry: start, lead: "" };
  const open = (entry: ImageEntry, lead: string): Level => ({
    entries: image.readDirectory(entry.path),
    lead,
    next: 0,
  });
  const levels = start.kind === "directory" ? [open(start, "")] : [];
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    const entry = level.entries[level.next++];
    if (entry === undefined) {
      levels.pop();
      continue;
    }
    const last = level.next === level.entries.length;
    yield { entry, lead: level.lead + (last ? "└── " : "├── ") };
    if (entry.kind === "directory" && levels.length < depthMax) {
      levels.push(open(entry, level.lead + (last ? "    " : "│   ")));
    }
  }
}
