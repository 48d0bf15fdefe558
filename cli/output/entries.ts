/**
 * Entries of an image, as lines and as documents. Loads the library: import it when a command runs.
 *
 * @module
 */

import { displayByteString, type Image, type ImageEntry, splitDevice } from "myfs";

/** How a list of entries is printed. */
export interface EntryLinesOptions {
  /** With mode, owner, size and time. */
  readonly long?: boolean;
  /** By path instead of by name. */
  readonly recursive?: boolean;
}

/** Several entries, at once or one by one. */
export type Entries = Iterable<ImageEntry> | AsyncIterable<ImageEntry>;

/** One line an entry. */
export async function* entryLines(
  entries: Entries,
  options: EntryLinesOptions = {},
): AsyncGenerator<string> {
  for await (const entry of entries) {
    const name = options.recursive ? displayPath(entry.path) : displayName(entry.path);
    yield options.long ? longLine(entry, name) : name;
  }
}

/** One document an entry. */
export async function* entryDocuments(entries: Entries): AsyncGenerator<EntryDocument> {
  for await (const entry of entries) yield entryDocument(entry);
}

/** An entry as `--json` prints it. */
export interface EntryDocument {
  /** Path from the root, names joined by `/`; bytes that are not UTF-8 as U+DC00 + byte. */
  readonly path: string;
  readonly kind: string;
  /** Permission bits in octal, such as `0644`. */
  readonly mode: string;
  readonly uid: number;
  readonly gid: number;
  /** Bytes. */
  readonly size: number;
  /** RFC 3339 with nanoseconds, UTC. */
  readonly mtime: string;
  readonly linkTarget?: string;
  readonly hardLinkTo?: string;
  /** Of devices only. */
  readonly device?: { readonly major: number; readonly minor: number };
  /** Values in base64. */
  readonly xattrs?: Readonly<Record<string, string>>;
  /** BLAKE3-256 of the content, hexadecimal, where the flist has it. */
  readonly digest?: string;
}

/** `entry` as `--json` prints it. */
export function entryDocument(entry: ImageEntry): EntryDocument {
  const { path, kind, uid, gid, size, linkTarget, hardLinkTo, xattrs, digest } = entry;
  return {
    path,
    kind,
    mode: (entry.mode & 0o7777).toString(8).padStart(4, "0"),
    uid,
    gid,
    size,
    mtime: `${timeText(entry.mtime, "T")}.${String(entry.mtimeNsec).padStart(9, "0")}Z`,
    ...(linkTarget === undefined ? {} : { linkTarget }),
    ...(hardLinkTo === undefined ? {} : { hardLinkTo }),
    ...(isDevice(entry) ? { device: splitDevice(entry.rdev) } : {}),
    ...(xattrs === undefined || xattrs.size === 0 ? {} : {
      xattrs: Object.fromEntries([...xattrs].map(([name, value]) => [name, value.toBase64()])),
    }),
    ...(digest === undefined ? {} : { digest: digest.toHex() }),
  };
}

/** A file's path and content, as `--json` prints it. */
export interface ContentDocument {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** In base64. */
  readonly content: string;
}

/** One document a file, with its content. */
export async function* contentDocuments(
  image: Image,
  files: readonly ImageEntry[],
  signal: AbortSignal,
): AsyncGenerator<ContentDocument> {
  for (const { path } of files) {
    const content = await image.readFile(path, { signal });
    yield { path, size: content.length, content: content.toBase64() };
  }
}

/** A path that is safe to print; the root as `/`. */
export function displayPath(path: string): string {
  return path === "" ? "/" : displayByteString(path);
}

/** The last name of a path, safe to print. */
export function displayName(path: string): string {
  return displayPath(path.slice(path.lastIndexOf("/") + 1));
}

/** Where a link leads, as it stands behind its name: ` -> target`. */
export function displayTarget(entry: ImageEntry): string {
  return entry.linkTarget === undefined ? "" : ` -> ${displayByteString(entry.linkTarget)}`;
}

function longLine(entry: ImageEntry, name: string): string {
  const { major, minor } = splitDevice(entry.rdev);
  const size = isDevice(entry) ? `${major}, ${minor}` : String(entry.size);
  return [
    modeText(entry),
    String(entry.uid).padStart(5),
    String(entry.gid).padStart(5),
    size.padStart(12),
    timeText(entry.mtime, " "),
    name + displayTarget(entry),
  ].join(" ");
}

const KIND_LETTERS: Readonly<Record<ImageEntry["kind"], string>> = {
  "file": "-",
  "directory": "d",
  "symlink": "l",
  "fifo": "p",
  "socket": "s",
  "char-device": "c",
  "block-device": "b",
};

/** Kind and permissions as `ls -l` writes them: `-rwsr-xr-x`. */
export function modeText(entry: Pick<ImageEntry, "kind" | "mode">): string {
  const { mode } = entry;
  const triple = (shift: number, special: number, letter: string): string => {
    const bits = mode >> shift;
    const execute = (bits & 1) !== 0;
    const last = (mode & special) === 0
      ? (execute ? "x" : "-")
      : (execute ? letter : letter.toUpperCase());
    return `${bits & 4 ? "r" : "-"}${bits & 2 ? "w" : "-"}${last}`;
  };
  return KIND_LETTERS[entry.kind] + triple(6, 0o4000, "s") + triple(3, 0o2000, "s") +
    triple(0, 0o1000, "t");
}

/** Whole seconds since 1970 as a date and a time in UTC; as a number where no date can say it. */
function timeText(seconds: number, separator: string): string {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return `@${seconds}`;
  return date.toISOString().slice(0, -5).replace("T", separator);
}

function isDevice(entry: ImageEntry): boolean {
  return entry.kind === "char-device" || entry.kind === "block-device";
}
