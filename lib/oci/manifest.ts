/**
 * Manifests and indexes of container images, read as if they were hostile: Docker's schema 2, OCI 1.0
 * and 1.1.
 *
 * @module
 */

import { ImageFormatError } from "../base/errors.ts";
import { type OciDigest, toOciDigest } from "./oci_digest.ts";
import { normalPlatform, type Platform } from "./platform.ts";

/** Media types by what they are. */
export const MEDIA_TYPE = {
  ociManifest: "application/vnd.oci.image.manifest.v1+json",
  ociIndex: "application/vnd.oci.image.index.v1+json",
  dockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
  dockerList: "application/vnd.docker.distribution.manifest.list.v2+json",
  ociConfig: "application/vnd.oci.image.config.v1+json",
  dockerConfig: "application/vnd.docker.container.image.v1+json",
  ociLayer: "application/vnd.oci.image.layer.v1.tar",
  dockerLayer: "application/vnd.docker.image.rootfs.diff.tar",
} as const;

const MANIFESTS: ReadonlySet<string> = new Set([MEDIA_TYPE.ociManifest, MEDIA_TYPE.dockerManifest]);
const INDEXES: ReadonlySet<string> = new Set([MEDIA_TYPE.ociIndex, MEDIA_TYPE.dockerList]);
const CONFIGS: ReadonlySet<string> = new Set([MEDIA_TYPE.ociConfig, MEDIA_TYPE.dockerConfig]);

/** Media types of layers that can be read. */
const LAYERS: ReadonlySet<string> = new Set([
  MEDIA_TYPE.ociLayer,
  `${MEDIA_TYPE.ociLayer}+gzip`,
  `${MEDIA_TYPE.ociLayer}+zstd`,
  MEDIA_TYPE.dockerLayer,
  `${MEDIA_TYPE.dockerLayer}.gzip`,
  `${MEDIA_TYPE.dockerLayer}.zstd`,
]);

/** What a client asks a registry for. */
export const ACCEPTED_MANIFESTS = [...MANIFESTS, ...INDEXES].join(", ");

/** Largest manifest, index or config, in bytes: what registries take too. */
export const DOCUMENT_SIZE_MAX = 4 * 1024 * 1024;

/** Most layers of an image: overlayfs can mount 500, and Docker makes 127. */
const LAYERS_MAX = 1024;

/** Most entries of an index. */
const INDEX_ENTRIES_MAX = 1024;

/** Names content: what it is, its digest and its size. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: OciDigest;
  /** In bytes. */
  readonly size: number;
  /** What it is for, where an index says so. */
  readonly platform: Platform | undefined;
  readonly annotations: Readonly<Record<string, string>>;
}

/** An image for one platform. */
export interface Manifest {
  readonly kind: "manifest";
  readonly mediaType: string;
  readonly config: Descriptor;
  /** The lowest first. */
  readonly layers: readonly Descriptor[];
}

/** A choice of images. */
export interface ManifestIndex {
  readonly kind: "index";
  readonly mediaType: string;
  readonly manifests: readonly Descriptor[];
}

/** Whether content of this media type can be a {@link Manifest} or a {@link ManifestIndex}. */
export function isManifestType(mediaType: string): boolean {
  return MANIFESTS.has(mediaType) || INDEXES.has(mediaType);
}

/**
 * Reads a manifest or an index.
 *
 * @param reference The image, for errors.
 * @param mediaType What the bytes were said to be; undefined where nobody said it.
 * @throws {ImageFormatError} when it is neither, or asks for what cannot be done.
 */
export function parseManifest(
  reference: string,
  bytes: Uint8Array,
  mediaType: string | undefined,
): Manifest | ManifestIndex {
  const refuse = (reason: string): ImageFormatError => new ImageFormatError(reference, reason);
  const value = parseJsonObject(reference, "its manifest", bytes);
  if (value.schemaVersion === 1) {
    throw new ImageFormatError(
      reference,
      "its manifest is of Docker's schema 1, which is not supported",
      { hint: "Pull it with an old Docker and push it again, or have it built anew." },
    );
  }
  if (value.schemaVersion !== 2) throw refuse("its manifest says no schema version that is known");
  // Two readings of the same bytes could show a reviewer one image and run another one.
  if ("manifests" in value && ("layers" in value || "config" in value || "fsLayers" in value)) {
    throw refuse("its manifest can be read in two ways, as a manifest and as an index");
  }
  const own = value.mediaType;
  if (own !== undefined && typeof own !== "string") throw refuse("its media type is no text");
  const said = mediaType === undefined || !isManifestType(mediaType) ? undefined : mediaType;
  if (own !== undefined && said !== undefined && own !== said) {
    throw refuse(`its manifest is said to be ${said} and says itself that it is ${shown(own)}`);
  }
  const type = own ?? said ?? mediaType ??
    ("manifests" in value ? MEDIA_TYPE.ociIndex : MEDIA_TYPE.ociManifest);
  if (INDEXES.has(type)) {
    const entries = list(refuse, value.manifests, "the manifests of its index", INDEX_ENTRIES_MAX);
    return {
      kind: "index",
      mediaType: type,
      manifests: entries.map((one) => parseDescriptor(refuse, one)),
    };
  }
  if (!MANIFESTS.has(type)) throw refuse(`its manifest has the unknown media type ${shown(type)}`);
  return parseImageManifest(reference, refuse, value, type);
}

function parseImageManifest(
  reference: string,
  refuse: (reason: string) => ImageFormatError,
  value: Readonly<Record<string, unknown>>,
  mediaType: string,
): Manifest {
  const config = parseDescriptor(refuse, value.config);
  const artifactType = value.artifactType ?? config.mediaType;
  if (!CONFIGS.has(config.mediaType)) {
    throw new ImageFormatError(reference, `it is no container image but ${shown(artifactType)}`, {
      hint: "Name an image. Artifacts such as charts and signatures hold no tree.",
    });
  }
  if (config.size > DOCUMENT_SIZE_MAX) throw refuse(`its config has ${config.size} bytes`);
  const layers = list(refuse, value.layers, "its layers", LAYERS_MAX).map((one) => {
    const layer = parseDescriptor(refuse, one);
    if (/foreign|nondistributable/.test(layer.mediaType) || hasUrls(one)) {
      throw new ImageFormatError(reference, `layer ${layer.digest} is kept at another place`, {
        hint: "Layers that a manifest says to fetch from elsewhere are not fetched.",
      });
    }
    if (/\+encrypted$/.test(layer.mediaType)) {
      throw refuse(`layer ${layer.digest} is encrypted`);
    }
    if (!LAYERS.has(layer.mediaType)) {
      throw refuse(`layer ${layer.digest} has the unknown media type ${shown(layer.mediaType)}`);
    }
    return layer;
  });
  return { kind: "manifest", mediaType, config, layers };
}

/** The tree that a config says its layers make, and what it runs on. */
export interface ImageConfig {
  readonly platform: Platform;
  /** Digests of the layers' tar streams, uncompressed, the lowest first. */
  readonly diffIds: readonly OciDigest[];
  /** When the image says that it was made; undefined where it does not. */
  readonly created: string | undefined;
}

/**
 * Reads what is needed here of an image's config.
 *
 * @throws {ImageFormatError} when it is none.
 */
export function parseImageConfig(reference: string, bytes: Uint8Array): ImageConfig {
  const refuse = (reason: string): ImageFormatError => new ImageFormatError(reference, reason);
  const value = parseJsonObject(reference, "its config", bytes);
  const text = (field: string): string | undefined => {
    const found = value[field];
    if (found === undefined || found === null || found === "") return undefined;
    if (typeof found !== "string") throw refuse(`${field} of its config is no text`);
    return found;
  };
  const rootfs = value.rootfs;
  if (typeof rootfs !== "object" || rootfs === null) throw refuse("its config names no layers");
  const { diff_ids } = rootfs as { diff_ids?: unknown };
  const diffIds = list(refuse, diff_ids ?? [], "the layers of its config", LAYERS_MAX).map(
    (one) => {
      const digest = toOciDigest(one);
      if (digest === undefined) throw refuse("its config has a digest that cannot be read");
      return digest;
    },
  );
  const os = text("os") ?? "linux";
  const architecture = text("architecture") ?? "unknown";
  return {
    platform: normalPlatform(os, architecture, text("variant")),
    diffIds,
    created: text("created"),
  };
}

/** Reads a JSON document that has to be an object. @throws {ImageFormatError} when it is not. */
export function parseJsonObject(
  reference: string,
  what: string,
  bytes: Uint8Array,
): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw new ImageFormatError(reference, `${what} is not JSON`, { cause: error });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ImageFormatError(reference, `${what} is not a JSON object`);
  }
  return value as Readonly<Record<string, unknown>>;
}

function parseDescriptor(
  refuse: (reason: string) => ImageFormatError,
  value: unknown,
): Descriptor {
  if (typeof value !== "object" || value === null) throw refuse("a part of it is not described");
  const { mediaType, digest: text, size, platform, annotations } = value as Record<string, unknown>;
  const digest = toOciDigest(text);
  if (digest === undefined) throw refuse(`its digest ${shown(text)} cannot be read`);
  if (typeof mediaType !== "string") throw refuse(`${digest} has no media type`);
  if (!Number.isSafeInteger(size) || (size as number) < 0) throw refuse(`${digest} has no size`);
  return {
    mediaType,
    digest,
    size: size as number,
    platform: parseDescribedPlatform(platform),
    annotations: textsOf(annotations),
  };
}

function parseDescribedPlatform(value: unknown): Platform | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { os, architecture, variant } = value as Record<string, unknown>;
  if (typeof os !== "string" || typeof architecture !== "string") return undefined;
  return normalPlatform(os, architecture, typeof variant === "string" ? variant : undefined);
}

function textsOf(value: unknown): Readonly<Record<string, string>> {
  if (typeof value !== "object" || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] =>
      typeof entry[1] === "string"
    ),
  );
}

function hasUrls(value: unknown): boolean {
  const { urls } = value as { urls?: unknown };
  return Array.isArray(urls) && urls.length > 0;
}

function list(
  refuse: (reason: string) => ImageFormatError,
  value: unknown,
  what: string,
  countMax: number,
): readonly unknown[] {
  if (!Array.isArray(value)) throw refuse(`${what} are no list`);
  if (value.length > countMax) throw refuse(`${what} are more than ${countMax}`);
  return value;
}

/** Foreign text for messages: quoted, and not longer than it helps. */
function shown(value: unknown): string {
  return JSON.stringify(String(value).slice(0, 100));
}
