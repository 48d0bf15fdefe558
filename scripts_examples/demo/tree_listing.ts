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
  /** Bytes of each file that are read. @default all */
  readonly bytesMax?: number;
  /** Stops the listing. */
  readonly signal: AbortSignal;
}

/** Files of at least this many bytes are read in parts. */
const LARGE_FILE_SIZE_MIN = 4 * 1024 * 1024;
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
  const describer = new EntryDescriber(options.owners);
  const waiting = [{ path: "", shownPath: "." }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const full = `${root}/${next.path}`;
    const { kind, size, facts } = describer.describe(full, next.shownPath);
    const digest = size === 0
      ? ""
      : size < LARGE_FILE_SIZE_MIN
      ? digestOf(full)
      : await digestOfLarge(full, options);
    listing.set(next.shownPath, digest === "" ? facts : `${facts}, SHA-256 ${digest}`);
    if (kind === "directory") {
      for (const name of namesIn(full)) {
        const path = next.path === "" ? name : `${next.path}/${name}`;
        const shownPath = displayByteString(path);
        if (!options.skip.has(shownPath)) waiting.push({ path, shownPath });
      }
    }
    if (listing.size % 128 === 0) await breathe(options.signal);
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

interface EntryDescription {
  readonly kind: string;
  /** Bytes of content of a file, else 0. */
  readonly size: number;
  readonly facts: string;
}

/** Says all about entries but the content of files: synchronously, which takes a third of the time. */
class EntryDescriber {
  readonly #owners: boolean;
  readonly #firstNames = new Map<string, string>();

  constructor(owners: boolean) {
    this.#owners = owners;
  }

  describe(path: string, shownPath: string): EntryDescription {
    const info = statusOf(path);
    if (info === undefined) return { kind: "unknown", size: 0, facts: "its name is not UTF-8" };
    const kind = kindOf(info);
    const mode = (info.mode ?? 0) & (this.#owners ? 0o7777 : 0o7777 & ~SET_ID_BITS);
    const facts = [kind, mode.toString(8), `modified ${info.mtime?.toISOString()}`];
    if (this.#owners) facts.push(`owner ${info.uid}:${info.gid}`);
    if (kind === "device") facts.push(`number ${info.rdev}`);
    if (kind === "link") facts.push(`to ${displayByteString(Deno.readLinkSync(path))}`);
    if (kind === "file") facts.push(`${info.size} bytes`);
    if (kind !== "directory" && (info.nlink ?? 1) > 1) {
      const identity = `${info.dev}:${info.ino}`;
      const first = this.#firstNames.get(identity);
      if (first !== undefined) facts.push(`the same inode as ${first}`);
      else this.#firstNames.set(identity, shownPath);
    }
    return { kind, size: kind === "file" ? info.size : 0, facts: facts.join(", ") };
  }
}

function statusOf(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound && path.includes("\ufffd")) return undefined;
    throw error;
  }
}

function digestOf(path: string): string {
  return createHash("sha256").update(Deno.readFileSync(path)).digest("hex");
}

async function digestOfLarge(
  path: string,
  { bytesMax = Infinity, signal }: ListTreeOptions,
): Promise<string> {
  const hash = createHash("sha256");
  const part = new Uint8Array(PART_SIZE);
  using file = await Deno.open(path);
  for (let left = bytesMax; left > 0;) {
    const length = await file.read(part.subarray(0, Math.min(left, PART_SIZE)));
    if (length === null) break;
    signal.throwIfAborted();
    hash.update(part.subarray(0, length));
    left -= length;
  }
  return hash.digest("hex");
}

/** Lets signals in. */
async function breathe(signal: AbortSignal): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0));
  signal.throwIfAborted();
}

/** Names in a directory, those that sort first at the end, which is taken first. */
function namesIn(path: string): string[] {
  return Array.from(Deno.readDirSync(path), ({ name }) => name).sort().reverse();
}

function kindOf(info: Deno.FileInfo): string {
  if (info.isDirectory) return "directory";
  if (info.isSymlink) return "link";
  if (info.isFile) return "file";
  if (info.isFifo) return "fifo";
  return info.isSocket ? "socket" : "device";
}
