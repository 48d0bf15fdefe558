/**
 * Container images as people and programs read them.
 *
 * @module
 */

import type { ContainerImage, ConvertReport } from "myfs";
import { escapeControls } from "./escape.ts";
import { formatBytes, formatCount, formatNoun } from "./format.ts";
import type { Document } from "./printer.ts";
import { packSummary } from "./summaries.ts";

/** What an image is, one fact a line. */
export function* containerImageLines(image: ContainerImage): Generator<string> {
  yield `image     ${image.reference}`;
  if (image.digest !== undefined) yield `digest    ${image.digest}`;
  for (const platform of new Set(image.platforms)) yield `platform  ${escapeControls(platform)}`;
  for (const { platform, manifestDigest, configDigest, created, layers } of image.images) {
    const bytes = layers.reduce((sum, { size }) => sum + size, 0);
    yield "";
    yield `${escapeControls(platform)}: ${formatNoun(layers.length, "layer")}, ${
      formatBytes(bytes)
    }`;
    if (manifestDigest !== undefined) yield `  manifest  ${manifestDigest}`;
    yield `  config    ${configDigest}`;
    if (created !== undefined) yield `  created   ${escapeControls(created)}`;
    for (const { digest, size } of layers) yield `  layer     ${digest}  ${formatBytes(size)}`;
  }
}

/** The same as a document. */
export function containerImageDocument(image: ContainerImage): Document {
  const { reference, digest, platforms, images } = image;
  return {
    reference,
    ...(digest === undefined ? {} : { digest }),
    platforms: [...new Set(platforms)],
    images: images.map(({ platform, manifestDigest, configDigest, created, layers }) => ({
      platform,
      ...(manifestDigest === undefined ? {} : { manifestDigest }),
      configDigest,
      ...(created === undefined ? {} : { created }),
      layers: layers.map(({ digest, mediaType, size }) => ({ digest, mediaType, size })),
    })),
  };
}

/** What a conversion came to. */
export function* conversionSummary({ reference, images }: ConvertReport): Generator<string> {
  for (const { platform, layers, layersKnown, layerBytes, pack } of images) {
    yield* packSummary(reference, pack, "layers that were packed before");
    const known = layersKnown === 0 ? "" : `; ${formatCount(layersKnown)} packed before`;
    yield `  image    ${escapeControls(platform)}, ${formatNoun(layers, "layer")}, ` +
      `${formatBytes(layerBytes)}${known}`;
  }
}
