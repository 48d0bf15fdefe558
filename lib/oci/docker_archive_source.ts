/**
 * Images in the archives that `docker save` and `podman save` write. They have no manifest, so one is
 * made up from what they do have.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { Bytes } from "../base/bytes.ts";
import { ImageFormatError, ImageNotFoundError } from "../base/errors.ts";
import { isCompressed } from "./archive_index.ts";
import { type ImageFiles, readSmallFile } from "./image_files.ts";
import { formatImageReference, parseImageReference } from "./image_reference.ts";
import type { ImageSource, RawManifest } from "./image_source.ts";
import { type Descriptor, DOCUMENT_SIZE_MAX, MEDIA_TYPE, parseImageConfig } from "./manifest.ts";
import { checkedContent, type OciDigest, sha256Of } from "./oci_digest.ts";

/** An image in `manifest.json`. */
interface SavedImage {
  readonly config: string;
  readonly names: readonly string[];
  /** Paths in the archive, the lowest first. */
  readonly layers: readonly string[];
}

/** Media types of compressed layers. */
const GZIP_LAYER = `${MEDIA_TYPE.dockerLayer}.gzip`;
const ZSTD_LAYER = `${MEDIA_TYPE.dockerLayer}.zstd`;

/** One image of an archive. */
export class DockerArchiveSource implements ImageSource {
  readonly reference: string;
  readonly #files: ImageFiles;
  readonly #name: string | undefined;
  /** Where content lies, by digest; filled by {@link root}. */
  readonly #paths = new Map<OciDigest, string>();

  /**
   * @param files The archive; the source's from now on.
   * @param name With registry and tag, or `@` and a number from 0; undefined for the only one.
   */
  constructor(reference: string, files: ImageFiles, name: string | undefined) {
    this.reference = reference;
    this.#files = files;
    this.#name = name;
  }

  async root(signal?: AbortSignal): Promise<RawManifest> {
    if (await this.#files.size("manifest.json") === undefined) {
      throw new ImageNotFoundError(
        this.reference,
        "it is no archive of docker save: it has no manifest.json",
      );
    }
    const image = this.#choose(
      parseSaved(this.reference, await this.#read("manifest.json", signal)),
    );
    const config = await this.#read(image.config, signal);
    const configDigest = sha256Of(config);
    const { diffIds } = parseImageConfig(this.reference, config);
    if (diffIds.length !== image.layers.length) {
      throw new ImageFormatError(this.reference, "its config names other layers than it has");
    }
    this.#paths.set(configDigest, image.config);
    const layers = [];
    for (const [index, path] of image.layers.entries()) {
      const layer = await this.#describe(path, diffIds[index]!, signal);
      this.#paths.set(layer.digest, path);
      layers.push(layer);
    }
    const bytes = new TextEncoder().encode(JSON.stringify({
      schemaVersion: 2,
      mediaType: MEDIA_TYPE.dockerManifest,
      config: {
        mediaType: MEDIA_TYPE.dockerConfig,
        size: config.length,
        digest: configDigest,
      },
      layers,
    }));
    return { bytes, mediaType: MEDIA_TYPE.dockerManifest, isOriginal: false };
  }

  manifest({ digest }: Descriptor): Promise<RawManifest> {
    return Promise.reject(
      new ImageFormatError(this.reference, `it holds no further manifest, and none of ${digest}`),
    );
  }

  content(descriptor: Descriptor, signal?: AbortSignal): AsyncGenerator<Bytes, void> {
    const path = this.#paths.get(descriptor.digest) ?? descriptor.digest;
    const content = this.#files.read(path, signal);
    return checkedContent(this.reference, "its part", descriptor, content);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#files[Symbol.asyncDispose]();
  }

  #read(path: string, signal: AbortSignal | undefined): Promise<Bytes> {
    return readSmallFile(this.#files, this.reference, path, DOCUMENT_SIZE_MAX, signal);
  }

  /** The digest of a plain layer stands in the config; one that is compressed must be read for it. */
  async #describe(
    path: string,
    diffId: OciDigest,
    signal: AbortSignal | undefined,
  ): Promise<{ mediaType: string; size: number; digest: OciDigest }> {
    const size = await this.#files.size(path);
    if (size === undefined) {
      throw new ImageNotFoundError(this.reference, `it lacks the layer ${JSON.stringify(path)}`);
    }
    const content = this.#files.read(path, signal);
    const { value: first = new Uint8Array(0) } = await content.next();
    if (!isCompressed(first)) {
      await content.return();
      return { mediaType: MEDIA_TYPE.dockerLayer, size, digest: diffId };
    }
    const hash = createHash("sha256").update(first);
    for await (const piece of content) hash.update(piece);
    const mediaType = first[0] === 0x1f ? GZIP_LAYER : ZSTD_LAYER;
    return { mediaType, size, digest: `sha256:${hash.digest("hex")}` as OciDigest };
  }

  #choose(images: readonly SavedImage[]): SavedImage {
    const name = this.#name;
    const found = name === undefined
      ? images
      : name.startsWith("@")
      ? images.slice(Number(name.slice(1))).slice(0, 1)
      : images.filter(({ names }) => names.some((one) => normalName(one) === name));
    if (found.length === 1) return found[0]!;
    const names = images.flatMap((image) => image.names);
    throw new ImageNotFoundError(
      this.reference,
      found.length > 1 ? "it holds several images" : "it holds no image of that name",
      { hint: `Name one of its images: ${names.slice(0, 20).join(", ") || "@0"}.` },
    );
  }
}

function normalName(name: string): string | undefined {
  try {
    return formatImageReference(parseImageReference(name));
  } catch {
    // Another program's idea of a name; nobody can ask for it.
    return undefined;
  }
}

function parseSaved(reference: string, bytes: Uint8Array): SavedImage[] {
  const refuse = (): ImageFormatError =>
    new ImageFormatError(reference, "its manifest.json is not as docker save writes it");
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw refuse();
  }
  if (!Array.isArray(value)) throw refuse();
  return value.map((one) => {
    if (typeof one !== "object" || one === null) throw refuse();
    const { Config: config, RepoTags, Layers: layers } = one as Record<string, unknown>;
    const names = RepoTags ?? [];
    if (typeof config !== "string" || !isTexts(names) || !isTexts(layers)) throw refuse();
    return { config, names, layers };
  });
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}
