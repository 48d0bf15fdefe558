/**
 * What this user's earlier packs leave behind on this machine, in a folder that the caller names:
 *
 * - `own/<digest>` says that the flist with that digest was made here, so that its routes to local
 *   directories may be followed. A flist that came from elsewhere has no such mark, whatever it
 *   says of itself.
 * - `stamps/<digest>` holds the inode numbers and change times of the files it was made from. With
 *   them a later pack knows without reading which files did not change. They are kept out of the
 *   flist, which thus depends on the tree alone: equal copies of a tree give equal flists.
 *
 * Both are conveniences: without them a pack reads unchanged files again, and a user says
 * `trustRoutes`.
 *
 * @module
 */

import { toHex } from "../base/bytes.ts";
import { Blake3Hasher } from "../block/digest.ts";
import type { ExpectedStatus } from "./pack_plan.ts";

/** First bytes of a file of stamps; the number is its version. */
const MAGIC = new TextEncoder().encode("myfsst01");
const FIELDS = 3;
/** Files of stamps kept; each has 24 bytes an inode. */
const STAMP_FILES_MAX = 32;
/** Digests of flists that this process made: its own, with or without a folder. */
const madeByThisProcess = new Set<string>();

/** BLAKE3-256 of the file at `path`, in hexadecimal. */
export async function digestOfFile(path: string): Promise<string> {
  const hasher = new Blake3Hasher();
  using file = await Deno.open(path);
  // A stream's parts of 64 KiB take four times as long: a mount waits for this.
  const part = new Uint8Array(1024 * 1024);
  for (let length; (length = await file.read(part)) !== null;) {
    hasher.update(part.subarray(0, length));
  }
  return toHex(hasher.digest());
}

/** Inode numbers and change times by flist inode. */
export class SourceStamps {
  #fields: Float64Array<ArrayBuffer>;

  private constructor(fields: Float64Array<ArrayBuffer>) {
    this.#fields = fields;
  }

  /** No stamps yet. */
  static create(): SourceStamps {
    return new SourceStamps(new Float64Array(FIELDS * 1024));
  }

  /** The stamps of the flist with `digest` in `folder`, or undefined where there are none. */
  static async load(folder: string, digest: string): Promise<SourceStamps | undefined> {
    try {
      const bytes = await Deno.readFile(`${folder}/stamps/${digest}`);
      const isKnown = MAGIC.every((byte, i) => bytes[i] === byte);
      if (!isKnown || (bytes.length - MAGIC.length) % (FIELDS * 8) !== 0) return undefined;
      return new SourceStamps(new Float64Array(bytes.slice(MAGIC.length).buffer));
    } catch {
      // Without stamps the pack reads the files: slower, and as right.
      return undefined;
    }
  }

  /** Records what the file of inode `ino` looked like. */
  set(ino: number, status: ExpectedStatus): void {
    const at = ino * FIELDS;
    if (at + FIELDS > this.#fields.length) {
      const larger = new Float64Array(Math.max(this.#fields.length * 2, at + FIELDS));
      larger.set(this.#fields);
      this.#fields = larger;
    }
    this.#fields[at] = status.inode;
    this.#fields[at + 1] = status.ctime;
    this.#fields[at + 2] = status.ctimeNsec;
  }

  /** Forgets inode `ino`: it will be read next time. */
  clear(ino: number): void {
    this.#fields.fill(0, ino * FIELDS, (ino + 1) * FIELDS);
  }

  /** Whether the file of inode `ino` was recorded with this inode number and change time. */
  matches(ino: number, status: ExpectedStatus): boolean {
    const at = ino * FIELDS;
    return this.#fields[at] === status.inode && this.#fields[at + 1] === status.ctime &&
      this.#fields[at + 2] === status.ctimeNsec;
  }

  /** The file's content, for the first `inodeCount` inodes. */
  toBytes(inodeCount: number): Uint8Array<ArrayBuffer> {
    const used = this.#fields.subarray(0, (inodeCount + 1) * FIELDS);
    const bytes = new Uint8Array(MAGIC.length + used.byteLength);
    bytes.set(MAGIC);
    bytes.set(new Uint8Array(used.buffer, used.byteOffset, used.byteLength), MAGIC.length);
    return bytes;
  }
}

/** Whether the flist at `path` was made by this user on this machine, as far as `folder` tells. */
export async function isOwnFlist(path: string, folder: string | undefined): Promise<boolean> {
  if (folder === undefined && madeByThisProcess.size === 0) return false;
  const digest = await digestOfFile(path);
  if (madeByThisProcess.has(digest)) return true;
  if (folder === undefined) return false;
  try {
    return (await Deno.lstat(`${folder}/own/${digest}`)).isFile;
  } catch {
    return false;
  }
}

/**
 * Marks the flist at `path` as one's own and keeps its stamps, where there are any. Best effort: a
 * folder that cannot be written makes later work slower, and must not fail the work just done.
 */
export async function rememberOwnFlist(
  path: string,
  folder: string | undefined,
  stamps?: Uint8Array,
): Promise<void> {
  const digest = await digestOfFile(path);
  madeByThisProcess.add(digest);
  if (folder === undefined) return;
  try {
    await Deno.mkdir(`${folder}/own`, { recursive: true, mode: 0o700 });
    await Deno.writeFile(`${folder}/own/${digest}`, new Uint8Array());
    if (stamps === undefined) return;
    await Deno.mkdir(`${folder}/stamps`, { recursive: true, mode: 0o700 });
    const temporary = `${folder}/stamps/.${digest}.${Deno.pid}`;
    await Deno.writeFile(temporary, stamps);
    await Deno.rename(temporary, `${folder}/stamps/${digest}`);
    await dropOldStamps(`${folder}/stamps`);
  } catch {
    // See above.
  }
}

async function dropOldStamps(folder: string): Promise<void> {
  const files: { path: string; age: number }[] = [];
  for await (const { name } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    files.push({ path, age: (await Deno.stat(path)).mtime?.getTime() ?? 0 });
  }
  files.sort((a, b) => b.age - a.age);
  for (const { path } of files.slice(STAMP_FILES_MAX)) await Deno.remove(path);
}
