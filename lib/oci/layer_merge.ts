/**
 * Merges the layers of an image. They are read from the top down, so that what an upper layer hides
 * need not be packed, and put together from the bottom up, which alone tells where links lead.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { displayByteString } from "../base/byte_string.ts";
import { ArchiveFormatError, LimitExceededError } from "../base/errors.ts";
import type { AssembledEntry, AssembledInode, AssembledTree } from "../image/assembled_tree.ts";
import type { ContentFeed } from "../image/content_feed.ts";
import type { FedPart } from "../image/packed_part.ts";
import { type ArchiveLimits, assembled, feedEntry, type ReadProgress } from "../image/pack_tar.ts";
import { decompress } from "../tree/tar/decompress.ts";
import { type TarEntry, TarReader } from "../tree/tar/tar_reader.ts";
import { HiddenPaths } from "./hidden_paths.ts";
import {
  hasContent,
  type LayerEntry,
  type LayerRecords,
  type ReadLayerRecord,
  type Whiteout,
} from "./layer_records.ts";
import type { LayerSource } from "./layer_source.ts";
import { layerName } from "./whiteouts.ts";

/** How to merge. */
export interface LayerMergeOptions {
  /** What all layers together may ask for. */
  readonly limits: Required<ArchiveLimits>;
  readonly signal: AbortSignal | undefined;
  /** Tells which entries to leave out. */
  readonly isExcluded: (path: string, kind: TarEntry["kind"]) => boolean;
  /** Told when a layer has been read, or was known. */
  readonly onLayer: (layer: LayerSource, entries: number) => void;
  /** Told of what is read. */
  readonly progress: ReadProgress;
  /** Layers that were packed before; undefined where nothing is kept. */
  readonly records: LayerRecords | undefined;
}

/** What was read of a layer. */
interface ReadLayer extends ReadLayerRecord {
  readonly source: LayerSource;
  readonly diffId: string | undefined;
  readonly entries: LayerEntry[];
  readonly whiteouts: Whiteout[];
  count: number;
  plainBytes: number;
}

/** A layer that is to be kept for later conversions. */
export interface FreshLayer {
  readonly diffId: string;
  readonly read: ReadLayerRecord;
  readonly part: FedPart;
}

/** Where the content is that was passed over: see {@link LayerMerge.finish}. */
interface PassedOver {
  readonly layer: ReadLayer;
  readonly index: number;
}

/** Reads layers, feeds contents, and makes the tree. */
export class LayerMerge {
  readonly #tree: AssembledTree;
  readonly #feed: ContentFeed;
  readonly #options: LayerMergeOptions;
  readonly #hidden = new HiddenPaths();
  readonly #passedOver = new Map<AssembledEntry, PassedOver>();
  readonly #fresh: FreshLayer[] = [];
  #knownCount = 0;
  /** What has been read of all layers so far. */
  #entryCount = 0;
  #plainBytes = 0;

  /** @param tree Empty; is filled by {@link merge}. */
  constructor(tree: AssembledTree, feed: ContentFeed, options: LayerMergeOptions) {
    this.#tree = tree;
    this.#feed = feed;
    this.#options = options;
  }

  /** Layers that were read and can be kept, when {@link merge} is done. */
  get freshLayers(): readonly FreshLayer[] {
    return this.#fresh;
  }

  /** How many layers were known, and so not read. */
  get knownCount(): number {
    return this.#knownCount;
  }

  /**
   * Does all of it.
   *
   * @param sources Lowest first, with the digest of each without compression where it is known.
   */
  async merge(
    sources: readonly { readonly source: LayerSource; readonly diffId: string | undefined }[],
  ): Promise<void> {
    const layers: ReadLayer[] = [];
    for (const { source, diffId } of sources.toReversed()) {
      const layer = await this.#takeKnown(source, diffId) ?? await this.#read(source, diffId);
      this.#options.onLayer(source, layer.count);
      // What the lowest layer hides concerns nobody.
      if (layers.length + 1 < sources.length) this.#hide(layer);
      layers.push(layer);
    }
    for (const layer of layers.toReversed()) this.#apply(layer);
    await this.#fetchPassedOver();
  }

  /** A layer that was packed before; undefined where it was not. */
  async #takeKnown(
    source: LayerSource,
    diffId: string | undefined,
  ): Promise<ReadLayer | undefined> {
    if (!isChecked(diffId)) return undefined;
    const found = await this.#options.records?.find(diffId, (path) => this.#hidden.hides(path));
    if (found === undefined) return undefined;
    const { read, part } = found;
    // It is read after all where that would show that it is too much.
    const { entriesMax, plainBytesMax } = this.#options.limits;
    const isTooMuch = this.#entryCount + read.count > entriesMax ||
      this.#plainBytes + read.plainBytes > plainBytesMax;
    if (isTooMuch) return undefined;
    const first = await this.#feed.takePart(part);
    const layer: ReadLayer = {
      ...read,
      source,
      diffId,
      entries: [],
      whiteouts: [...read.whiteouts],
    };
    for (const logged of read.entries) {
      const { entry, content, index } = logged;
      const put = content === undefined ? entry : { ...entry, content: first + content };
      layer.entries.push({ ...logged, entry: put });
      if (content === undefined && hasContent(logged)) this.#passedOver.set(put, { layer, index });
    }
    this.#count(layer);
    this.#knownCount++;
    this.#options.progress.entries += layer.count;
    this.#options.progress.add(source.size ?? 0);
    return layer;
  }

  async #read(source: LayerSource, diffId: string | undefined): Promise<ReadLayer> {
    const layer: ReadLayer = {
      ...{ source, diffId, entries: [], whiteouts: [], count: 0, plainBytes: 0 },
    };
    const isKept = isChecked(diffId) && this.#options.records !== undefined;
    const part = isKept ? await this.#feed.beginKeptPart() : undefined;
    if (part === undefined) await this.#feed.beginPart();
    await this.#forEach(layer, async (entry, reader, index) => {
      const name = layerName(entry.path);
      switch (name.kind) {
        case "ignored":
          return;
        case "wrong":
          throw new ArchiveFormatError(
            nameOf(layer),
            `"${displayByteString(entry.path)}" takes away nothing that can be there`,
          );
        case "opaque":
        case "whiteout":
          layer.whiteouts.push({ path: name.path, isOpaque: name.kind === "opaque" });
          return;
      }
      const { path, hardLinkTo } = entry;
      if (this.#options.isExcluded(path, entry.kind)) return;
      const isFile = entry.kind === "file" && hardLinkTo === undefined && entry.size > 0;
      const isHidden = isFile && this.#hidden.hides(path);
      const put = isFile && !isHidden
        ? await feedEntry(reader, entry, this.#feed)
        : assembled(entry);
      if (isHidden) this.#passedOver.set(put, { layer, index });
      const content = put.content === undefined || part === undefined
        ? undefined
        : put.content - part.start.content;
      layer.entries.push({ path, hardLinkTo, entry: put, index, content });
    });
    this.#count(layer);
    if (part !== undefined) {
      // What is in the tree loses its layer's entries.
      const read = { ...layer, entries: [...layer.entries] };
      this.#fresh.push({ diffId: diffId!, read, part });
    }
    return layer;
  }

  #count({ count, plainBytes }: ReadLayer): void {
    this.#entryCount += count;
    this.#plainBytes += plainBytes;
  }

  /** Reads the archive of `layer`, entry by entry, within the limits for all of them. */
  async #forEach(
    layer: ReadLayer,
    onEntry: (entry: TarEntry, reader: TarReader, index: number) => Promise<void>,
  ): Promise<void> {
    const { limits, signal, progress } = this.#options;
    const name = nameOf(layer);
    const plain = decompress(progress.counted(layer.source.open(signal)), {
      name,
      ratioMax: limits.ratioMax,
      plainBytesMax: limits.plainBytesMax,
      plainBytesBefore: this.#plainBytes,
    });
    let size = 0;
    const count = (bytes: number): void => {
      size += bytes;
    };
    await using reader = new TarReader(
      checked(plain, name, layer.diffId, count),
      { name, entriesMax: limits.entriesMax, entriesBefore: this.#entryCount },
    );
    let index = 0;
    for (let entry = await reader.next(); entry !== undefined; entry = await reader.next()) {
      signal?.throwIfAborted();
      progress.entries++;
      await onEntry(entry, reader, index++);
    }
    progress.report();
    layer.count = index;
    layer.plainBytes = size;
  }

  #hide(layer: ReadLayer): void {
    for (const { path, isOpaque } of layer.whiteouts) {
      if (isOpaque) this.#hidden.addOpaque(path);
      else this.#hidden.add(path, false);
    }
    for (const { path, entry } of layer.entries) {
      this.#hidden.add(path, entry.kind === "directory");
    }
  }

  /** Puts a layer on top of those that are in the tree. */
  #apply(layer: ReadLayer): void {
    // Whiteouts concern lower layers only, wherever in the archive they stand.
    const own = layer.whiteouts.length === 0
      ? undefined
      : new Set(layer.entries.map(({ path }) => path));
    const isReplaced = (path: string): boolean => own!.has(path);
    // A link may lead to what the layer takes away: the other name goes, and the file stays.
    const targets = new Map<string, AssembledInode | undefined>();
    for (const { hardLinkTo } of own === undefined ? [] : layer.entries) {
      if (hardLinkTo !== undefined) targets.set(hardLinkTo, this.#tree.find(hardLinkTo));
    }
    for (const { path, isOpaque } of layer.whiteouts) {
      if (isOpaque) this.#tree.clear(path, isReplaced);
      else this.#tree.remove(path, isReplaced);
    }
    for (const { path, hardLinkTo, entry } of layer.entries) {
      if (hardLinkTo === undefined) this.#tree.put(path, entry);
      else this.#tree.link(path, hardLinkTo, targets.get(hardLinkTo));
    }
    layer.entries.length = 0;
  }

  /**
   * Fetches content that was taken for hidden and is not: another name of the file shows, or a link
   * led elsewhere. The layers that have it are read once more.
   */
  async #fetchPassedOver(): Promise<void> {
    const wanted = new Map<ReadLayer, Map<number, AssembledEntry>>();
    for (const file of this.#tree.files()) {
      const place = this.#passedOver.get(file);
      if (place === undefined) continue;
      let entries = wanted.get(place.layer);
      if (entries === undefined) wanted.set(place.layer, entries = new Map());
      entries.set(place.index, file);
    }
    this.#passedOver.clear();
    for (const [layer, entries] of wanted) {
      await this.#feed.beginPart();
      // They have been counted the first time.
      this.#entryCount = 0;
      this.#plainBytes = 0;
      await this.#forEach(layer, async (entry, reader, index) => {
        const file = entries.get(index);
        if (file === undefined) return;
        if (entry.size !== file.size || entry.kind !== "file") {
          throw new ArchiveFormatError(nameOf(layer), "it was another one when it was read again");
        }
        const { content } = await feedEntry(reader, entry, this.#feed);
        if (content !== undefined) file.content = content;
      });
    }
  }
}

function nameOf({ source }: ReadLayer): string {
  return `layer ${displayByteString(source.digest)}`;
}

/** Passes on `plain`, and compares its digest when it has ended. */
async function* checked(
  plain: AsyncIterable<Uint8Array>,
  name: string,
  diffId: string | undefined,
  count: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  const [algorithm, expected] = diffId?.split(":", 2) ?? [];
  const hash = isChecked(diffId) ? createHash(algorithm!) : undefined;
  for await (const piece of plain) {
    count(piece.length);
    hash?.update(piece);
    yield piece;
  }
  const found = hash?.digest("hex");
  if (found !== undefined && found !== expected) {
    throw new ArchiveFormatError(
      name,
      `its content has the digest ${algorithm}:${found}, and the image's config says ${diffId}`,
    );
  }
}

/** Whether a layer is held against its digest without compression. */
function isChecked(diffId: string | undefined): diffId is string {
  return diffId !== undefined && /^sha(256|384|512):/.test(diffId);
}

/** Refuses more layers than an image can have. @throws {LimitExceededError} */
export function checkLayerCount(count: number): void {
  if (count <= LAYERS_MAX) return;
  throw new LimitExceededError(
    `Cannot convert an image of ${count} layers: ${LAYERS_MAX} are most`,
  );
}

/** Far beyond what any runtime takes (overlayfs 500). */
const LAYERS_MAX = 1024;
