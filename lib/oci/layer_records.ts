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
import { decodePart, encodePart, type PackedPart } from "../image/packed_part.ts";
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

/** Largest record without compression. */
const PLAIN_BYTES_MAX = 512 * 1024 ** 2;

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
    const found = await load(path);
    if (found === undefined) return undefined;
    const { entries, ...rest } = found as LayerDocument;
    const decoded = entries.map(decodeEntry);
    const hidden = decoded.filter((entry) => hasContent(entry) && hides(entry.path));
    const partPath = `${path}.${hiddenDigest(hidden)}`;
    const document = await load(partPath);
    if (document === undefined) return undefined;
    const part = decodePart(document as ReturnType<typeof encodePart>);
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
    return { read: { ...rest, entries: read }, part };
  }

  /**
   * Keeps a layer whose blocks are stored. Best effort: a folder that cannot be written makes later
   * work slower, and must not fail the work just done.
   */
  async keep(
    diffId: string,
    { entries, ...rest }: ReadLayerRecord,
    part: PackedPart,
  ): Promise<void> {
    if (entries.length > ENTRIES_MAX) return;
    const hidden = entries.filter((entry) => hasContent(entry) && entry.content === undefined);
    const document: LayerDocument = { ...rest, entries: entries.map(encodeEntry) };
    const path = this.#pathOf(diffId);
    try {
      await Deno.mkdir(this.#folder, { recursive: true, mode: 0o700 });
      await save(path, document);
      await save(`${path}.${hiddenDigest(hidden)}`, encodePart(part));
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

/** Reads a record; one that is damaged counts as none. */
async function load(path: string): Promise<unknown> {
  try {
    const bytes = await Deno.readFile(path);
    const body = bytes.subarray(DIGEST_SIZE);
    if (!equalBytes(bytes.subarray(0, DIGEST_SIZE), sha256(body))) return undefined;
    const plain = zstdDecompressSync(body, { maxOutputLength: PLAIN_BYTES_MAX });
    return JSON.parse(new TextDecoder().decode(plain));
  } catch {
    return undefined;
  }
}

async function save(path: string, document: unknown): Promise<void> {
  const plain = new TextEncoder().encode(JSON.stringify(document));
  if (plain.length > PLAIN_BYTES_MAX) return;
  const body = zstdCompressSync(plain);
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
