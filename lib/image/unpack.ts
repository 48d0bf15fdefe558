/**
 * Unpacks a flist into a directory: every block is fetched and opened once, and all files that need
 * it are written, by as many threads as there are cores.
 *
 * Everything is made in a staging directory inside the target and moved to its place at the end, so
 * that nothing in the target looks complete and is not, whatever happens meanwhile.
 *
 * @module
 */

import { displayByteString } from "../base/byte_string.ts";
import { Breather } from "../base/concurrency.ts";
import { type Failure, FlistFormatError, toFailure } from "../base/errors.ts";
import type { ProgressListener } from "../base/progress.ts";
import { FlistReader, type Inode } from "../flist/flist_reader.ts";
import { libc } from "../linux/libc.ts";
import type { Store } from "../store/store.ts";
import { DirectorySink } from "../tree/directory_sink.ts";
import { joinPath } from "../tree/directory_source.ts";
import { codecSetupOf } from "./flist_codec.ts";
import { HealCounter, type HealReport } from "./healing.ts";
import { type ReadStoreOptions, useStoreOf } from "./image_stores.ts";
import { resolveInode } from "./image_paths.ts";
import { resolveJobs } from "./pack.ts";
import { type EntryCounts, type Loss, LossCounter } from "./reports.ts";
import { StagingDirectory } from "./staging_directory.ts";
import { fetchChunks, fetchedAhead, type UnpackTarget, UnpackUnits } from "./unpack_plan.ts";
import {
  isFatal,
  type UnpackDone,
  type UnpackTask,
  type UnpackUnit,
  type UnpackWorkerSetup,
} from "./unpack_messages.ts";
import { feedPool, stopOnAbort, WorkerPool } from "./worker_pool.ts";

/** How to unpack. */
export interface UnpackOptions extends ReadStoreOptions {
  /** Unpack only what is at this path of the image: a directory's contents, or one file. */
  readonly path?: string;
  /**
   * Whether to give files their owner and group, which needs the rights of root. Without it,
   * setuid and setgid bits of files with another owner or group are taken away.
   * @default {false}
   */
  readonly preserveOwnership?: boolean;
  /**
   * Worker threads, 1 to 64.
   * @default {navigator.hardwareConcurrency}
   */
  readonly jobs?: number;
  /** Stops the unpack; nothing of it stays in the target. */
  readonly signal?: AbortSignal;
  /** Told how far the unpack is. */
  readonly onProgress?: ProgressListener;
}

/** What an unpack did. */
export interface UnpackReport extends EntryCounts {
  /** Directory that was written to. */
  readonly target: string;
  /** Bytes of content written. */
  readonly contentBytes: number;
  /** Blocks read. */
  readonly blocksRead: number;
  /** Bytes of the blocks read. */
  readonly blockBytes: number;
  /** How long it took, in milliseconds. */
  readonly durationMs: number;
  /** Entries that are not in the target, and why. */
  readonly failures: readonly Failure[];
  /** Attributes that the system or the user's rights could not keep. */
  readonly losses: readonly Loss[];
  /** What was written back to stores, where that was asked for. */
  readonly healing?: HealReport;
}

/**
 * Unpacks the flist `meta` into the directory `target`, which is made when it is missing; what is in
 * it already stays, unless the image has an entry of the same path and kind.
 *
 * Files whose blocks are missing or damaged are left out and reported in `failures`.
 *
 * @throws {FlistFormatError} when the flist is damaged or hostile.
 * @throws {UntrustedRouteError} when the flist is foreign and its blocks are on this machine.
 * @throws {SystemError} when the target cannot be written, for example because the disk is full.
 *
 * @example
 * ```ts
 * import { packDirectory, unpackImage } from "myfs";
 *
 * const folder = await Deno.makeTempDir();
 * await Deno.mkdir(`${folder}/tree`);
 * await Deno.writeTextFile(`${folder}/tree/hello.txt`, "hello");
 * await packDirectory(`${folder}/tree`, {
 *   meta: `${folder}/hello.fl`,
 *   store: `dir://${folder}/blocks`,
 * });
 * await unpackImage(`${folder}/hello.fl`, `${folder}/copy`);
 * console.assert(await Deno.readTextFile(`${folder}/copy/hello.txt`) === "hello");
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function unpackImage(
  meta: string,
  target: string,
  options: UnpackOptions = {},
): Promise<UnpackReport> {
  const startedMs = performance.now();
  const jobs = resolveJobs(options.jobs);
  options.signal?.throwIfAborted();
  using flist = FlistReader.open(meta);
  const top = resolveInode(flist, options.path ?? "");
  const heals = new HealCounter();
  const totals = await unpackTree(flist, top, target, jobs, heals.listening(options));
  return {
    target,
    ...totals,
    ...(options.heal === true ? { healing: heals.report() } : {}),
    durationMs: Math.round(performance.now() - startedMs),
  };
}

async function unpackTree(
  flist: FlistReader,
  top: Inode,
  target: string,
  jobs: number,
  options: UnpackOptions,
): Promise<UnpackTotals> {
  await using used = await useStoreOf(flist, options);
  using staging = await StagingDirectory.create(target);
  const setup: UnpackWorkerSetup = {
    root: staging.path,
    codec: codecSetupOf(flist),
    placement: used.store.local,
    preserveOwnership: options.preserveOwnership ?? false,
  };
  await using pool = new WorkerPool<UnpackTask, UnpackDone>(
    new URL("./unpack_worker.ts", import.meta.url),
    { size: jobs, setup },
  );
  using _abort = stopOnAbort(pool, options.signal);
  // Nothing leaves the staging directory before the whole flist has been found to be in order, so
  // the check need not come first: a worker does it while the others begin.
  const validation = pool.run({ validate: flist.path }, { alone: true });
  validation.catch(() => {});
  using unpack = new Unpack(flist, used.store, staging, options);
  try {
    await unpack.makeStructure(top);
    await unpack.writeFiles(pool);
  } catch (error) {
    // What is wrong with the flist says more than what came of it.
    await validation;
    throw error;
  }
  await validation;
  unpack.finish();
  return unpack.totals();
}

type UnpackTotals = Omit<UnpackReport, "target" | "healing" | "durationMs">;

/** One unpack under way. */
class Unpack implements Disposable {
  readonly #flist: FlistReader;
  readonly #store: Store;
  readonly #staging: StagingDirectory;
  readonly #options: UnpackOptions;
  readonly #sink: DirectorySink;
  readonly #losses = new LossCounter();
  readonly #failures: Failure[] = [];
  readonly #xattrOwners: ReadonlySet<number>;
  readonly #incomplete: ReadonlySet<number>;
  readonly #directories: { path: string; inode: Inode }[] = [];
  readonly #files = new Map<number, UnpackTarget>();
  /** Links and special files, which may have further names too. */
  readonly #others = new Map<number, UnpackTarget>();
  readonly #links: { directory: string; name: string; ino: number }[] = [];
  /** Inodes that could not be made: further names of them cannot be either. */
  readonly #failed = new Set<number>();
  readonly #counts = { files: 0, directories: 0, symlinks: 0, specials: 0, hardLinks: 0 };
  #contentBytes = 0;
  #blocksRead = 0;
  #blockBytes = 0;

  constructor(
    flist: FlistReader,
    store: Store,
    staging: StagingDirectory,
    options: UnpackOptions,
  ) {
    this.#flist = flist;
    this.#store = store;
    this.#staging = staging;
    this.#options = options;
    this.#xattrOwners = flist.xattrOwners();
    this.#incomplete = flist.incompleteFiles();
    this.#sink = staging.sink({
      preserveOwnership: options.preserveOwnership ?? false,
      onLoss: (what, path) => this.#losses.add(what, path),
    });
  }

  /** Makes directories and all that has no content, and notes the files to be written. */
  async makeStructure(top: Inode): Promise<void> {
    if (top.kind !== "directory") {
      this.#makeEntry("", top);
      return;
    }
    const breather = new Breather(this.#options.signal);
    this.#directories.push({ path: "", inode: top });
    this.#counts.directories++;
    // One scan in ino order, parents first, keeping only the directories' paths.
    const paths = new Map<number, string>([[top.ino, ""]]);
    for (const inode of this.#flist.inodes()) {
      const parent = paths.get(inode.parent);
      if (parent === undefined || inode.ino === top.ino) continue;
      this.#makeEntry(parent, inode);
      if (inode.kind === "directory" && !this.#failed.has(inode.ino)) {
        paths.set(inode.ino, joinPath(parent, inode.name));
      }
      if (breather.due) {
        this.#options.onProgress?.({ phase: "scan", entries: inode.ino, bytes: 0 });
        await breather.breathe();
      }
    }
  }

  #makeEntry(directory: string, named: Inode): void {
    const { name } = named;
    const path = joinPath(directory, name);
    const ino = named.hardLinkTo ?? named.ino;
    if (this.#files.has(ino) || this.#others.has(ino)) {
      this.#links.push({ directory, name, ino });
      return;
    }
    // Where only a part is unpacked, the first name in it takes the place of the first of all.
    const inode = named.hardLinkTo === undefined ? named : this.#flist.inode(ino)!;
    const xattrs = this.#xattrOwners.has(ino) ? this.#flist.xattrs(ino) : undefined;
    const target = { directory, name, inode, xattrs };
    try {
      switch (inode.kind) {
        case "directory":
          this.#directories.push({ path, inode });
          this.#sink.makeDirectory(directory, name);
          this.#counts.directories++;
          break;
        case "file":
          if (this.#incomplete.has(ino)) throw lacksBlocks(this.#flist.path);
          this.#files.set(ino, target);
          break;
        case "symlink":
          this.#others.set(ino, target);
          this.#sink.makeSymlink(directory, name, inode.linkTarget!, inode, xattrs);
          this.#counts.symlinks++;
          break;
        default:
          this.#others.set(ino, target);
          this.#sink.makeSpecial(directory, name, inode, xattrs);
          this.#counts.specials++;
      }
    } catch (error) {
      this.#fail(ino, toFailure(displayByteString(path), error), error);
    }
  }

  /** Has workers write all files, then finishes those that were written in several pieces. */
  async writeFiles(pool: WorkerPool<UnpackTask, UnpackDone>): Promise<void> {
    const { signal, onProgress } = this.#options;
    const entriesTotal = this.#files.size;
    let bytesTotal = 0;
    for (const { inode } of this.#files.values()) bytesTotal += inode.size;
    const units = new UnpackUnits(this.#flist, this.#files, this.#store.local !== undefined);
    await feedPool(pool, units.list(), {
      ahead: fetchedAhead(this.#store),
      prepare: ({ unit }) => {
        signal?.throwIfAborted();
        return this.#fill(unit);
      },
      take: (done, { targets }) => {
        this.#take(done, targets);
        const bytes = this.#contentBytes;
        onProgress?.({ phase: "write", entries: 0, entriesTotal, bytes, bytesTotal });
      },
    });
    const breather = new Breather(signal);
    for (const target of units.unfinished()) {
      this.#finishFile(target);
      if (breather.due) await breather.breathe();
    }
    this.#counts.files = this.#files.size;
    for (const ino of this.#failed) if (this.#files.has(ino)) this.#counts.files--;
  }

  /** Fetches the unit's blocks where the workers cannot. */
  async #fill(unit: UnpackUnit): Promise<UnpackUnit> {
    return { ...unit, chunks: await fetchChunks(this.#store, unit.chunks, this.#options.signal) };
  }

  #take(done: UnpackDone, targets: readonly UnpackTarget[]): void {
    this.#contentBytes += done.bytesWritten;
    this.#blocksRead += done.blocksRead;
    this.#blockBytes += done.blockBytes;
    for (const { what, path } of done.losses) this.#losses.add(what, path);
    for (const { file, failure } of done.failures) {
      this.#fail(targets[file]!.inode.ino, failure);
    }
  }

  /** Ends the writing of a file that is empty, has holes, or came in several pieces. */
  #finishFile({ directory, name, inode, xattrs }: UnpackTarget): void {
    if (this.#failed.has(inode.ino)) return;
    const path = joinPath(directory, name);
    try {
      const fd = this.#sink.openFile(directory, name);
      try {
        // Sets the size of what ends in a hole.
        this.#sink.setSize(fd, inode.size, path);
        this.#sink.finishFile(fd, directory, name, inode, xattrs);
      } finally {
        libc().close(fd);
      }
    } catch (error) {
      this.#fail(inode.ino, toFailure(displayByteString(path), error), error);
    }
  }

  /** Makes further names, moves all to its place, and gives directories their metadata. */
  finish(): void {
    const { signal, onProgress, preserveOwnership = false } = this.#options;
    onProgress?.({ phase: "finish", entries: 0, bytes: this.#contentBytes });
    signal?.throwIfAborted();
    for (const ino of this.#failed) {
      const target = this.#files.get(ino);
      if (target !== undefined) this.#sink.removeFile(target.directory, target.name);
    }
    for (const link of this.#links) this.#makeLink(link);
    this.#sink[Symbol.dispose]();
    const leftOut = new Set<string>();
    this.#staging.publish((path, failure) => {
      leftOut.add(path);
      this.#failures.push(failure);
    });
    if (leftOut.size > 0) this.#uncount(leftOut);
    using sink = this.#staging.targetSink({
      preserveOwnership,
      onLoss: (what, path) => this.#losses.add(what, path),
    });
    // After all has been moved, because moving changes times, and children before parents, because
    // a finished parent may not let us in any more.
    for (const { path, inode } of this.#directories.toReversed()) {
      if (this.#failed.has(inode.ino) || leftOut.has(path)) continue;
      this.#finishDirectory(sink, path, inode);
    }
  }

  /** Takes entries out of the counts that are in or below `leftOut`, and adds directories to it. */
  #uncount(leftOut: Set<string>): void {
    const counts = this.#counts;
    // Parents come before what is in them.
    for (const { path, inode } of this.#directories) {
      const parent = path.slice(0, Math.max(0, path.lastIndexOf("/")));
      if (leftOut.has(path) || (path !== "" && leftOut.has(parent))) {
        leftOut.add(path);
        if (!this.#failed.has(inode.ino)) counts.directories--;
      }
    }
    const isOut = ({ directory, name }: { directory: string; name: string }): boolean =>
      leftOut.has(directory) || leftOut.has(joinPath(directory, name));
    for (const [ino, file] of this.#files) {
      if (!this.#failed.has(ino) && isOut(file)) counts.files--;
    }
    for (const [ino, other] of this.#others) {
      if (this.#failed.has(ino) || !isOut(other)) continue;
      if (other.inode.kind === "symlink") counts.symlinks--;
      else counts.specials--;
    }
    counts.hardLinks -=
      this.#links.filter((link) => !this.#failed.has(link.ino) && isOut(link)).length;
  }

  #makeLink({ directory, name, ino }: { directory: string; name: string; ino: number }): void {
    const path = displayByteString(joinPath(directory, name));
    const target = (this.#files.get(ino) ?? this.#others.get(ino))!;
    if (this.#failed.has(ino)) {
      const first = displayByteString(joinPath(target.directory, target.name));
      const reason = `It is another name of ${first}, which was not unpacked`;
      this.#failures.push({ path, reason, code: "partial_failure" });
      return;
    }
    try {
      this.#sink.makeHardLink(directory, name, target.directory, target.name);
      this.#counts.hardLinks++;
    } catch (error) {
      if (isFatal(error)) throw error;
      this.#failures.push(toFailure(path, error));
    }
  }

  #finishDirectory(sink: DirectorySink, path: string, inode: Inode): void {
    const xattrs = this.#xattrOwners.has(inode.ino) ? this.#flist.xattrs(inode.ino) : undefined;
    try {
      sink.finishDirectory(path, inode, xattrs);
    } catch (error) {
      this.#fail(inode.ino, toFailure(displayByteString(path), error), error);
    }
  }

  #fail(ino: number, failure: Failure, error?: unknown): void {
    if (isFatal(error)) throw error;
    if (this.#failed.has(ino)) return;
    this.#failed.add(ino);
    this.#failures.push(failure);
  }

  /** Closes what it holds open in the staging directory. */
  [Symbol.dispose](): void {
    this.#sink[Symbol.dispose]();
  }

  totals(): UnpackTotals {
    return {
      ...this.#counts,
      contentBytes: this.#contentBytes,
      blocksRead: this.#blocksRead,
      blockBytes: this.#blockBytes,
      failures: this.#failures,
      losses: this.#losses.list(),
    };
  }
}

/** What rfs leaves behind where it fails to pack a file. */
function lacksBlocks(path: string): FlistFormatError {
  return new FlistFormatError(path, "it does not name all blocks of the file");
}
