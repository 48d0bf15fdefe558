/**
 * Names in a directory with getdents64(2), as exact bytes.
 *
 * @module
 */

import type { Bytes } from "../base/bytes.ts";
import { decodeByteString } from "../base/byte_string.ts";
import { systemError } from "./errno.ts";
import { libc } from "./libc.ts";

const BUFFER_SIZE = 256 * 1024;
/** Offsets of `struct linux_dirent64`. */
const RECORD_LENGTH_AT = 16;
const NAME_AT = 19;
const DOT = 0x2e;

/** Reads directories one after the other through one buffer. */
export class DirectoryReader {
  readonly #bytes: Bytes = new Uint8Array(BUFFER_SIZE);
  readonly #view = new DataView(this.#bytes.buffer);

  /**
   * All names in the open directory `fd` but `.` and `..`, in the file system's order, as byte
   * strings.
   *
   * @param path The directory's path, for messages only.
   * @throws {SystemError} when the directory cannot be read.
   */
  names(fd: number, path: string): string[] {
    const names: string[] = [];
    while (true) {
      const length = libc().getdents64(fd, this.#bytes, BUFFER_SIZE);
      if (length < 0) throw systemError("read the directory", path);
      if (length === 0) return names;
      for (let at = 0; at < length;) {
        const recordLength = this.#view.getUint16(at + RECORD_LENGTH_AT, true);
        const start = at + NAME_AT;
        const end = this.#bytes.indexOf(0, start);
        if (!isDotName(this.#bytes, start, end)) {
          names.push(decodeByteString(this.#bytes.subarray(start, end)));
        }
        at += recordLength;
      }
    }
  }
}

/** Whether bytes [start, end) are `.` or `..`. */
function isDotName(bytes: Bytes, start: number, end: number): boolean {
  return bytes[start] === DOT &&
    (end === start + 1 || (end === start + 2 && bytes[start + 1] === DOT));
}
