/**
 * Packs a directory: walk, plan, and worker threads that read, chunk, seal and store, while the
 * main thread writes the flist.
 *
 * @module
 */

import { displayByteString } from "../base/byte_string.ts";
import { type Failure, toFailure, UnsupportedError } from "../base/errors.ts";
import type { ProgressListener } from "../base/progress.ts";
import { createBlockCodec } from "../block/block_codec.ts";
import type { Profile } from "../block/profile.ts";
import { FlistWriter, type Route } from "../flist/flist_writer.ts";
import { profileLosses } from "../flist/profile_losses.ts";
import { asSystemError } from "../linux/errno.ts";
import type { Store } from "../store/store.ts";
import type { StoreTuning } from "../store/wrappers/leaf_wrappers.ts";
import { joinPath, scanDirectory } from "../tree/directory_source.ts";
import { excludeMatcher, ownOutputMatcher } from "./exclude.ts";
import { routesOf, type StoreLike, useStore } from "./image_stores.ts";
import { rememberOwnFlist, SourceStamps } from "./own_flists.ts";
import { PackBase } from "./pack_base.ts";
import { ContentFeed } from "./content_feed.ts";
import { PackPlan } from "./pack_plan.ts";
import type { PackEntry, PackSource } from "./pack_source.ts";
import { PackWork } from "./pack_work.ts";
import { type ContentChange, PackedContent } from "./packed_content.ts";
import { describePart, type FedPart, type PackedPart } from "./packed_part.ts";
import { type EntryCounts, type Loss, LossCounter } from "./reports.ts";

/** How to pack. */
export interface PackOptions {
  /** Path of the flist to write. It appears, or replaces an older one, when all is done. */
  readonly meta: string;
  /** Where the blocks go. */
  readonly store: StoreLike;
  /** How much is asked of the stores that are named, not given open, and how patiently. */
  readonly storeOptions?: StoreTuning;
  /**
   * How blocks are made and metadata is kept.
   * @default {"myfs"}
   */
  readonly profile?: Profile;
  /**
   * An earlier flist of a similar tree: what did not change is taken from it. What it says about
   * content is believed, so it has to be one's own, unless {@link PackOptions.trustBase} says more.
   */
  readonly base?: string;
  /**
   * Whether to build on a base that was not made here.
   * @default {false}
   */
  readonly trustBase?: boolean;
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
  /** Path of the flist written. */
  readonly meta: string;
  /** How its blocks and metadata are made. */
  readonly profile: Profile;
  /** Sizes of all files, each inode once. */
  readonly contentBytes: number;
  /** Distinct chunks that the flist refers to. */
  readonly chunks: number;
  /** Blocks made that the store did not have. */
  readonly blocksStored: number;
  /** Blocks made that the store had already. */
  readonly blocksPresent: number;
  /** Chunks known from the base, or from layers packed before, and not made again. */
  readonly blocksReused: number;
  /** Bytes of the blocks stored. */
  readonly storedBytes: number;
  /** Bytes of all blocks that the flist refers to. */
  readonly referencedBytes: number;
  /** Bytes of the flist. */
  readonly flistBytes: number;
  /** Files taken from the base without reading them. */
  readonly unchangedFiles: number;
  /** How long it took, in milliseconds. */
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
 * @throws {RangeError} when an option is out of range.
 * @throws {SystemError} when the source or the flist's folder cannot be used.
 * @throws {StoreUnavailableError} when the store fails; blocks stored so far stay usable.
 * @throws {UntrustedBaseError} when the base was not made here.
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
  checkSealing(profile, options);
  await using used = await useStore(options.store, profile, {
    ...options.storeOptions,
    create: true,
  });
  await using base = options.base === undefined
    ? undefined
    : await PackBase.open(options.base, profile, used.store, options);
  using writer = FlistWriter.create(options.meta, { profile });
  const tree: PackSource = { root: source, directories: (walk) => scanDirectory(source, walk) };
  await using pack = new Pack(tree, writer, used.store, base, jobs, {
    ...options,
    routes: () => routesOf(options.store, options.keepSecrets ?? false),
  });
  await pack.readSource();
  return await pack.finish(startedMs);
}

/**
 * Refuses what makes no sense now: workers would do so, but only where there is content.
 *
 * @throws {RangeError} {TypeError} when the profile cannot seal blocks so.
 */
export function checkSealing(
  profile: Profile,
  { level, domainSecret }: Pick<PackOptions, "level" | "domainSecret">,
): void {
  createBlockCodec(profile, {
    ...(level === undefined ? {} : { level }),
    ...(domainSecret === undefined ? {} : { domainSecret }),
  });
}

/** Clock steps of file systems and kernels: a change within one may not show in a timestamp. */
const RACY_MS = 2100;

/** How one pack is done, once its source, its store and its base are open. */
export interface PackRunOptions extends
  Pick<
    PackOptions,
    | "meta"
    | "stateFolder"
    | "exclude"
    | "oneFileSystem"
    | "level"
    | "domainSecret"
    | "tags"
    | "signal"
    | "onProgress"
  > {
  /**
   * The routes to write.
   *
   * @param elsewhere How many blocks are in the stores of the base alone.
   */
  readonly routes: (elsewhere: number) => readonly Route[];
}

/** One pack under way. */
export class Pack implements AsyncDisposable {
  readonly #source: PackSource;
  readonly #writer: FlistWriter;
  readonly #store: Store;
  readonly #base: PackBase | undefined;
  readonly #options: PackRunOptions;
  readonly #jobs: number;
  readonly #startedAtMs = Date.now();
  readonly #plan: PackPlan;
  readonly #content: PackedContent;
  readonly #work: PackWork;
  readonly #stamps = SourceStamps.create();
  readonly #failures: Failure[] = [];
  readonly #losses = new LossCounter();
  readonly #counts = { files: 0, directories: 0, symlinks: 0, specials: 0, hardLinks: 0 };
  #contentBytes = 0;
  #unchangedFiles = 0;
  #inodeCount = 0;
  #isScanned = false;

  /** Begins a pack of `source`; writer, store and base stay the caller's. */
  constructor(
    source: PackSource,
    writer: FlistWriter,
    store: Store,
    base: PackBase | undefined,
    jobs: number,
    options: PackRunOptions,
  ) {
    this.#source = source;
    this.#writer = writer;
    this.#store = store;
    this.#base = base;
    this.#options = options;
    this.#jobs = jobs;
    this.#plan = new PackPlan(writer.profile);
    this.#content = new PackedContent(writer, base);
    this.#work = new PackWork({
      source: source.root,
      profile: writer.profile,
      store,
      base,
      content: this.#content,
      jobs,
      level: options.level,
      domainSecret: options.domainSecret,
      signal: options.signal,
      onStored: (files, bytes) => this.#reportStored(files, bytes),
    });
  }

  /**
   * Walks the source and writes all inodes; workers read, seal and store the files meanwhile. What
   * they answer is written after the last inode, so that SQLite lays out the file in the same way
   * whichever was faster.
   */
  async readSource(): Promise<void> {
    const { exclude, oneFileSystem, signal, onProgress } = this.#options;
    const inoOfDirectory = new Map<string, number>();
    const inoOfLinked = new Map<string, number>();
    const isExcluded = excludeMatcher(exclude ?? []);
    const isOwnOutput = await this.#ownOutput();
    const directories = this.#source.directories({
      exclude: (path, kind) => {
        if (isExcluded(path, kind)) return true;
        if (!isOwnOutput(path)) return false;
        this.#losses.add("entry that this pack writes itself", path);
        return true;
      },
      ...(oneFileSystem === undefined ? {} : { oneFileSystem }),
      ...(signal === undefined ? {} : { signal }),
      onFailure: (failure) => this.#failures.push(failure),
      onLoss: (what, path) => this.#losses.add(what, path),
    });
    for await (const { path, self, entries } of directories) {
      if (path === "") {
        inoOfDirectory.set("", this.#addInode(0, "", self));
        this.#counts.directories++;
      }
      const parent = inoOfDirectory.get(path);
      // It could not be added, as was told, so nothing can that is in it.
      if (parent === undefined) continue;
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
    for (const unit of this.#plan.end()) void this.#work.submit(unit);
    this.#isScanned = true;
    await this.#content.release(signal);
    await this.#work.settled();
  }

  /**
   * A way to pack contents before it is known which inodes have them; the source then says so with
   * {@link PackEntry.content}. All of it is done before {@link readSource}.
   */
  feed(): ContentFeed {
    return new ContentFeed(this.#writer.profile, this.#work, this.#jobs);
  }

  /** What became of a part of the {@link feed}; call it after {@link readSource}. */
  packedPart(part: FedPart): PackedPart {
    return describePart(part, (key) => this.#content.sentRef(key));
  }

  async #ownOutput(): Promise<(path: string) => boolean> {
    if (this.#source.root === undefined) return () => false;
    const directories = this.#store.local?.directories.map(({ path }) => path) ?? [];
    try {
      return await ownOutputMatcher(this.#source.root, this.#options.meta, directories);
    } catch (error) {
      throw asSystemError("read", this.#source.root, error);
    }
  }

  #reportStored(files: number, bytes: number): void {
    if (!this.#isScanned) return;
    this.#options.onProgress?.({
      phase: "store",
      entries: files + this.#unchangedFiles,
      entriesTotal: this.#counts.files,
      bytes,
      bytesTotal: this.#contentBytes,
    });
  }

  #addEntry(
    parent: number,
    directory: string,
    entry: PackEntry,
    inoOfLinked: Map<string, number>,
  ): number {
    const isLinked = entry.linkCount > 1 && entry.kind !== "directory";
    const identity = isLinked ? `${entry.device}:${entry.inode}` : "";
    const first = isLinked ? inoOfLinked.get(identity) : undefined;
    const ino = this.#addInode(parent, directory, entry, first);
    if (first !== undefined) {
      this.#counts.hardLinks++;
      return ino;
    }
    if (isLinked) inoOfLinked.set(identity, ino);
    this.#count(entry);
    if (entry.kind !== "file" || entry.size === 0) return ino;
    this.#contentBytes += entry.size;
    if (entry.content !== undefined) {
      this.#content.place(entry.content, ino);
      return ino;
    }
    const isSettled = entry.ctime * 1000 + entry.ctimeNsec / 1e6 < this.#startedAtMs - RACY_MS;
    if (isSettled && entry.baseIno === undefined) this.#stamps.set(ino, entry);
    const unchanged = entry.baseIno ?? this.#base?.findUnchanged(entry);
    if (unchanged !== undefined) {
      this.#unchangedFiles++;
      this.#content.reuse(ino, unchanged);
    } else {
      for (const unit of this.#plan.add(ino, directory, entry)) void this.#work.submit(unit);
    }
    return ino;
  }

  #addInode(parent: number, directory: string, entry: PackEntry, hardLinkTo?: number): number {
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

  #count({ kind }: PackEntry): void {
    if (kind === "file") this.#counts.files++;
    else if (kind === "directory") this.#counts.directories++;
    else if (kind === "symlink") this.#counts.symlinks++;
    else this.#counts.specials++;
  }

  /** Blocks that the flist refers to and the stores of the base alone have. */
  get blocksElsewhere(): number {
    return this.#content.elsewhereCount;
  }

  /** Applies what workers found to have changed, writes tags and routes, and publishes the flist. */
  async finish(startedMs: number): Promise<PackReport> {
    const { meta, onProgress, signal, tags = {} } = this.#options;
    for (const change of this.#content.changes()) this.#amend(change);
    const bytes = this.#contentBytes;
    onProgress?.({ phase: "finish", entries: this.#inodeCount, bytes });
    for (const [key, value] of Object.entries(tags)) this.#writer.setTag(key, value);
    if (this.#options.domainSecret !== undefined || this.#base?.hasSecretKeys === true) {
      this.#writer.markSecretChunkKeys();
    }
    const routes = this.#options.routes(this.#content.elsewhereCount);
    for (const route of routes) this.#writer.addRoute(route);
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
      blocksStored: this.#work.blocksStored,
      blocksPresent: this.#work.blocksPresent,
      blocksReused: this.#content.reusedCount,
      storedBytes: this.#work.storedBytes,
      referencedBytes: this.#content.referencedBytes,
      flistBytes: (await Deno.stat(meta)).size,
      unchangedFiles: this.#unchangedFiles,
      durationMs: Math.round(performance.now() - startedMs),
      failures: this.#failures,
      losses: this.#losses.list(),
    };
  }

  /** Records what a file was found to be when it was read; its further names follow it. */
  #amend({ ino, metadata, failure, walkedSize }: ContentChange): void {
    this.#stamps.clear(ino);
    this.#contentBytes += (metadata?.size ?? 0) - walkedSize;
    let furtherNames = 0;
    if (metadata === undefined) {
      furtherNames = this.#writer.removeInode(ino).length - 1;
      this.#counts.files--;
      this.#counts.hardLinks -= furtherNames;
    } else {
      this.#writer.updateMetadata(ino, metadata);
    }
    if (failure === undefined) return;
    const others = furtherNames === 0
      ? ""
      : `; left out with ${furtherNames} further ${furtherNames === 1 ? "name" : "names"}`;
    this.#failures.push({ ...failure, reason: failure.reason + others });
  }

  /** Ends the work. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#work[Symbol.asyncDispose]();
  }
}
