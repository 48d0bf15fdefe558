/**
 * Notices who reads the files of a directory one after the other.
 *
 * @module
 */

/** Larger files are worth a request of their own, in bytes. */
export const PUSHED_FILE_MAX = 128 * 1024;

/** How many entries of a directory one telling is for. */
export const NEIGHBOURS_MAX = 64;

/**
 * What one device thread sees of reads. A program that reads one file here and one there is none of
 * our business: its neighbours would be of no use to it.
 */
export class ReadSequence {
  #lastChunk = 0;
  #toldFrom = 0;
  #toldChunk = 0;

  /**
   * Notes that the small file `ino` is read, whose content begins in `chunk`.
   *
   * @returns Whether its neighbours are likely to be read next, which is told once for those in the
   * same chunk.
   */
  note(ino: number, chunk: number): boolean {
    // Files that follow each other lie in one chunk, or go on in the next.
    const follows = chunk === this.#lastChunk || chunk === this.#lastChunk + 1;
    this.#lastChunk = chunk;
    if (!follows) return false;
    const isTold = ino > this.#toldFrom && ino <= this.#toldFrom + NEIGHBOURS_MAX;
    // What lies in a further chunk may not have been in memory then.
    if (isTold && chunk === this.#toldChunk) return false;
    this.#toldFrom = ino;
    this.#toldChunk = chunk;
    return true;
  }
}
