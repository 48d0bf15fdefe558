/**
 * Directories to and from a hub: file by file, or as an image whose blocks and flist lie there.
 *
 * @module
 */

import { rm } from "node:fs/promises";
import { displayByteString, isValidUtf8 } from "../base/byte_string.ts";
import { forEachBounded } from "../base/concurrency.ts";
import {
  type Failure,
  FlistNotFoundError,
  HubError,
  MyfsError,
  toFailure,
} from "../base/errors.ts";
import type { ProgressListener } from "../base/progress.ts";
import { type HubFlistReference, parseHubFlist } from "../hub_api/hub_address.ts";
import type { HubClient } from "../hub_api/hub_client.ts";
import { downloadFile, publishFlist, uploadFile, type UploadReport } from "../hub_api/transfer.ts";
import { joinPath, scanDirectory } from "../tree/directory_source.ts";
import { excludeMatcher } from "./exclude.ts";
import { packDirectory, type PackOptions, type PackReport } from "./pack.ts";
import { type Loss, LossCounter } from "./reports.ts";
import { resolveFlist } from "./resolve_flist.ts";
import { unpackImage, type UnpackOptions, type UnpackReport } from "./unpack.ts";

/** Files under way at once; each takes several requests of its own. */
const FILES_AT_ONCE = 4;

/** How to upload the files of a directory. */
export interface UploadDirectoryOptions {
  /** Glob patterns of what to leave out, as of a pack. */
  readonly exclude?: readonly string[];
  /** Stops it; what has come across is used the next time. */
  readonly signal?: AbortSignal;
  /** Told how many files are across, and their bytes. */
  readonly onProgress?: ProgressListener;
}

/** A file of a directory that a hub has now. */
export interface UploadedFile extends UploadReport {
  /** Path from the directory, escaped for display. */
  readonly path: string;
}

/** What an upload of a directory did. */
export interface UploadDirectoryReport {
  /** By path. */
  readonly files: readonly UploadedFile[];
  /** Bytes of all of them. */
  readonly size: number;
  /** Bytes that had to be sent. */
  readonly sentBytes: number;
  /** Files that are not at the hub, and why. */
  readonly failures: readonly Failure[];
  /** What is no file, and cannot be uploaded as one. */
  readonly losses: readonly Loss[];
}

/**
 * Uploads each file of a directory, as {@link uploadFile} does; symbolic links are not followed.
 * Names and attributes stay here: {@link uploadTree} keeps them.
 *
 * @throws {StoreUnavailableError} {StoreDeniedError} {HubError} when the hub takes no more.
 * @throws {SystemError} when the directory cannot be read.
 */
export async function uploadDirectory(
  client: HubClient,
  directory: string,
  options: UploadDirectoryOptions = {},
): Promise<UploadDirectoryReport> {
  const { exclude, signal, onProgress } = options;
  const files: UploadedFile[] = [];
  const failures: Failure[] = [];
  const losses = new LossCounter();
  const paths = async function* (): AsyncGenerator<string> {
    const scan = scanDirectory(directory, {
      ...(exclude === undefined ? {} : { exclude: excludeMatcher(exclude) }),
      ...(signal === undefined ? {} : { signal }),
      onFailure: (failure) => failures.push(failure),
    });
    for await (const { path, entries } of scan) {
      for (const { name, kind } of entries) {
        if (kind === "file") yield joinPath(path, name);
        else if (kind !== "directory") losses.add(kind, joinPath(path, name));
      }
    }
  };
  let size = 0;
  let sentBytes = 0;
  await forEachBounded(paths(), FILES_AT_ONCE, async (name) => {
    const path = displayByteString(name);
    if (!isValidUtf8(name)) {
      const reason = "its name is not UTF-8; as an image, the directory keeps it";
      return void failures.push({ path, reason, code: "unsupported" });
    }
    try {
      const report = await uploadFile(
        client,
        `${directory}/${name}`,
        signal === undefined ? {} : { signal },
      );
      files.push({ path, ...report });
      size += report.size;
      sentBytes += report.sentBytes;
      onProgress?.({ phase: "store", entries: files.length, bytes: size });
    } catch (error) {
      signal?.throwIfAborted();
      if (isOfHub(error)) throw error;
      failures.push(toFailure(path, error));
    }
  });
  files.sort((left, right) => left.path < right.path ? -1 : 1);
  return { files, size, sentBytes, failures, losses: losses.list() };
}

/** How to upload a directory as an image. */
export interface UploadTreeOptions extends Omit<PackOptions, "meta" | "store"> {
  /** Path at which the flist is kept here. @default it is not kept */
  readonly meta?: string;
  /**
   * Where to publish the flist, in the user's own namespace of the client's hub.
   *
   * @default it is stored as a file, which those get who know its hash
   */
  readonly name?: HubFlistReference & { readonly kind: "name" };
  /** Who may see it under its name. @default as before, or its user alone */
  readonly visibility?: "public" | "private";
}

/** What an upload of a directory as an image did. */
export interface UploadTreeReport {
  /** By which the hub gives the flist back. */
  readonly hash: string;
  /** The pack. Its flist is there only where it was to be kept. */
  readonly pack: PackReport;
}

/**
 * Packs a directory to the client's hub: its blocks go there, and its flist. {@link downloadTree}
 * brings it back.
 *
 * @throws what `packDirectory`, `uploadFile` and `publishFlist` throw.
 *
 * @example
 * ```ts ignore
 * import { connectHub, downloadTree, uploadTree } from "myfs";
 *
 * const client = await connectHub("hub://127.0.0.1:3000", { user: "alice", password });
 * const { hash } = await uploadTree(client, "./site");
 * await downloadTree(client, hash, "./copy");
 * ```
 */
export async function uploadTree(
  client: HubClient,
  directory: string,
  options: UploadTreeOptions = {},
): Promise<UploadTreeReport> {
  const { meta, name, visibility, storeOptions, ...packOptions } = options;
  const { signal } = options;
  await using folder = await TemporaryFolder.create();
  const path = meta ?? `${folder.path}/tree.fl`;
  const pack = await packDirectory(directory, {
    ...packOptions,
    meta: path,
    store: storeUrl(client, options.profile),
    storeOptions: { ...storeOptions, hubClient: client },
  });
  const call = signal === undefined ? {} : { signal };
  const hash = name === undefined
    ? (await uploadFile(client, path, call)).hash
    : await publishFlist(client, path, name, {
      ...call,
      ...(visibility === undefined ? {} : { visibility }),
    });
  return { hash, pack };
}

/** How to download a directory. */
export type DownloadTreeOptions = Omit<
  UnpackOptions,
  "store" | "trustRoutes" | "stateFolder" | "heal" | "onHeal"
>;

/**
 * Unpacks an image that the client's hub has, flist and blocks, into the directory `target`. Stores
 * that the flist names are not asked: for an image whose blocks are elsewhere, there are
 * `resolveFlist` and `unpackImage`.
 *
 * @param flist The hash that {@link uploadTree} gave, or `user/name:tag`.
 * @throws {FlistNotFoundError} when the hub has no such flist, or the caller may not see it.
 * @throws what `unpackImage` throws.
 */
export async function downloadTree(
  client: HubClient,
  flist: string,
  target: string,
  options: DownloadTreeOptions = {},
): Promise<UnpackReport> {
  const { signal, storeOptions } = options;
  await using folder = await TemporaryFolder.create();
  const call = { client, ...(signal === undefined ? {} : { signal }) };
  const name = `${client.hub.name}/${flist}`;
  const reference = parseHubFlist(name);
  let meta: string;
  try {
    meta = await resolveFlist(name, { ...call, cacheFolder: folder.path });
  } catch (error) {
    if (!(error instanceof FlistNotFoundError) || reference.kind === "name") throw error;
    // It may be there as a file, which is how rfs has them.
    meta = `${folder.path}/tree.fl`;
    try {
      await downloadFile(client, reference.sha256, meta, call);
    } catch (failure) {
      if (failure instanceof HubError && failure.status === 404) throw error;
      throw failure;
    }
  }
  return await unpackImage(meta, target, {
    ...options,
    store: storeUrl(client, undefined),
    storeOptions: { ...storeOptions, hubClient: client },
  });
}

/** The hub as a store. In the flists of the `rfs` profile it has the form that rfs reads. */
function storeUrl({ hub }: HubClient, profile: PackOptions["profile"]): string {
  return profile === "rfs" ? `server://${hub.base.href.slice(0, -1)}` : hub.name;
}

/** Whether all files would fail like that. */
function isOfHub(error: unknown): boolean {
  if (!(error instanceof MyfsError)) return false;
  // What changes while it is read arrives with another digest.
  return !(error instanceof HubError && error.problem === "digest_mismatch");
}

/** A folder that is removed at the end of the scope. */
class TemporaryFolder implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async create(): Promise<TemporaryFolder> {
    return new TemporaryFolder(await Deno.makeTempDir({ prefix: "myfs_" }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}
