/**
 * The flist of a mount, opened by each of its threads. A flist that is packed anew is another file
 * under the same path: threads that take different ones would give programs the bytes of one file for
 * those of another.
 *
 * @module
 */

import { FlistFormatError } from "../base/errors.ts";
import { FlistReader } from "../flist/flist_reader.ts";

/** Tells one file from another of the same path; empty where there is none. */
export function flistStamp(path: string): string {
  try {
    const { dev, ino, size, mtime } = Deno.statSync(path);
    return [dev, ino, size, mtime?.getTime()].join(":");
  } catch {
    // Whoever opens it is told why.
    return "";
  }
}

/**
 * Opens the flist at `path`, where it is the file that had `stamp`. The caller closes it.
 *
 * @throws {FlistFormatError} when it was replaced.
 */
export function openSameFlist(path: string, stamp: string): FlistReader {
  const flist = FlistReader.open(path);
  if (flistStamp(path) === stamp) return flist;
  flist[Symbol.dispose]();
  throw new FlistFormatError(path, "it was replaced while it was being mounted");
}
