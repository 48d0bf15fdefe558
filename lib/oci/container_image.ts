/**
 * Opens a container image wherever it is: what it has for which platform, and its layers, ready to be
 * read.
 *
 * @module
 */

import type { Bytes } from "../base/bytes.ts";
import { concatBytes } from "../base/bytes.ts";
import { ImageFormatError, ImageNotFoundError } from "../base/errors.ts";
import { DockerArchiveSource } from "./docker_archive_source.ts";
import { ArchiveFiles, DirectoryFiles } from "./image_files.ts";
import { formatImageReference, parseImageReference } from "./image_reference.ts";
import type { ImageSource, RawManifest } from "./image_source.ts";
import type { LayerSource } from "./layer_source.ts";
import { LayoutSource } from "./layout_source.ts";
import { type Descriptor, type Manifest, parseImageConfig, parseManifest } from "./manifest.ts";
import { type OciDigest, sha256Of } from "./oci_digest.ts";
import {
  formatPlatform,
  machinePlatform,
  parsePlatform,
  type Platform,
  platformFit,
} from "./platform.ts";
import { openDaemonImage } from "./daemon_image.ts";
import { type RegistryOptions, RegistrySource } from "./registry_source.ts";

/** How an image is opened. */
export interface OpenContainerImageOptions extends RegistryOptions {
  /**
   * Which of the image's platforms: `os/architecture[/variant]`, or `all`.
   * @default {the machine's, with Linux}
   */
  readonly platform?: string;
  /** Sockets of Docker or Podman, of which the first that is there is asked. */
  readonly daemonSockets?: readonly string[];
  /** Ends the opening. */
  readonly signal?: AbortSignal;
}

/** The image for one platform. */
export interface ContainerPlatformImage {
  /** Such as `linux/arm64`. */
  readonly platform: string;
  /** Digest of its manifest; undefined where the source has none, as archives of Docker. */
  readonly manifestDigest: string | undefined;
  /** Digest of its config, which Docker calls the image's id. */
  readonly configDigest: string;
  /** The config, as the image has it: JSON. */
  readonly config: Bytes;
  /** When the image says that it was made. */
  readonly created: string | undefined;
  /** The lowest first. They can be read as long as the image is open. */
  readonly layers: readonly ContainerLayer[];
}

/** A layer, and how much there is to read. */
export interface ContainerLayer extends LayerSource {
  /** As it is stored, in bytes. */
  readonly size: number;
}

/** An image that is open. */
export interface ContainerImage extends AsyncDisposable {
  /** Its name with all defaults written out. */
  readonly reference: string;
  /** Digest of what its name stands for: of the index, where it has one. */
  readonly digest: string | undefined;
  /** All platforms that its index names. */
  readonly platforms: readonly string[];
  /** Those that were asked for, in the order of the index. */
  readonly images: readonly ContainerPlatformImage[];
}

/** How deep indexes may lie in one another. */
const INDEX_DEPTH_MAX = 4;

/** Most manifests and indexes that are read for one image. */
const MANIFESTS_MAX = 256;

/**
 * Opens the image that `name` stands for: see {@link parseImageReference}. Its manifests and configs
 * are read and checked; layers are read, and checked while they are, when they are opened.
 *
 * @throws {SyntaxError} when the name or the platform cannot be read.
 * @throws {ImageNotFoundError} when there is no such image, or none for the platform.
 * @throws {ImageFormatError} when it is damaged or of an unknown kind.
 * @throws {RegistryUnavailableError} {RegistryDeniedError} when the registry fails or refuses.
 *
 * @example What is in it
 * ```ts ignore
 * import { openContainerImage } from "myfs";
 *
 * await using image = await openContainerImage("docker.io/library/nginx:latest");
 * for (const { platform, layers } of image.images) console.log(platform, layers.length);
 * ```
 */
export async function openContainerImage(
  name: string,
  options: OpenContainerImageOptions = {},
): Promise<ContainerImage> {
  const wanted = options.platform === "all"
    ? undefined
    : options.platform === undefined
    ? machinePlatform()
    : parsePlatform(options.platform);
  const source = await openSource(name, options);
  try {
    const { signal } = options;
    const root = await source.root(signal);
    const walk = new ManifestWalk(source, wanted, options.platform !== undefined, signal);
    const images = await walk.start(root);
    return {
      reference: source.reference,
      digest: root.isOriginal ? sha256Of(root.bytes) : undefined,
      platforms: walk.platforms,
      images,
      [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
    };
  } catch (error) {
    await source[Symbol.asyncDispose]();
    throw error;
  }
}

async function openSource(
  name: string,
  options: OpenContainerImageOptions,
): Promise<ImageSource> {
  const parsed = parseImageReference(name);
  const reference = formatImageReference(parsed);
  const { signal } = options;
  switch (parsed.kind) {
    case "registry":
      return await RegistrySource.open(parsed, options, signal);
    case "oci":
      return new LayoutSource(reference, new DirectoryFiles(reference, parsed.path), parsed.name);
    case "oci-archive": {
      const files = await ArchiveFiles.open(reference, parsed.path, signal);
      return new LayoutSource(reference, files, parsed.name);
    }
    case "docker-archive": {
      const files = await ArchiveFiles.open(reference, parsed.path, signal);
      return new DockerArchiveSource(reference, files, parsed.name);
    }
    case "docker-daemon":
      return await openDaemonImage(parsed.name, options.daemonSockets, signal);
  }
}

/** Goes through an image's indexes, however they lie in one another, and opens what was asked for. */
class ManifestWalk {
  readonly platforms: string[] = [];
  readonly #source: ImageSource;
  readonly #wanted: Platform | undefined;
  readonly #isExplicit: boolean;
  readonly #signal: AbortSignal | undefined;
  readonly #seen = new Set<OciDigest>();

  constructor(
    source: ImageSource,
    wanted: Platform | undefined,
    isExplicit: boolean,
    signal: AbortSignal | undefined,
  ) {
    this.#source = source;
    this.#wanted = wanted;
    this.#isExplicit = isExplicit;
    this.#signal = signal;
  }

  async start(root: RawManifest): Promise<ContainerPlatformImage[]> {
    const { reference } = this.#source;
    const manifest = parseManifest(reference, root.bytes, root.mediaType);
    if (manifest.kind === "index") {
      const found = await this.#enter(root, 0);
      if (found.length > 0) return found;
      throw this.#noPlatform();
    }
    const image = await this.#open(root, manifest);
    this.platforms.push(image.platform);
    // Who names no platform takes the only one that there is.
    const fits = this.#wanted === undefined || !this.#isExplicit ||
      platformFit(this.#wanted, parsePlatform(image.platform)) !== undefined;
    if (!fits) throw this.#noPlatform();
    return [image];
  }

  async #enter(raw: RawManifest, depth: number): Promise<ContainerPlatformImage[]> {
    const { reference } = this.#source;
    const manifest = parseManifest(reference, raw.bytes, raw.mediaType);
    if (manifest.kind === "manifest") return [await this.#open(raw, manifest)];
    if (depth === INDEX_DEPTH_MAX) {
      throw new ImageFormatError(
        reference,
        `its indexes lie more than ${depth} deep in one another`,
      );
    }
    const entries = manifest.manifests.filter(isRunnable);
    for (const { platform } of entries) {
      if (platform !== undefined) this.platforms.push(formatPlatform(platform));
    }
    const images: ContainerPlatformImage[] = [];
    for (const entry of this.#choose(entries)) {
      if (this.#seen.has(entry.digest)) continue;
      this.#seen.add(entry.digest);
      if (this.#seen.size > MANIFESTS_MAX) {
        throw new ImageFormatError(reference, `it has more than ${MANIFESTS_MAX} manifests`);
      }
      const inner = await this.#source.manifest(entry, this.#signal);
      images.push(...await this.#enter(inner, depth + 1));
      if (this.#wanted !== undefined && images.length > 0) break;
    }
    return images;
  }

  /** Entries to look into, the best first: of those for the platform the first that fits best. */
  #choose(entries: readonly Descriptor[]): Descriptor[] {
    const wanted = this.#wanted;
    if (wanted === undefined) return [...entries];
    const fits = entries.flatMap((entry) => {
      // What says nothing may be an index of its own.
      const fit = entry.platform === undefined ? -1 : platformFit(wanted, entry.platform);
      return fit === undefined ? [] : [{ entry, fit }];
    });
    return fits.sort((left, right) => right.fit - left.fit).map(({ entry }) => entry);
  }

  async #open(raw: RawManifest, manifest: Manifest): Promise<ContainerPlatformImage> {
    const source = this.#source;
    const pieces: Bytes[] = [];
    for await (const piece of source.content(manifest.config, this.#signal)) pieces.push(piece);
    const bytes = concatBytes(pieces);
    const { platform, diffIds, created } = parseImageConfig(source.reference, bytes);
    if (diffIds.length !== manifest.layers.length) {
      throw new ImageFormatError(
        source.reference,
        `its config names ${diffIds.length} layers and its manifest ${manifest.layers.length}`,
      );
    }
    return {
      platform: formatPlatform(platform),
      manifestDigest: raw.isOriginal ? sha256Of(raw.bytes) : undefined,
      configDigest: manifest.config.digest,
      config: bytes,
      created,
      layers: manifest.layers.map((layer, index) => ({
        digest: layer.digest,
        mediaType: layer.mediaType,
        diffId: diffIds[index]!,
        size: layer.size,
        open: (signal?: AbortSignal) => source.content(layer, signal),
      })),
    };
  }

  #noPlatform(): ImageNotFoundError {
    const asked = this.#wanted === undefined ? "any platform" : formatPlatform(this.#wanted);
    const known = [...new Set(this.platforms)];
    return new ImageNotFoundError(this.#source.reference, `it has nothing for ${asked}`, {
      hint: known.length === 0
        ? "Its index names no platforms."
        : `Choose one of its platforms: ${known.slice(0, 30).join(", ")}.`,
    });
  }
}

/** Build tools put proofs of origin among the images, for a platform that nothing runs on. */
function isRunnable({ annotations, platform }: Descriptor): boolean {
  if (annotations["vnd.docker.reference.type"] !== undefined) return false;
  return platform?.os !== "unknown";
}
