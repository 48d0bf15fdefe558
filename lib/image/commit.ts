/**
 * Commits an overlay: an image and what was changed on top of it become a new image.
 *
 * @module
 */

import { displayByteString } from "../base/byte_string.ts";
import {
  BlockNotFoundError,
  UnsafePathError,
  UnsupportedError,
  UntrustedBaseError,
} from "../base/errors.ts";
import { FlistReader, type Route } from "../flist/flist_reader.ts";
import { FlistWriter } from "../flist/flist_writer.ts";
import { openRootDirectory } from "../linux/directory_cursor.ts";
import { libc } from "../linux/libc.ts";
import { XattrAccess } from "../linux/xattr.ts";
import type { LocalPlacement } from "../store/store.ts";
import { formatStoreSpec } from "../store/store_url.ts";
import {
  routesOf,
  type StoreLike,
  untrustedStores,
  type UsedStore,
  useStore,
  useStoreOf,
} from "./image_stores.ts";
import { chooseNames, type MarkReading } from "./overlay_marks.ts";
import { OverlayMerge } from "./overlay_merge.ts";
import { isOwnFlist } from "./own_flists.ts";
import { checkSealing, Pack, type PackOptions, type PackReport, resolveJobs } from "./pack.ts";
import { PackBase } from "./pack_base.ts";

/** How to commit. */
export interface CommitOptions extends
  Pick<
    PackOptions,
    | "meta"
    | "storeOptions"
    | "trustBase"
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
  /**
   * The flist of the image that is the overlay's lower directory. The new flist has its profile, but
   * not its tags. It is believed, so it has to be one's own, unless
   * {@link CommitOptions.trustBase} says more.
   */
  readonly base: string;
  /**
   * Where new blocks go. Blocks of the base that are not there stay where they are, and the new flist
   * names the base's stores too.
   * @default {the stores of the base}
   */
  readonly store?: StoreLike;
  /**
   * Whether to use the stores that the base names. Undefined: only those of flists that were made
   * here.
   */
  readonly trustRoutes?: boolean;
  /**
   * Whether the overlay was mounted with the option `userxattr`, as those without root are.
   * @default {what the kernel wrote to the upper directory tells}
   */
  readonly userXattrs?: boolean;
}

/** What a commit did. */
export interface CommitReport extends PackReport {
  /** The upper directory. */
  readonly upper: string;
  /** Path of the base. */
  readonly base: string;
  /** Entries that came from the upper directory: what was made, changed or copied there. */
  readonly upperEntries: number;
  /** Names of the base that were removed or renamed, a directory with all that was in it as one. */
  readonly whiteouts: number;
  /** Blocks of the base that stay in its stores, because `store` does not have them. */
  readonly blocksElsewhere: number;
}

/**
 * Packs an image and the changes that an overlay gathered on top of it: what a pack of the mounted
 * overlay would give, without reading what did not change. The overlay need not be mounted; while it
 * is, it should be left alone.
 *
 * `upper` is the upper directory of a Linux overlay file system whose lower directory was the image
 * `base`, mounted or unpacked. Only files in it are read, and only content that the base does not
 * have is sealed and stored. Blocks of the base are not read; the stores are asked whether they have
 * them. The same upper directory and base give the same flist, byte for byte.
 *
 * Understood are whiteouts, opaque directories, renamed directories (`redirect_dir`), files of which
 * only metadata was copied (`metacopy`), and the newer forms for overlays on overlays, under
 * `trusted.overlay.` as well as `user.overlay.`. None of these marks get into the flist. Hard links
 * are as the overlay shows them: a name that was changed is a file of its own.
 *
 * New blocks go to `store`, or else to the stores of the base, which the new flist then names. With
 * another `store`, the new flist names that one, and the base's stores besides where they alone have
 * blocks that it needs; `cloneImage` brings all of them to one place.
 *
 * The `rfs` profile loses what it loses in a pack: extended attributes, nanoseconds, and that hard
 * links are one file.
 *
 * @throws {SystemError} when the upper directory is none, or anything in it cannot be looked at.
 * @throws {PathNotFoundError} {UnsupportedError} when the upper directory belongs to another base, or
 *   to an overlay with `index=on` that still shows a changed file under names of the base.
 * @throws {BlockNotFoundError} when no store has a block that the new image needs.
 * @throws {UntrustedBaseError} when the base was not made here.
 * @throws {UnsafePathError} when the upper directory lies in the store, or says that content is
 *   elsewhere in the base in a way that any user can.
 *
 * @example
 * ```ts
 * import { commitOverlay, diffImages, packDirectory } from "myfs";
 *
 * const folder = await Deno.makeTempDir();
 * await Deno.mkdir(`${folder}/tree/etc`, { recursive: true });
 * await Deno.writeTextFile(`${folder}/tree/etc/motd`, "Welcome!\n");
 * const base = `${folder}/1.fl`;
 * await packDirectory(`${folder}/tree`, { meta: base, store: `dir://${folder}/blocks` });
 *
 * // What an overlay over the image has in its upper directory after a file was made.
 * await Deno.mkdir(`${folder}/upper/etc`, { recursive: true });
 * await Deno.writeTextFile(`${folder}/upper/etc/hostname`, "box\n");
 * const report = await commitOverlay(`${folder}/upper`, {
 *   base,
 *   meta: `${folder}/2.fl`,
 *   userXattrs: true, // As without root; the kernel's own marks tell otherwise.
 * });
 * console.assert(report.unchangedFiles === 1 && report.blocksStored === 1);
 * console.assert((await diffImages(base, report.meta)).added.join() === "etc/hostname");
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function commitOverlay(
  upper: string,
  options: CommitOptions,
): Promise<CommitReport> {
  const startedMs = performance.now();
  const jobs = resolveJobs(options.jobs);
  const { meta, trustBase = false, keepSecrets = false, signal, stateFolder } = options;
  signal?.throwIfAborted();
  using flist = FlistReader.open(options.base);
  const { profile } = flist;
  checkSealing(profile, options);
  const isOwn = await isOwnFlist(options.base, stateFolder);
  if (!isOwn && !trustBase) throw new UntrustedBaseError(options.base);
  const baseStores = new BaseStores(flist, options, isOwn);
  const marks = readingOf(upper, options.userXattrs);

  const store = options.store ?? await baseStores.specsToWrite();
  await using used = await useStore(store, profile, { ...options.storeOptions, create: true });
  await refuseOwnStore(upper, used.store.local);
  await using base = await PackBase.open(options.base, profile, used.store, {
    trustBase,
    useStamps: false,
    ...(stateFolder === undefined ? {} : { stateFolder }),
    ...(signal === undefined ? {} : { signal }),
    ...(options.store === undefined || !baseStores.areNamed
      ? {}
      : { elsewhere: () => baseStores.openToRead() }),
  });
  using writer = FlistWriter.create(meta, { profile });
  const merge = new OverlayMerge({
    upper,
    base: base.flist,
    ...marks,
    onBaseContent: (ino, path) => refuseMissing(base, ino, path),
  });
  await using pack = new Pack(merge, writer, used.store, base, jobs, {
    ...options,
    routes: (elsewhere) => {
      const routes = routesOf(store, keepSecrets);
      return elsewhere === 0 ? routes : baseStores.routesBeside(routes, keepSecrets);
    },
  });
  await pack.readSource();
  const report = await pack.finish(startedMs);
  return {
    ...report,
    upper,
    base: options.base,
    upperEntries: merge.upperEntries,
    whiteouts: merge.whiteouts,
    blocksElsewhere: pack.blocksElsewhere,
  };
}

/** The stores that a base names, for those who may use them. */
class BaseStores {
  readonly #flist: FlistReader;
  readonly #options: CommitOptions;
  readonly #isTrusted: boolean;

  constructor(flist: FlistReader, options: CommitOptions, isOwn: boolean) {
    this.#flist = flist;
    this.#options = options;
    this.#isTrusted = options.trustRoutes ?? isOwn;
  }

  get areNamed(): boolean {
    return this.#flist.routes().length > 0;
  }

  /**
   * What to open for writing. All of it is there: what is made when it is missing would look like a
   * store that has lost its blocks.
   */
  async specsToWrite(): Promise<string[]> {
    if (!this.#isTrusted) throw untrustedStores(this.#flist, "write to");
    if (!this.areNamed) {
      throw new UnsupportedError(
        `Cannot commit on ${this.#flist.path}: it names no store that new blocks could go to`,
        { hint: "Name one with --store." },
      );
    }
    const specs = this.#flist.routes().map(formatStoreSpec);
    for (const spec of specs) {
      const store = await useStore(spec, this.#flist.profile, { ...this.#options.storeOptions });
      await store[Symbol.asyncDispose]();
    }
    return specs;
  }

  openToRead(): Promise<UsedStore> {
    // The new flist will be one's own and may name these stores, which is to trust them.
    if (!this.#isTrusted) throw untrustedStores(this.#flist, "build on");
    const { storeOptions } = this.#options;
    return useStoreOf(this.#flist, {
      trustRoutes: true,
      ...(storeOptions === undefined ? {} : { storeOptions }),
    });
  }

  /** The routes of a flist that has blocks both where `routes` lead and in these stores. */
  routesBeside(routes: readonly Route[], keepSecrets: boolean): Route[] {
    const isNew = (route: Route): boolean =>
      !routes.some(({ start, end, url }) =>
        start === route.start && end === route.end && url === route.url
      );
    const own = routesOf(this.#flist.routes().map(formatStoreSpec), keepSecrets);
    return [...routes, ...own.filter(isNew)];
  }
}

/** How to read the marks in the directory `upper`. */
function readingOf(upper: string, userXattrs: boolean | undefined): MarkReading {
  const fd = openRootDirectory(upper);
  try {
    const isRoot = libc().geteuid() === 0;
    const reading = chooseNames(new XattrAccess().readAll(fd, ""), { userXattrs, isRoot });
    if (reading !== undefined) return reading;
  } finally {
    libc().close(fd);
  }
  throw new UnsupportedError(
    `Cannot commit ${displayByteString(upper)}: only root can see what an overlay notes there`,
    { hint: "Run as root, or pass --userxattr if the overlay was mounted with that option." },
  );
}

/** Blocks that a commit stores must not become part of what it reads. */
async function refuseOwnStore(upper: string, placement: LocalPlacement | undefined): Promise<void> {
  const path = `${await Deno.realPath(upper)}/`;
  for (const directory of placement?.directories ?? []) {
    if (!path.startsWith(`${await Deno.realPath(directory.path)}/`)) continue;
    throw new UnsafePathError(displayByteString(upper), `it lies in the store ${directory.path}`);
  }
}

/** A file of the base cannot be packed again: its content is nowhere else. */
function refuseMissing(base: PackBase, ino: number, path: string): void {
  const id = base.missingBlock(ino);
  if (id === undefined) return;
  throw new BlockNotFoundError(
    id,
    `any store of ${base.flist.path}, and is needed for ${displayByteString(path)}`,
    { hint: "If another store has it, clone the base from there; `myfs check` names all such." },
  );
}
