/**
 * Where a run of bytes is cut into chunks. `lib/block/FORMAT.md` has the rules (C1 and following):
 * two chunkers that agree on them find the same chunks, on every machine.
 *
 * @module
 */

/**
 * Decides where chunks end. Implementations keep no state between calls: where a chunk ends depends
 * on its own bytes only, so that a reader may feed the data in whatever portions it likes.
 */
export interface Chunker {
  /** Length of the longest chunk, in bytes. */
  readonly sizeMax: number;

  /**
   * Length in bytes of the first chunk of `bytes[start, end)`: 1 to {@link sizeMax}, or 0 where the
   * range is empty. `bytes` is only read.
   *
   * The caller passes at least {@link sizeMax} bytes unless the data ends at `end`: with less, the
   * end of the portion would be taken for the end of the data.
   */
  cut(bytes: Uint8Array, start: number, end: number): number;
}
