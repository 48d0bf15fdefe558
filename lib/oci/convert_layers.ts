/**
 * Turns the layers of a container image into a flist and blocks.
 *
 * @module
 */

import { displayByteString } from "../base/byte_string.ts";
import { ArchiveFormatError } from "../base/errors.ts";
import { TEXT_LENGTH_MAX } from "../flist/entry_rules.ts";
import type { Profile } from "../block/profile.ts";
import { FlistWriter } from "../flist/flist_writer.ts";
import { AssembledTree } from "../image/assembled_tree.ts";
import type { ContentFeed } from "../image/content_feed.ts";
import { excludeMatcher } from "../image/exclude.ts";
import { routesOf, useStore } from "../image/image_stores.ts";
import { checkSealing, Pack, type PackReport, resolveJobs } from "../image/pack.ts";
import { type PackTarOptions, ReadProgress, resolveLimits } from "../image/pack_tar.ts";
import type { Store } from "../store/store.ts";
import { parseImageConfig } from "./image_config.ts";
import { checkLayerCount, LayerMerge } from "./layer_merge.ts";
import { prefetchLayers } from "./layer_prefetch.ts";
import { LayerRecords } from "./layer_records.ts";
import type { LayerSource } from "./layer_source.ts";
import { STARTUP_FILE, startupFile } from "./startup_file.ts";

/** The image that the layers belong to. */
export interface ImageOfLayers {
  /** What the image is called in messages, such as its reference. */
  readonly name: string;
  /** Digest of its manifest (`sha256:…`); undefined where it has none, as in Docker's archives. */
  readonly manifestDigest: string | undefined;
  /** Its config, the bytes as they came. */
  readonly config: Uint8Array;
}

/** How to convert. The limits are for all layers together. */
export interface ConvertOptions extends PackTarOptions {
  /**
   * Folder in which conversions on this machine keep what layers were packed to, and mark their flists
   * as one's own. A layer that was packed before is not read again where its blocks are in the store.
   * The flist is the same with and without it.
   */
  readonly stateFolder?: string;
  /** Told when a layer has been read: lowest is number 0. */
  readonly onLayer?: (layer: number, digest: string, entries: number) => void;
}

/** What a conversion of layers did. */
export interface ConvertLayersReport extends PackReport {
  /** How many layers were packed before and so not read: see {@link ConvertOptions.stateFolder}. */
  readonly layersKnown: number;
}

/** The tag with the digest of the image's manifest. */
export const MANIFEST_TAG = "oci.manifest";
/** The tag with the image's config; long ones go on in `oci.config.2` and so on. */
export const CONFIG_TAG = "oci.config";

/**
 * Packs an image from its layers, which are read while they are packed, the upper ones first; the next
 * ones come ahead meanwhile. What
 * upper layers hide is not stored. Memory is bounded, and nothing is unpacked to disk.
 *
 * The tree is what a container would see (OCI image specification, layer.md), with `.startup.toml`
 * at its root, which says how to start it. The manifest's digest and the config become tags.
 *
 * The same image gives the same flist, byte for byte; images that share layers share blocks.
 *
 * @param layers In the order of the manifest, lowest first.
 * @throws {ArchiveFormatError} when a layer or the config is damaged or not what the config says.
 * @throws {UnsafePathError} when a layer has a path with `..`.
 * @throws {LimitExceededError} when the layers ask for more than `limits` allow.
 */
export async function convertLayers(
  layers: readonly LayerSource[],
  image: ImageOfLayers,
  options: ConvertOptions,
): Promise<ConvertLayersReport> {
  const startedMs = performance.now();
  const jobs = resolveJobs(options.jobs);
  const limits = resolveLimits(options.limits);
  checkLayerCount(layers.length);
  options.signal?.throwIfAborted();
  const profile = options.profile ?? "myfs";
  checkSealing(profile, options);
  const name = displayByteString(image.name);
  const config = parseImageConfig(image.config, name);
  if (config.diffIds.length > 0 && config.diffIds.length !== layers.length) {
    throw new ArchiveFormatError(
      name,
      `its config names ${config.diffIds.length} layers, and its manifest ${layers.length}`,
    );
  }
  const startup = await startupFile(config);
  await using used = await useStore(options.store, profile, {
    ...options.storeOptions,
    create: true,
  });
  using writer = FlistWriter.create(options.meta, { profile });
  const tree = new AssembledTree(name);
  await using pack = new Pack(tree, writer, used.store, undefined, jobs, {
    ...options,
    tags: { ...tagsOf(image), ...options.tags },
    routes: () => routesOf(options.store, options.keepSecrets ?? false),
  });
  const feed = pack.feed();
  const records = recordsFor(used.store, profile, options);
  const diffIds = layers.map(({ diffId }, i) => diffId ?? config.diffIds[i]);
  const known = await Promise.all(
    diffIds.map((diffId) => diffId !== undefined && records?.mayKnow(diffId)),
  );
  await using prefetched = prefetchLayers(layers, options.signal, (index) => known[index] !== true);
  const numbers = new Map(prefetched.layers.map((layer, number) => [layer, number]));
  const merge = new LayerMerge(tree, feed, {
    limits,
    signal: options.signal,
    isExcluded: excludeMatcher(options.exclude ?? []),
    onLayer: (layer, entries) => options.onLayer?.(numbers.get(layer)!, layer.digest, entries),
    progress: new ReadProgress(options.onProgress, sizeOf(layers)),
    records,
  });
  await merge.merge(prefetched.layers.map((source, i) => ({ source, diffId: diffIds[i] })));
  await addStartupFile(tree, feed, startup);
  await feed.finish();
  await pack.readSource();
  const report = await pack.finish(startedMs);
  for (const { diffId, read, part } of merge.freshLayers) {
    await records?.keep(diffId, read, pack.packedPart(part));
  }
  return { ...report, layersKnown: merge.knownCount };
}

/** Bytes of all layers, as they are stored; undefined where it is not known of all. */
function sizeOf(layers: readonly LayerSource[]): number | undefined {
  let sum = 0;
  for (const { size } of layers) {
    if (size === undefined) return undefined;
    sum += size;
  }
  return sum;
}

function recordsFor(
  store: Store,
  profile: Profile,
  { stateFolder, level, exclude = [], domainSecret, signal }: ConvertOptions,
): LayerRecords | undefined {
  if (stateFolder === undefined) return undefined;
  return new LayerRecords(stateFolder, { profile, level, exclude, domainSecret }, store, signal);
}

/** Puts the file in place of whatever the image has there: a link is replaced, not followed. */
async function addStartupFile(
  tree: AssembledTree,
  feed: ContentFeed,
  bytes: Uint8Array,
): Promise<void> {
  await feed.beginPart();
  const content = feed.begin({
    directory: "",
    name: STARTUP_FILE,
    size: bytes.length,
    hasHoles: false,
  });
  await feed.write(0, bytes);
  await feed.end();
  tree.remove(STARTUP_FILE);
  tree.put(STARTUP_FILE, {
    kind: "file",
    mode: 0o100644,
    uid: 0,
    gid: 0,
    size: bytes.length,
    mtime: 0,
    mtimeNsec: 0,
    rdev: 0,
    content,
  });
}

function tagsOf({ manifestDigest, config }: ImageOfLayers): Record<string, string> {
  const tags: Record<string, string> = manifestDigest === undefined
    ? {}
    : { [MANIFEST_TAG]: manifestDigest };
  const text = new TextDecoder().decode(config);
  // A character takes three bytes at most, and a pair of surrogates four for two.
  const length = Math.floor(TEXT_LENGTH_MAX / 3);
  let part = 1;
  for (let at = 0; at < text.length; part++) {
    let end = Math.min(at + length, text.length);
    const last = text.charCodeAt(end - 1);
    if (end < text.length && last >= 0xd800 && last <= 0xdbff) end--;
    tags[part === 1 ? CONFIG_TAG : `${CONFIG_TAG}.${part}`] = text.slice(at, end);
    at = end;
  }
  return tags;
}
