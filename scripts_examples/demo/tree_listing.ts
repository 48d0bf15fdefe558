/**
 * A tree as a list of what can be known about each entry, made with Deno's own file system calls: it
 * shares no code with myfs, so that two equal lists prove something.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { displayByteString } from "myfs";

/** How to list. */
export interface ListTreeOptions {
  /** Whether owners count, and setuid and setgid bits, which speak of owners. */
  readonly owners: boolean;
  /** Paths to leave out with all below them, escaped as myfs escapes them. */
  readonly skip: ReadonlySet<string>;
  /** Stops the listing. */
  readonly signal: AbortSignal;
}

const PART_SIZE = 1024 * 1024;
const SET_ID_BITS = 0o6000;

/**
 * Kind, mode, owner, size, time in milliseconds, link target, hard links and SHA-256 of the content
 * of each entry below `root`, by path. A name that is not UTF-8 is listed as Deno shows it, without
 * all that, because Deno has no way to such a file.
 */
export async function listTree(
  root: string,
  options: ListTreeOptions,
): Promise<Map<string, string>> {
  const listing = new Map<string, string>();
  const describer = new EntryDescriber(options);
  listing.set(".", await describer.describe(root, "."));
  const waiting = [""];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    for (const name of namesIn(`${root}/${path}`)) {
      const entryPath = path === "" ? name : `${path}/${name}`;
      const shownPath = displayByteString(entryPath);
      if (options.skip.has(shownPath)) continue;
      const description = await describer.describe(`${root}/${entryPath}`, shownPath);
      listing.set(shownPath, description);
      if (description.startsWith("directory")) waiting.push(entryPath);
    }
  }
  return listing;
}

/** Up to `countMax` sentences on how two lists differ, and how many there are in all. */
export function compareListings(
  left: ReadonlyMap<string, string>,
  right: ReadonlyMap<string, string>,
  countMax: number,
): { readonly count: number; readonly examples: readonly string[] } {
  const differences: string[] = [];
  for (const [path, description] of left) {
    const other = right.get(path);
    if (other === undefined) differences.push(`${path} is missing`);
    else if (other !== description) differences.push(`${path} was ${description}, is ${other}`);
  }
  for (const path of right.keys()) if (!left.has(path)) differences.push(`${path} is new`);
  return { count: differences.length, examples: differences.slice(0, countMax) };
}

class EntryDescriber {
  readonly #owners: boolean;
  readonly #signal: AbortSignal;
  readonly #firstNames = new Map<string, string>();
  readonly #part = new Uint8Array(PART_SIZE);

  constructor({ owners, signal }: ListTreeOptions) {
    this.#owners = owners;
    this.#signal = signal;
  }

  async describe(path: string, shownPath: string): Promise<string> {
    this.#signal.throwIfAborted();
    let info: Deno.FileInfo;
    try {
      info = await Deno.lstat(path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound && path.includes("\ufffd")) return "not UTF-8";
      throw error;
    }
    const kind = kindOf(info);
    const mode = (info.mode ?? 0) & (this.#owners ? 0o7777 : 0o7777 & ~SET_ID_BITS);
    const facts = [kind, mode.toString(8), `modified ${info.mtime?.toISOString()}`];
    if (this.#owners) facts.push(`owner ${info.uid}:${info.gid}`);
    if (kind === "device") facts.push(`number ${info.rdev}`);
    if (kind === "link") facts.push(`to ${displayByteString(await Deno.readLink(path))}`);
    if (kind === "directory") return facts.join(", ");
    if ((info.nlink ?? 1) > 1) {
      const identity = `${info.dev}:${info.ino}`;
      const first = this.#firstNames.get(identity);
      if (first !== undefined) return [...facts, `the same file as ${first}`].join(", ");
      this.#firstNames.set(identity, shownPath);
    }
    if (kind === "file") facts.push(`${info.size} bytes`, `SHA-256 ${await this.#digest(path)}`);
    return facts.join(", ");
  }

  async #digest(path: string): Promise<string> {
    const hash = createHash("sha256");
    using file = await Deno.open(path);
    for (;;) {
      const length = await file.read(this.#part);
      if (length === null) return hash.digest("hex");
      this.#signal.throwIfAborted();
      hash.update(this.#part.subarray(0, length));
    }
  }
}

function namesIn(path: string): string[] {
  return Array.from(Deno.readDirSync(path), ({ name }) => name).sort();
}

function kindOf(info: Deno.FileInfo): string {
  if (info.isDirectory) return "directory";
  if (info.isSymlink) return "link";
  if (info.isFile) return "file";
  if (info.isFifo) return "fifo";
  return info.isSocket ? "socket" : "device";
}
