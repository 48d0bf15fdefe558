/**
 * What an image is, at a glance, from its flist alone.
 *
 * @module
 */

import type { Profile } from "../block/profile.ts";
import { FlistReader, type Route } from "../flist/flist_reader.ts";
import { redactUrl } from "../store/store_url.ts";
import { distinctChunks } from "./check.ts";
import { digestOfFile } from "./own_flists.ts";
import type { EntryCounts } from "./reports.ts";

/** A summary of an image. */
export interface ImageSummary extends EntryCounts {
  /** Path of the flist. */
  readonly meta: string;
  /** How its blocks and metadata are made. */
  readonly profile: Profile;
  /** Version of the flist's format. */
  readonly version: number;
  /** Bytes of the flist. */
  readonly flistBytes: number;
  /** BLAKE3-256 of the flist in hexadecimal. */
  readonly digest: string;
  /** Sizes of all files, each inode once. */
  readonly contentBytes: number;
  /** Chunks that the flist refers to. */
  readonly chunks: number;
  /** Bytes of their blocks; undefined where the flist does not say (`rfs`). */
  readonly referencedBytes: number | undefined;
  /** What its maker wrote about it. */
  readonly tags: Readonly<Record<string, string>>;
  /** Where its blocks are, without secrets. */
  readonly routes: readonly Route[];
}

/**
 * Summarises the image whose flist is `meta`.
 *
 * @throws {FlistNotFoundError} {FlistFormatError} when there is no such flist or it is damaged.
 */
export async function inspectImage(meta: string): Promise<ImageSummary> {
  using flist = FlistReader.open(meta);
  flist.validate({ allowIncomplete: true });
  const counts = { files: 0, directories: 0, symlinks: 0, specials: 0, hardLinks: 0 };
  let contentBytes = 0;
  for (const { kind, size, hardLinkTo } of flist.inodes()) {
    if (hardLinkTo !== undefined) {
      counts.hardLinks++;
    } else if (kind === "file") {
      counts.files++;
      contentBytes += size;
    } else if (kind === "directory") {
      counts.directories++;
    } else if (kind === "symlink") {
      counts.symlinks++;
    } else {
      counts.specials++;
    }
  }
  let chunks = 0;
  let referencedBytes: number | undefined = 0;
  for (const { ref } of distinctChunks(flist)) {
    chunks++;
    if (referencedBytes === undefined) continue;
    referencedBytes = ref.storedSize === undefined ? undefined : referencedBytes + ref.storedSize;
  }
  return {
    meta,
    profile: flist.profile,
    version: flist.version,
    flistBytes: (await Deno.stat(meta)).size,
    digest: await digestOfFile(meta),
    ...counts,
    contentBytes,
    chunks,
    referencedBytes,
    tags: Object.fromEntries(flist.tags()),
    routes: flist.routes().map((route) => ({ ...route, url: redactUrl(route.url) })),
  };
}
