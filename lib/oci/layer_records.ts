/**
 * What this user's earlier conversions know of layers, in a folder that the caller names. With it a
 * layer that was packed once, and whose blocks the store still has, is neither fetched nor packed again
 * for another image that has it:
 *
 * - `layers/<key>` holds the entries of a layer; the key is a digest of the layer's own digest and of
 *   all that decides what becomes of it.
 * - `layers/<key>.<digest>` holds what its contents were packed to; the digest is one of which files
 *   were hidden by the layers above, because these are not packed.
 *
 * A record changes who does the work and never the flist, which is that of a conversion without
 * records, byte for byte. Records are a convenience: without them layers are read again. They hold keys
 * of blocks, as flists do, and are for their owner only.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { rename, rm } from "node:fs/promises";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { concatBytes, equalBytes } from "../base/bytes.ts";
import { parseBlockId } from "../block/block_ref.ts";
import type { AssembledEntry } from "../image/assembled_tree.ts";
import {
  decodePart,
  encodePart,
  joinParts,
  type PackedPart,
  type PackedPartDocument,
  splitPart,
} from "../image/packed_part.ts";
import type { Store } from "../store/store.ts";

/** A layer that was read. */
export interface ReadLayerRecord {
  readonly entries: readonly LayerEntry[];
  readonly whiteouts: readonly Whiteout[];
  /** How many entries the archive has, those of no meaning included. */
  readonly count: number;
  /** Bytes of the archive without compression. */
  readonly plainBytes: number;
}

/** An entry in the order of its layer. */
export interface LayerEntry {
  readonly path: string;
  readonly hardLinkTo: string | undefined;
  /** In records without the number of its content. */
  readonly entry: AssembledEntry;
  /** Its place in the archive. */
  readonly index: number;
  /** Number of its content in its layer; undefined where it has none or is hidden. */
  readonly content: number | undefined;
}

/** What a layer takes away. */
export interface Whiteout {
  readonly path: string;
  readonly isOpaque: boolean;
}

/** A layer that need not be read. */
export interface KnownLayer {
  readonly read: ReadLayerRecord;
  readonly part: PackedPart;
}

/** What decides what becomes of a layer, beside its content and what hides it. */
export interface LayerRecordSettings {
  readonly profile: string;
  readonly level: number | undefined;
  readonly exclude: readonly string[];
  readonly domainSecret: Uint8Array | undefined;
}

/** Counts changes of what records hold and of how layers are read. */
const VERSION = 1;

/** Layers with more entries are not kept: each takes a hundred bytes in memory while it is written. */
const ENTRIES_MAX = 500_000;

/** Most files and bytes of all records; the ones that were not used for longest go first. */
const FILES_MAX = 1024;
const BYTES_MAX = 512 * 1024 ** 2;

/** Entries and units that stand in one document of a record. */
const ENTRIES_AT_A_TIME = 2000;
const UNITS_AT_A_TIME = 100;

/** Largest document without compression: a record that is damaged must not take more. */
const DOCUMENT_SIZE_MAX = 512 * 1024 ** 2;

/** Bytes before each document that say how long it is. */
const LENGTH_SIZE = 4;

const DIGEST_SIZE = 32;

/** Whether an entry has content that is packed where nothing hides it. */
export function hasContent({ hardLinkTo, entry }: LayerEntry): boolean {
  return hardLinkTo === undefined && entry.kind === "file" && entry.size > 0;
}

/** Looks for layers, and keeps them. */
export class LayerRecords {
  readonly #folder: string;
  readonly #settings: string;
  readonly #store: Store;
  readonly #signal: AbortSignal | undefined;

  /**
   * @param stateFolder Need not exist.
   * @param store Has to have the blocks of a layer that is found.
   */
  constructor(
    stateFolder: string,
    settings: LayerRecordSettings,
    store: Store,
    signal: AbortSignal | undefined,
  ) {
    this.#folder = `${stateFolder}/layers`;
    const { profile, level, exclude, domainSecret } = settings;
    const secret = domainSecret === undefined ? "" : sha256(domainSecret).toHex();
    // The runtime's zstd decides what blocks look like.
    this.#settings = JSON.stringify(
      [VERSION, Deno.version.deno, profile, level ?? "", [...exclude], secret],
    );
    this.#store = store;
    this.#signal = signal;
  }

  /** Whether the layer may be found: whoever fetches ahead need not fetch it. */
  async mayKnow(diffId: string): Promise<boolean> {
    try {
      return (await Deno.lstat(this.#pathOf(diffId))).isFile;
    } catch {
      return false;
    }
  }

  /**
   * The layer, if it was packed with the same files hidden and the store has all of its blocks.
   *
   * @param hides Whether the layers above hide a file of that path.
   */
  async find(
    diffId: string,
    hides: (path: string) => boolean,
  ): Promise<KnownLayer | undefined> {
    const path = this.#pathOf(diffId);
    const layer = await load<LayerDocument>(path);
    if (layer === undefined) return undefined;
    const decoded = layer.flatMap(({ entries }) => entries.map(decodeEntry));
    const hidden = decoded.filter((entry) => hasContent(entry) && hides(entry.path));
    const partPath = `${path}.${hiddenDigest(hidden)}`;
    const document = await load<PackedPartDocument>(partPath);
    if (document === undefined) return undefined;
    const part = joinParts(document.map(decodePart));
    const ids = part.refs.map(({ id }) => parseBlockId(id));
    const call = this.#signal === undefined ? {} : { signal: this.#signal };
    if (!(await this.#store.has(ids, call)).every(Boolean)) return undefined;
    await Promise.all([path, partPath].map(touch));
    const isHidden = new Set(hidden);
    let contents = 0;
    const read = decoded.map((one) =>
      hasContent(one) && !isHidden.has(one) ? { ...one, content: contents++ } : one
    );
    // Contents are numbered in the order of the entries, as they were when they were packed.
    if (contents !== part.contents) return undefined;
    const { whiteouts, count, plainBytes } = layer[0]!;
    return { read: { entries: read, whiteouts, count, plainBytes }, part };
  }

  /**
   * Keeps a layer whose blocks are stored. Best effort: a folder that cannot be written makes later
   * work slower, and must not fail the work just done.
   */
  async keep(diffId: string, read: ReadLayerRecord, part: PackedPart): Promise<void> {
    const { entries } = read;
    if (entries.length > ENTRIES_MAX) return;
    const hidden = entries.filter((entry) => hasContent(entry) && entry.content === undefined);
    const path = this.#pathOf(diffId);
    try {
      await Deno.mkdir(this.#folder, { recursive: true, mode: 0o700 });
      await save(path, layerDocuments(read));
      await save(
        `${path}.${hiddenDigest(hidden)}`,
        splitPart(part, UNITS_AT_A_TIME).map(encodePart),
      );
      await dropOldest(this.#folder);
    } catch {
      // See above.
    }
  }

  #pathOf(diffId: string): string {
    const key = sha256(new TextEncoder().encode(`${this.#settings}\n${diffId}`));
    return `${this.#folder}/${key.toHex()}`;
  }
}

/** An entry in a record. Fields that are mostly the same or absent stand last. */
type EntryDocument = readonly [
  path: string,
  kind: AssembledEntry["kind"],
  index: number,
  mode: number,
  uid: number,
  gid: number,
  size: number,
  mtime: number,
  mtimeNsec: number,
  rdev: number,
  hardLinkTo: string | null,
  linkTarget: string | null,
  /** Values in base64. */
  xattrs: readonly (readonly [name: string, value: string])[],
];

interface LayerDocument extends Omit<ReadLayerRecord, "entries"> {
  readonly entries: readonly EntryDocument[];
}

/** The first document says all of the layer; the others have further entries. */
function* layerDocuments(
  { entries, whiteouts, count, plainBytes }: ReadLayerRecord,
): Generator<LayerDocument> {
  let at = 0;
  do {
    const some = entries.slice(at, at + ENTRIES_AT_A_TIME).map(encodeEntry);
    yield { count, plainBytes, whiteouts: at === 0 ? whiteouts : [], entries: some };
    at += ENTRIES_AT_A_TIME;
  } while (at < entries.length);
}

function encodeEntry({ path, hardLinkTo, entry, index }: LayerEntry): EntryDocument {
  const { kind, mode, uid, gid, size, mtime, mtimeNsec, rdev, linkTarget, xattrs } = entry;
  return [
    ...[path, kind, index, mode, uid, gid, size, mtime, mtimeNsec, rdev] as const,
    hardLinkTo ?? null,
    linkTarget ?? null,
    Array.from(xattrs ?? [], ([name, value]) => [name, value.toBase64()] as const),
  ];
}

function decodeEntry(document: EntryDocument): LayerEntry {
  const [path, kind, index, mode, uid, gid, size, mtime, mtimeNsec, rdev, ...rest] = document;
  const [hardLinkTo, linkTarget, xattrs] = rest;
  return {
    path,
    hardLinkTo: hardLinkTo ?? undefined,
    index,
    content: undefined,
    entry: {
      ...{ kind, mode, uid, gid, size, mtime, mtimeNsec, rdev },
      ...(linkTarget === null ? {} : { linkTarget }),
      ...(xattrs.length === 0 ? {} : {
        xattrs: new Map(xattrs.map(([name, value]) => [name, Uint8Array.fromBase64(value)])),
      }),
    },
  };
}

function hiddenDigest(hidden: readonly LayerEntry[]): string {
  const text = hidden.map(({ index }) => index).join(",");
  return sha256(new TextEncoder().encode(text)).toHex().slice(0, 32);
}

/**
 * Reads a record: documents one after the other, so that memory for all of them at once is not needed.
 * One that is damaged counts as none.
 */
async function load<Document>(path: string): Promise<Document[] | undefined> {
  try {
    const bytes = await Deno.readFile(path);
    const body = bytes.subarray(DIGEST_SIZE);
    if (!equalBytes(bytes.subarray(0, DIGEST_SIZE), sha256(body))) return undefined;
    const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
    const documents: Document[] = [];
    for (let at = 0; at < body.length;) {
      const start = at + LENGTH_SIZE;
      const end = start + view.getUint32(at);
      const limit = { maxOutputLength: DOCUMENT_SIZE_MAX };
      const plain = zstdDecompressSync(body.subarray(start, end), limit);
      documents.push(JSON.parse(new TextDecoder().decode(plain)));
      at = end;
    }
    return documents;
  } catch {
    return undefined;
  }
}

/** Writes a record, for the owner only. */
async function save(path: string, documents: Iterable<unknown>): Promise<void> {
  const parts: Uint8Array[] = [];
  for (const document of documents) {
    const compressed = zstdCompressSync(new TextEncoder().encode(JSON.stringify(document)));
    const length = new Uint8Array(LENGTH_SIZE);
    new DataView(length.buffer).setUint32(0, compressed.length);
    parts.push(length, compressed);
  }
  const body = concatBytes(parts);
  const temporary = `${path}.${crypto.randomUUID()}.part`;
  try {
    await Deno.writeFile(temporary, concatBytes([sha256(body), body]), {
      createNew: true,
      mode: 0o600,
    });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Says that a record was used. */
async function touch(path: string): Promise<void> {
  const now = new Date();
  try {
    await Deno.utime(path, now, now);
  } catch {
    // Another conversion has removed it meanwhile.
  }
}

async function dropOldest(folder: string): Promise<void> {
  const files: { path: string; size: number; usedAtMs: number }[] = [];
  for await (const { name } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    const { size, mtime } = await Deno.stat(path);
    files.push({ path, size, usedAtMs: mtime?.getTime() ?? 0 });
  }
  files.sort((a, b) => b.usedAtMs - a.usedAtMs);
  let bytes = 0;
  for (const [i, { path, size }] of files.entries()) {
    bytes += size;
    if (i >= FILES_MAX || bytes > BYTES_MAX) await rm(path, { force: true });
  }
}

function sha256(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash("sha256").update(bytes).digest());
}
