/**
 * Packs a directory: walk, plan, and worker threads that read, chunk, seal and store, while the
 * main thread writes the flist.
 *
 * @module
 */

import { displayByteString } from "../base/byte_string.ts";
import { type Failure, toFailure, UnsupportedError } from "../base/errors.ts";
import type { ProgressListener } from "../base/progress.ts";
import { parseBlockId } from "../block/block_ref.ts";
import type { Profile } from "../block/profile.ts";
import { ContentDefinedChunker } from "../chunk/content_defined_chunker.ts";
import { FlistWriter } from "../flist/flist_writer.ts";
import { profileLosses } from "../flist/profile_losses.ts";
import type { Store } from "../store/store.ts";
import { joinPath, scanDirectory, type ScannedEntry } from "../tree/directory_source.ts";
import type { EntryMetadata } from "../tree/tree_entry.ts";
import { excludeMatcher } from "./exclude.ts";
import { routesOf, type StoreLike, useStore } from "./image_stores.ts";
import { rememberOwnFlist, SourceStamps } from "./own_flists.ts";
import { PackBase } from "./pack_base.ts";
import { PackPlan, type PlannedUnit } from "./pack_plan.ts";
import type { PackDone, PackWorkerSetup, PostedBlock, SentRef } from "./pack_worker.ts";
import { PackedContent } from "./packed_content.ts";
import { type EntryCounts, type Loss, LossCounter } from "./reports.ts";
import { ChunkClaims, FileDigests, Turns } from "./shared_digests.ts";
import { WorkerPool } from "./worker_pool.ts";

/** How to pack. */
export interface PackOptions {
  /** Path of the flist to write. It appears, or replaces an older one, when all is done. */
  readonly meta: string;
  /** Where the blocks go. */
  readonly store: StoreLike;
  /**
   * How blocks are made and metadata is kept.
   * @default {"myfs"}
   */
  readonly profile?: Profile;
  /** An earlier flist of a similar tree: what did not change is taken from it. */
  readonly base?: string;
  /**
   * Folder in which packs on this machine keep what makes the next one faster and marks their
   * flists as one's own. Without it `base` compares content instead of timestamps.
   */
  readonly stateFolder?: string;
  /** Glob patterns of what to leave out: see {@link excludeMatcher}. */
  readonly exclude?: readonly string[];
  /**
   * Whether to stay on the file system of the source.
   * @default {false}
   */
  readonly oneFileSystem?: boolean;
  /**
   * Zstandard level, 1 to 19; the `rfs` profile has none.
   * @default {3}
   */
  readonly level?: number;
  /** 32 bytes that keep those who do not know them from confirming a guess of the content. */
  readonly domainSecret?: Uint8Array;
  /**
   * Worker threads, 1 to 64.
   * @default {navigator.hardwareConcurrency}
   */
  readonly jobs?: number;
  /**
   * Whether passwords and tokens in store URLs are written to the flist.
   * @default {false}
   */
  readonly keepSecrets?: boolean;
  /** Tags to write. */
  readonly tags?: Readonly<Record<string, string>>;
  /** Stops the pack: no flist appears, blocks stored so far stay and are found again. */
  readonly signal?: AbortSignal;
  /** Told how far the pack is. */
  readonly onProgress?: ProgressListener;
}

/** What a pack did. */
export interface PackReport extends EntryCounts {
  readonly meta: string;
  readonly profile: Profile;
  /** Sizes of all files, each inode once. */
  readonly contentBytes: number;
  /** Distinct chunks that the flist refers to. */
  readonly chunks: number;
  /** Blocks made that the store did not have. */
  readonly blocksStored: number;
  /** Blocks made that the store had already. */
  readonly blocksPresent: number;
  /** Chunks known from the base and not made again. */
  readonly blocksReused: number;
  /** Bytes of the blocks stored. */
  readonly storedBytes: number;
  /** Bytes of all blocks that the flist refers to. */
  readonly referencedBytes: number;
  /** Bytes of the flist. */
  readonly flistBytes: number;
  /** Files taken from the base without reading them. */
  readonly unchangedFiles: number;
  readonly durationMs: number;
  /** What was left out or may be wrong: unreadable, vanished or changing files. */
  readonly failures: readonly Failure[];
  /** What the profile cannot hold. */
  readonly losses: readonly Loss[];
}

const JOBS_MAX = 64;

/** The number of worker threads that `jobs` asks for. @throws {RangeError} outside 1 to 64. */
export function resolveJobs(jobs: number | undefined): number {
  const count = jobs ?? Math.min(navigator.hardwareConcurrency, JOBS_MAX);
  if (!Number.isInteger(count) || count < 1 || count > JOBS_MAX) {
    throw new RangeError(`Cannot use ${count} worker threads: 1 to ${JOBS_MAX} are possible`);
  }
  return count;
}

/**
 * Packs the directory `source` into blocks and a flist.
 *
 * Equal trees give equal flists and blocks, byte for byte, whatever the number of workers. Files
 * that cannot be read are left out and reported in `failures`; the rest is packed.
 *
 * @throws {SystemError} when the source or the flist's folder cannot be used.
 * @throws {StoreUnavailableError} when the store fails; blocks stored so far stay usable.
 *
 * @example
 * ```ts
 * import { packDirectory } from "myfs";
 *
 * const folder = await Deno.makeTempDir();
 * await Deno.mkdir(`${folder}/tree`);
 * await Deno.writeTextFile(`${folder}/tree/hello.txt`, "hello");
 * const report = await packDirectory(`${folder}/tree`, {
 *   meta: `${folder}/hello.fl`,
 *   store: `dir://${folder}/blocks`,
 * });
 * console.assert(report.files === 1 && report.failures.length === 0);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function packDirectory(source: string, options: PackOptions): Promise<PackReport> {
  const startedMs = performance.now();
  const jobs = resolveJobs(options.jobs);
  options.signal?.throwIfAborted();
  const profile = options.profile ?? "myfs";
  await using used = await useStore(options.store, true);
  await using base = options.base === undefined
    ? undefined
    : await PackBase.open(options.base, profile, used.store, options);
  using writer = FlistWriter.create(options.meta, { profile });
  const pack = new Pack(writer, used.store, base, options, Date.now());
  await pack.scan(source);
  await pack.store(source, jobs);
  return await pack.finish(startedMs);
}

/** Clock steps of file systems and kernels: a change within one may not show in a timestamp. */
const RACY_MS = 2100;

/** One pack under way. */
class Pack {
  readonly #writer: FlistWriter;
  readonly #store: Store;
  readonly #base: PackBase | undefined;
  readonly #options: PackOptions;
  readonly #startedAtMs: number;
  readonly #plan: PackPlan;
  readonly #stamps = SourceStamps.create();
  readonly #failures: Failure[] = [];
  readonly #losses = new LossCounter();
  readonly #counts = { files: 0, directories: 0, symlinks: 0, specials: 0, hardLinks: 0 };
  /** Further names of inodes that have several. */
  readonly #links = new Map<number, number[]>();
  #contentBytes = 0;
  #unchangedFiles = 0;
  #inodeCount = 0;
  #blocksStored = 0;
  #blocksPresent = 0;
  #storedBytes = 0;
  readonly #content: PackedContent;

  constructor(
    writer: FlistWriter,
    store: Store,
    base: PackBase | undefined,
    options: PackOptions,
    startedAtMs: number,
  ) {
    this.#writer = writer;
    this.#store = store;
    this.#base = base;
    this.#options = options;
    this.#startedAtMs = startedAtMs;
    this.#plan = new PackPlan(writer.profile);
    this.#content = new PackedContent(writer, base);
  }

  /** Walks the source: writes all inodes, and plans the reading of files. */
  async scan(source: string): Promise<void> {
    const { exclude, oneFileSystem, signal, onProgress } = this.#options;
    const inoOfDirectory = new Map<string, number>();
    const inoOfLinked = new Map<string, number>();
    const directories = scanDirectory(source, {
      ...(exclude === undefined ? {} : { exclude: excludeMatcher(exclude) }),
      ...(oneFileSystem === undefined ? {} : { oneFileSystem }),
      ...(signal === undefined ? {} : { signal }),
      onFailure: (failure) => this.#failures.push(failure),
    });
    for await (const { path, self, entries } of directories) {
      if (path === "") {
        inoOfDirectory.set("", this.#addInode(0, "", self));
        this.#counts.directories++;
      }
      const parent = inoOfDirectory.get(path)!;
      // Every directory is entered once: its own entry is not needed again.
      inoOfDirectory.delete(path);
      this.#base?.enterDirectory(path);
      for (const entry of entries) {
        const entryPath = joinPath(path, entry.name);
        try {
          const ino = this.#addEntry(parent, path, entry, inoOfLinked);
          if (entry.kind === "directory") inoOfDirectory.set(entryPath, ino);
        } catch (error) {
          if (!(error instanceof UnsupportedError)) throw error;
          this.#failures.push(toFailure(displayByteString(entryPath), error));
        }
      }
      onProgress?.({ phase: "scan", entries: this.#inodeCount, bytes: this.#contentBytes });
    }
  }

  #addEntry(
    parent: number,
    directory: string,
    entry: ScannedEntry,
    inoOfLinked: Map<string, number>,
  ): number {
    const isLinked = entry.linkCount > 1 && entry.kind !== "directory";
    const identity = isLinked ? `${entry.device}:${entry.inode}` : "";
    const first = isLinked ? inoOfLinked.get(identity) : undefined;
    const ino = this.#addInode(parent, directory, entry, first);
    if (first !== undefined) {
      this.#counts.hardLinks++;
      this.#links.set(first, [...this.#links.get(first) ?? [], ino]);
      return ino;
    }
    if (isLinked) inoOfLinked.set(identity, ino);
    this.#count(entry);
    if (entry.kind !== "file" || entry.size === 0) return ino;
    this.#contentBytes += entry.size;
    if (entry.ctime * 1000 + entry.ctimeNsec / 1e6 < this.#startedAtMs - RACY_MS) {
      this.#stamps.set(ino, entry);
    }
    const unchanged = this.#base?.findUnchanged(entry);
    if (unchanged !== undefined) {
      this.#unchangedFiles++;
      this.#content.reuse(ino, unchanged);
    } else {
      this.#plan.add(ino, directory, entry);
    }
    return ino;
  }

  #addInode(parent: number, directory: string, entry: ScannedEntry, hardLinkTo?: number): number {
    const record = {
      parent,
      name: entry.name,
      mode: entry.mode,
      uid: entry.uid,
      gid: entry.gid,
      size: entry.size,
      mtime: entry.mtime,
      mtimeNsec: entry.mtimeNsec,
      rdev: entry.rdev,
      ...(entry.linkTarget === undefined ? {} : { linkTarget: entry.linkTarget }),
      ...(entry.xattrs === undefined ? {} : { xattrs: entry.xattrs }),
      ...(hardLinkTo === undefined ? {} : { hardLinkTo }),
    };
    for (const what of profileLosses(this.#writer.profile, record)) {
      this.#losses.add(what, joinPath(directory, entry.name));
    }
    const ino = this.#writer.addInode(record);
    this.#inodeCount = Math.max(this.#inodeCount, ino);
    return ino;
  }

  #count({ kind }: ScannedEntry): void {
    if (kind === "file") this.#counts.files++;
    else if (kind === "directory") this.#counts.directories++;
    else if (kind === "symlink") this.#counts.symlinks++;
    else this.#counts.specials++;
  }

  /** Has workers read, seal and store what was planned, and writes where each file's content is. */
  async store(source: string, jobs: number): Promise<void> {
    if (this.#plan.fileCount === 0) return;
    const { signal, onProgress } = this.#options;
    const bytesTotal = this.#contentBytes;
    const entriesTotal = this.#counts.files;
    let entries = this.#unchangedFiles;
    let bytes = 0;
    const uploads = new Uploads(this.#store);
    using pool = new WorkerPool<PlannedUnit["unit"], PackDone>(
      new URL("./pack_worker.ts", import.meta.url),
      {
        size: Math.min(jobs, this.#plan.fileCount),
        setup: this.#workerSetup(source, uploads),
        onNote: (note) => uploads.add(note as PostedBlock, (error) => pool.stop(error)),
      },
    );
    const onAbort = (): void => pool.stop(signal!.reason);
    signal?.addEventListener("abort", onAbort);
    try {
      const arrived: Promise<void>[] = [];
      for (const planned of this.#plan.units()) {
        await pool.ready();
        signal?.throwIfAborted();
        const number = arrived.length;
        const arrival = pool.run(planned.unit).then((done) => {
          this.#blocksPresent += done.present;
          this.#storedBytes += done.storedBytes;
          if (this.#store.local !== undefined) {
            this.#blocksStored += done.refs.length - done.present;
          }
          this.#content.arrive(number, planned, done);
          if (planned.unit.kind === "files") entries += planned.inos.length;
          bytes += done.kind === "digest" ? 0 : sum(done.sizes);
          onProgress?.({ phase: "store", entries, entriesTotal, bytes, bytesTotal });
        });
        // The loop notices a failure at its next turn; until then it must not count as unhandled.
        arrival.catch(() => {});
        arrived.push(arrival);
      }
      await Promise.all(arrived);
      await uploads.settled();
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
    this.#blocksStored += uploads.stored;
    this.#blocksPresent += uploads.present;
    this.#storedBytes += uploads.storedBytes;
  }

  #workerSetup(source: string, uploads: Uploads): PackWorkerSetup {
    const base = this.#base;
    const digests = FileDigests.create(this.#plan.smallFileCount + (base?.digestCount ?? 0));
    const claims = ChunkClaims.create(
      this.#plan.chunksMax(new ContentDefinedChunker().sizeMin) + (base?.chunkCount ?? 0),
    );
    base?.seed(digests, claims);
    return {
      root: source,
      profile: this.#writer.profile,
      level: this.#options.level,
      domainSecret: this.#options.domainSecret,
      placement: this.#store.local,
      bytesUnderWay: uploads.bytesUnderWay,
      fileDigests: digests.table,
      chunkClaims: claims.table,
      turns: Turns.create().memory,
    };
  }

  /** Applies what workers found to have changed, writes tags and routes, and publishes the flist. */
  async finish(startedMs: number): Promise<PackReport> {
    const { meta, onProgress, signal, tags = {}, keepSecrets = false } = this.#options;
    for (const { ino, metadata, failure } of this.#content.changes()) {
      if (failure !== undefined) this.#failures.push(failure);
      this.#stamps.clear(ino);
      for (const name of [ino, ...this.#links.get(ino) ?? []]) this.#amend(name, metadata);
    }
    const bytes = this.#contentBytes;
    onProgress?.({ phase: "finish", entries: this.#inodeCount, bytes });
    for (const [key, value] of Object.entries(tags)) this.#writer.setTag(key, value);
    for (const route of routesOf(this.#options.store, keepSecrets)) this.#writer.addRoute(route);
    // Blocks first: a flist that is there has all of its blocks, also after a power cut.
    await this.#store.flush(signal === undefined ? {} : { signal });
    signal?.throwIfAborted();
    this.#writer.finish();
    const stamps = this.#stamps.toBytes(this.#inodeCount);
    await rememberOwnFlist(meta, this.#options.stateFolder, stamps);
    return {
      meta,
      profile: this.#writer.profile,
      ...this.#counts,
      contentBytes: this.#contentBytes,
      chunks: this.#content.chunkCount,
      blocksStored: this.#blocksStored,
      blocksPresent: this.#blocksPresent,
      blocksReused: this.#content.reusedCount,
      storedBytes: this.#storedBytes,
      referencedBytes: this.#content.referencedBytes,
      flistBytes: (await Deno.stat(meta)).size,
      unchangedFiles: this.#unchangedFiles,
      durationMs: performance.now() - startedMs,
      failures: this.#failures,
      losses: this.#losses.list(),
    };
  }

  #amend(ino: number, metadata: EntryMetadata | undefined): void {
    if (metadata === undefined) this.#writer.removeInode(ino);
    else this.#writer.updateMetadata(ino, metadata);
  }
}

/** Blocks that workers post because the store is not on this machine's disks. */
class Uploads {
  readonly bytesUnderWay = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  readonly #counter = new Int32Array(this.bytesUnderWay);
  readonly #store: Store;
  readonly #running = new Set<Promise<void>>();
  #failure: { error: unknown } | undefined;
  stored = 0;
  present = 0;
  storedBytes = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  add({ ref, block }: PostedBlock, onFailure: (error: unknown) => void): void {
    const upload = this.#put(ref, block).catch((error) => {
      this.#failure ??= { error };
      onFailure(error);
    }).finally(() => {
      this.#running.delete(upload);
      Atomics.sub(this.#counter, 0, block.length);
      Atomics.notify(this.#counter, 0);
    });
    this.#running.add(upload);
  }

  async #put(ref: SentRef, block: Uint8Array<ArrayBuffer>): Promise<void> {
    if (await this.#store.put(parseBlockId(ref.id), block) === "present") {
      this.present++;
    } else {
      this.stored++;
      this.storedBytes += ref.storedSize;
    }
  }

  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}

function sum(numbers: Float64Array): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}
