/**
 * Packs a tar archive as it comes, without unpacking it.
 *
 * @module
 */

import { displayByteString } from "../base/byte_string.ts";
import type { ProgressListener } from "../base/progress.ts";
import { FlistWriter } from "../flist/flist_writer.ts";
import { asSystemError } from "../linux/errno.ts";
import { decompress } from "../tree/tar/decompress.ts";
import { type TarEntry, TarReader } from "../tree/tar/tar_reader.ts";
import { type AssembledEntry, AssembledTree } from "./assembled_tree.ts";
import type { ContentFeed } from "./content_feed.ts";
import { excludeMatcher } from "./exclude.ts";
import { routesOf, useStore } from "./image_stores.ts";
import { checkSealing, Pack, type PackOptions, type PackReport, resolveJobs } from "./pack.ts";

/** Bounds on what an archive may ask for: what is beyond is taken for an attack. */
export interface ArchiveLimits {
  /**
   * Most entries.
   * @default {1_000_000}
   */
  readonly entriesMax?: number;
  /**
   * Most bytes without compression.
   * @default {2 ** 40}
   */
  readonly plainBytesMax?: number;
  /**
   * Most bytes without compression for each compressed one, beyond the first GiB.
   * @default {1000}
   */
  readonly ratioMax?: number;
}

/** How to pack an archive. */
export interface PackTarOptions extends
  Pick<
    PackOptions,
    | "meta"
    | "store"
    | "storeOptions"
    | "profile"
    | "stateFolder"
    | "exclude"
    | "level"
    | "domainSecret"
    | "jobs"
    | "keepSecrets"
    | "tags"
    | "signal"
    | "onProgress"
  > {
  /** What the archive may ask for. */
  readonly limits?: ArchiveLimits;
}

/** Limits with what is meant where nothing is said. */
export function resolveLimits(limits: ArchiveLimits = {}): Required<ArchiveLimits> {
  const resolved = { entriesMax: 1_000_000, plainBytesMax: 2 ** 40, ratioMax: 1000, ...limits };
  for (const [name, value] of Object.entries(resolved)) {
    if (!(value >= 1)) throw new RangeError(`Cannot use ${value} as ${name}: 1 is the least`);
  }
  return resolved;
}

/**
 * Packs a tar archive, plain or compressed by gzip or zstd, as a directory with the same content
 * would be. Nothing is unpacked to disk, and memory is bounded. Later entries take the place of
 * earlier ones; leading slashes do not count; no entry gets out of the tree, through `..` or links.
 *
 * The same archive gives the same flist, byte for byte.
 *
 * @param source Path of the archive, or its bytes, which are read to the end.
 * @throws {ArchiveFormatError} when it is damaged, ends early, or is no such archive.
 * @throws {UnsafePathError} when a path holds `..`.
 * @throws {LimitExceededError} when it asks for more than `limits` allow.
 *
 * @example
 * ```ts
 * import { packTar } from "myfs";
 *
 * const folder = await Deno.makeTempDir();
 * const empty = new Blob([new Uint8Array(1024)]).stream();
 * const report = await packTar(empty, {
 *   meta: `${folder}/empty.fl`,
 *   store: `dir://${folder}/blocks`,
 * });
 * console.assert(report.directories === 1);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function packTar(
  source: string | ReadableStream<Uint8Array>,
  options: PackTarOptions,
): Promise<PackReport> {
  const startedMs = performance.now();
  const jobs = resolveJobs(options.jobs);
  const limits = resolveLimits(options.limits);
  options.signal?.throwIfAborted();
  const profile = options.profile ?? "myfs";
  checkSealing(profile, options);
  const name = typeof source === "string" ? displayByteString(source) : "the archive";
  const archive = typeof source === "string" ? await openArchive(source) : { stream: source };
  await using used = await useStore(options.store, profile, {
    ...options.storeOptions,
    create: true,
  });
  using writer = FlistWriter.create(options.meta, { profile });
  const tree = new AssembledTree(name);
  await using pack = new Pack(tree, writer, used.store, undefined, jobs, {
    ...options,
    routes: () => routesOf(options.store, options.keepSecrets ?? false),
  });
  const feed = pack.feed();
  const isExcluded = excludeMatcher(options.exclude ?? []);
  const progress = new ReadProgress(options.onProgress, archive.size);
  await using reader = new TarReader(
    decompress(progress.counted(archive.stream), { name, ...limits }),
    { name, entriesMax: limits.entriesMax },
  );
  for (let entry = await reader.next(); entry !== undefined; entry = await reader.next()) {
    options.signal?.throwIfAborted();
    progress.entries++;
    if (isExcluded(entry.path, entry.kind)) continue;
    if (entry.hardLinkTo !== undefined) tree.link(entry.path, entry.hardLinkTo);
    else tree.put(entry.path, await feedEntry(reader, entry, feed));
  }
  progress.report();
  await feed.finish();
  await pack.readSource();
  return await pack.finish(startedMs);
}

/** Tells how much of archives has been read, as they are stored. */
export class ReadProgress {
  /** Entries read so far: for the reader to count. */
  entries = 0;
  readonly #onProgress: ProgressListener | undefined;
  readonly #bytesTotal: number | undefined;
  #bytes = 0;

  /** @param bytesTotal What there is in all, where it is known. */
  constructor(onProgress: ProgressListener | undefined, bytesTotal: number | undefined) {
    this.#onProgress = onProgress;
    this.#bytesTotal = bytesTotal;
  }

  /** Passes on `pieces` and counts them. */
  async *counted(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
    for await (const piece of pieces) {
      this.add(piece.length);
      yield piece;
    }
  }

  /** Counts bytes that have been read, or need not be. */
  add(bytes: number): void {
    this.#bytes += bytes;
    this.report();
  }

  /** Tells what has been counted. */
  report(): void {
    const total = this.#bytesTotal;
    this.#onProgress?.({
      phase: "read",
      entries: this.entries,
      bytes: this.#bytes,
      // What turns out to be needed after all is read twice.
      ...(total === undefined ? {} : { bytesTotal: Math.max(total, this.#bytes) }),
    });
  }
}

async function openArchive(
  path: string,
): Promise<{ stream: ReadableStream<Uint8Array>; size?: number }> {
  try {
    const file = await Deno.open(path);
    const { isFile, size } = await file.stat();
    // A pipe has no size.
    return { stream: file.readable, ...(isFile ? { size } : {}) };
  } catch (error) {
    throw asSystemError("open", path, error);
  }
}

/** Feeds the content of the entry that `reader` is at; answers what to put into a tree. */
export async function feedEntry(
  reader: TarReader,
  entry: TarEntry,
  feed: ContentFeed,
): Promise<AssembledEntry> {
  if (entry.kind !== "file" || entry.size === 0) return assembled(entry);
  const slash = entry.path.lastIndexOf("/");
  const content = feed.begin({
    directory: slash < 0 ? "" : entry.path.slice(0, slash),
    name: entry.path.slice(slash + 1),
    size: entry.size,
    hasHoles: entry.hasHoles,
  });
  await reader.readContent((offset, bytes) => feed.write(offset, bytes));
  await feed.end();
  return assembled(entry, content);
}

/** `entry` as a tree takes it. */
export function assembled(entry: TarEntry, content?: number): AssembledEntry {
  const { kind, mode, uid, gid, size, mtime, mtimeNsec, rdev, linkTarget, xattrs } = entry;
  return {
    ...{ kind, mode, uid, gid, size, mtime, mtimeNsec, rdev },
    ...(linkTarget === undefined ? {} : { linkTarget }),
    ...(xattrs === undefined ? {} : { xattrs }),
    ...(content === undefined ? {} : { content }),
  };
}
