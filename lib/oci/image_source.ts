/**
 * Where the parts of a container image come from.
 *
 * @module
 */

import type { Bytes } from "../base/bytes.ts";
import type { Descriptor } from "./manifest.ts";

/** A manifest or an index, as it came. */
export interface RawManifest {
  readonly bytes: Bytes;
  /** What it was said to be; undefined where nobody said it. */
  readonly mediaType: string | undefined;
  /** Whether the source has it: archives of Docker have none, and one is made up for them. */
  readonly isOriginal: boolean;
}

/** One image somewhere, perhaps for several platforms. Safe to use in parallel. */
export interface ImageSource extends AsyncDisposable {
  /** The image with all defaults written out, for errors and reports. */
  readonly reference: string;

  /** The manifest or index that the image's name stands for. */
  root(signal?: AbortSignal): Promise<RawManifest>;

  /** One of those that an index names, checked against its digest and size. */
  manifest(descriptor: Descriptor, signal?: AbortSignal): Promise<RawManifest>;

  /**
   * The content that a descriptor names, in pieces that become the reader's. It ends with an error
   * where digest or size are not those of the descriptor. A reader that stops early lets go of it.
   */
  content(descriptor: Descriptor, signal?: AbortSignal): AsyncGenerator<Bytes, void>;
}
