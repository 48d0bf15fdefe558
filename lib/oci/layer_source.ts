/**
 * What a container image's layer looks like to the conversion, wherever it comes from.
 *
 * @module
 */

/** One layer of an image: a tar archive, plain or compressed, that can be read. */
export interface LayerSource {
  /** Digest of the layer as it is stored (`sha256:…`); names the layer in messages. */
  readonly digest: string;
  /** Media type as the manifest says it. What the bytes are decides, not this. */
  readonly mediaType: string;
  /** As it is stored, in bytes, where that is known: for reports of progress. */
  readonly size?: number;
  /**
   * Digest of the archive without compression, as the image's config says in `rootfs.diff_ids`. Where
   * it is given, the archive is checked against it.
   */
  readonly diffId?: string;
  /**
   * Begins to read the layer, as it is stored. Whoever implements this checks the bytes against
   * {@link digest} and ends the stream with an error where they differ. Closed early by `return()`
   * or `cancel()` when no more is needed.
   *
   * Mostly called once; once more, after the first stream has ended, in the rare case that a file
   * turns out to be needed which an upper layer seemed to hide.
   *
   * @param signal Ends the reading.
   */
  open(signal?: AbortSignal): AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>;
}
