/**
 * Turns container images into flists and blocks, straight from where they are.
 *
 * @module
 */

import type { PackReport } from "../image/pack.ts";
import {
  type ContainerLayer,
  type ContainerPlatformImage,
  openContainerImage,
  type OpenContainerImageOptions,
} from "./container_image.ts";
import { convertLayers, type ConvertOptions } from "./convert_layers.ts";

/** How to convert an image. `signal` and limits are for all of it. */
export interface ConvertImageOptions
  extends ConvertOptions, Omit<OpenContainerImageOptions, "signal"> {
  /**
   * Path of the flist to write. With several platforms each gets its own, with the platform in front
   * of the extension: `nginx.fl` becomes `nginx.linux-arm64.fl`.
   */
  readonly meta: string;
  /**
   * Told what is about to be converted before any of its layers is read; what it throws ends the
   * conversion.
   */
  readonly onImage?: (image: ContainerPlatformImage) => void;
  /** Told how many bytes of the layers, as they are stored, have come. */
  readonly onLayerBytes?: (bytes: number) => void;
}

/** What became of one platform's image. */
export interface ConvertedImage {
  /** Such as `linux/amd64`. */
  readonly platform: string;
  /** Undefined where the source has no manifest. */
  readonly manifestDigest: string | undefined;
  /** Digest of its config, which Docker calls the image's id. */
  readonly configDigest: string;
  /** How many layers it has. */
  readonly layers: number;
  /** How many of them were packed before and so not fetched: see {@link ConvertOptions.stateFolder}. */
  readonly layersKnown: number;
  /** Bytes of all layers, as their manifest says. */
  readonly layerBytes: number;
  /** What the pack did. */
  readonly pack: PackReport;
}

/** What a conversion did. */
export interface ConvertReport {
  /** The image with all defaults written out. */
  readonly reference: string;
  /** Digest of what its name stands for. */
  readonly digest: string | undefined;
  /** One for each platform that was asked for. */
  readonly images: readonly ConvertedImage[];
}

/**
 * Converts the image `name`, without a daemon and without an unpacked copy on disk. With
 * `platform: "all"`, each platform's image becomes a flist of its own.
 *
 * The same image gives the same flist, byte for byte, wherever it comes from; Docker's archives have no
 * manifest, so that the tag with its digest is missing.
 *
 * @throws what {@link openContainerImage} and {@link convertLayers} throw.
 *
 * @example
 * ```ts ignore
 * import { convertImage } from "myfs";
 *
 * const report = await convertImage("docker.io/library/nginx:latest", {
 *   meta: "nginx.fl",
 *   store: "dir:///srv/blocks",
 * });
 * for (const { platform, pack } of report.images) console.log(platform, pack.files);
 * ```
 */
export async function convertImage(
  name: string,
  options: ConvertImageOptions,
): Promise<ConvertReport> {
  await using image = await openContainerImage(name, options);
  const isAlone = options.platform !== "all";
  const images: ConvertedImage[] = [];
  for (const one of image.images) {
    const meta = isAlone ? options.meta : platformFlist(options.meta, one.platform);
    images.push(await convertOne(image.reference, one, { ...options, meta }));
  }
  return { reference: image.reference, digest: image.digest, images };
}

async function convertOne(
  reference: string,
  image: ContainerPlatformImage,
  options: ConvertImageOptions,
): Promise<ConvertedImage> {
  const { platform, manifestDigest, configDigest, config } = image;
  options.onImage?.(image);
  const layers = counting(image.layers, options.onLayerBytes);
  const identity = { name: reference, manifestDigest, config };
  const { layersKnown, ...pack } = await convertLayers(layers, identity, options);
  const layerBytes = layers.reduce((sum, { size }) => sum + size, 0);
  const counts = { layers: layers.length, layersKnown, layerBytes };
  return { platform, manifestDigest, configDigest, ...counts, pack };
}

/** The same layers, with every piece that comes counted. */
function counting(
  layers: readonly ContainerLayer[],
  onBytes: ConvertImageOptions["onLayerBytes"],
): readonly ContainerLayer[] {
  if (onBytes === undefined) return layers;
  let bytes = 0;
  return layers.map((layer): ContainerLayer => ({
    ...layer,
    async *open(signal): AsyncGenerator<Uint8Array, void> {
      for await (const piece of layer.open(signal)) {
        onBytes(bytes += piece.length);
        yield piece;
      }
    },
  }));
}

/** `nginx.fl` for `linux/arm/v7`: `nginx.linux-arm-v7.fl`. */
function platformFlist(meta: string, platform: string): string {
  const [, stem = meta, extension = ""] = /^(.*[^/])(\.[^./]+)$/s.exec(meta) ?? [];
  return `${stem}.${platform.replaceAll("/", "-")}${extension}`;
}
