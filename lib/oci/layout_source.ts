/**
 * Images in OCI's layout: a directory, or such a directory as a tar archive.
 *
 * @module
 */

import type { Bytes } from "../base/bytes.ts";
import { ImageFormatError, ImageNotFoundError } from "../base/errors.ts";
import { type ImageFiles, readSmallFile } from "./image_files.ts";
import type { ImageSource, RawManifest } from "./image_source.ts";
import {
  type Descriptor,
  DOCUMENT_SIZE_MAX,
  type ManifestIndex,
  MEDIA_TYPE,
  parseManifest,
} from "./manifest.ts";
import { checkContent, checkedContent, splitDigest, toOciDigest } from "./oci_digest.ts";

/** How a layout's index names its images. */
const NAME_ANNOTATION = "org.opencontainers.image.ref.name";

/** One image of a layout. */
export class LayoutSource implements ImageSource {
  readonly reference: string;
  readonly #files: ImageFiles;
  readonly #name: string | undefined;

  /**
   * @param files The layout; the source's from now on.
   * @param name Which of its images; undefined for the only one.
   */
  constructor(reference: string, files: ImageFiles, name: string | undefined) {
    this.reference = reference;
    this.#files = files;
    this.#name = name;
  }

  async root(signal?: AbortSignal): Promise<RawManifest> {
    if (await this.#files.size("index.json") === undefined) {
      throw new ImageNotFoundError(this.reference, "it is no OCI layout: it has no index.json");
    }
    const bytes = await readSmallFile(
      this.#files,
      this.reference,
      "index.json",
      DOCUMENT_SIZE_MAX,
      signal,
    );
    const index = parseManifest(this.reference, bytes, MEDIA_TYPE.ociIndex);
    if (index.kind !== "index") {
      throw new ImageFormatError(this.reference, "its index.json is no index");
    }
    return await this.manifest(this.#choose(index), signal);
  }

  async manifest({ digest, size, mediaType }: Descriptor, signal?: AbortSignal): Promise<
    RawManifest
  > {
    const path = pathOf(digest);
    const bytes = await readSmallFile(
      this.#files,
      this.reference,
      path,
      DOCUMENT_SIZE_MAX,
      signal,
    );
    checkContent(this.reference, "its manifest", { digest, size }, bytes);
    return { bytes, mediaType, isOriginal: true };
  }

  content(descriptor: Descriptor, signal?: AbortSignal): AsyncGenerator<Bytes, void> {
    const content = this.#files.read(pathOf(descriptor.digest), signal);
    return checkedContent(this.reference, "its part", descriptor, content);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#files[Symbol.asyncDispose]();
  }

  #choose({ manifests }: ManifestIndex): Descriptor {
    const nameOf = (one: Descriptor): string | undefined => one.annotations[NAME_ANNOTATION];
    const named = this.#name === undefined
      ? manifests
      : manifests.filter((one) =>
        nameOf(one) === this.#name || one.digest === toOciDigest(this.#name)
      );
    const [first, second] = named;
    // One image may stand there under several names.
    if (first !== undefined && named.every(({ digest }) => digest === first.digest)) return first;
    const names = [...new Set(manifests.map(nameOf).filter((name) => name !== undefined))];
    const hint = names.length === 0
      ? "None of its images has a name."
      : `Name one of its images: ${names.slice(0, 20).join(", ")}.`;
    const reason = second === undefined
      ? this.#name === undefined ? "it holds no image" : "it holds no image of that name"
      : this.#name === undefined
      ? "it holds several images"
      : "it holds several images of that name";
    throw new ImageNotFoundError(this.reference, reason, { hint });
  }
}

function pathOf(digest: Descriptor["digest"]): string {
  const { algorithm, hex } = splitDigest(digest);
  return `blobs/${algorithm}/${hex}`;
}
