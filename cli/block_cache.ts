/**
 * The options of commands that read blocks through a cache, and of those that work on one.
 *
 * @module
 */

import { Option } from "@commander-js/extra-typings";
import type { BlockCache, CacheWarning } from "myfs";
import { blockCacheFolder } from "./cache_folder.ts";
import { mountLibrary } from "./library.ts";
import type { Printer } from "./output/printer.ts";
import { MissingError, UsageError } from "./problem.ts";
import { byteCount } from "./store_tuning.ts";

const GROUP = "Options for the cache:";

/** `--cache`, of commands that read blocks. */
export const cacheOption = new Option(
  "--cache [folder]",
  "keep blocks of stores elsewhere: in this folder, or in the user's own; give it last, or as " +
    "--cache=folder",
).helpGroup(GROUP);

/** `--no-cache` */
export const noCacheOption = new Option("--no-cache", "keep no blocks, which is the default")
  .helpGroup(GROUP);

/** `--no-cache`, where there is a cache unless it says so. */
export const noDefaultCacheOption = new Option(
  "--no-cache",
  "keep no blocks (default: those of stores on the network, in the user's own cache)",
).helpGroup(GROUP);

/** `--cache-size` */
export const cacheSizeOption = new Option(
  "--cache-size <bytes>",
  "most space that it takes, such as 500M or 10G (default: as before, or 10G)",
).argParser(byteCount).helpGroup(GROUP);

/** `--cache`, of commands that work on a cache. */
export const cacheFolderOption = new Option(
  "--cache <folder>",
  "the cache (default: blocks in the user's cache folder)",
);

/** What the options gave. */
export interface CacheOptions {
  /** A folder, or whether there is to be a cache. */
  readonly cache?: string | boolean;
  readonly cacheSize?: number;
  /** `--heal`, where a command has it. */
  readonly heal?: boolean;
}

/** `options` without those of the cache, for the library, which has other options of these names. */
export function withoutCache<Options extends CacheOptions>(
  options: Options,
): Omit<Options, "cache" | "cacheSize"> {
  const { cache: _cache, cacheSize: _cacheSize, ...others } = options;
  return others;
}

/**
 * Opens the cache that a command is to read through, where there is to be one. What is wrong with it
 * goes to `printer`; it is closed by the caller.
 *
 * @throws {UsageError} when the options contradict each other.
 */
export async function openReadCache(
  { cache, cacheSize, heal }: CacheOptions,
  printer: Printer,
): Promise<BlockCache | undefined> {
  if (cache === false && cacheSize !== undefined) {
    throw new UsageError("Options '--no-cache' and '--cache-size' contradict each other");
  }
  if (cache === false || (cache === undefined && cacheSize === undefined)) return undefined;
  if (heal === true) {
    throw new UsageError(
      "Options '--heal' and '--cache' contradict each other",
      "Only what is read from the stores can be healed.",
    );
  }
  return await openCache(
    typeof cache === "string" ? cache : blockCacheFolder(),
    printer,
    cacheSize,
  );
}

/**
 * As {@link openReadCache}, for commands that keep blocks of stores on the network unless they are told
 * not to. Where there is no place for it, they do without.
 *
 * @param stores The stores that were named instead of the flist's.
 */
export async function openDefaultCache(
  options: CacheOptions,
  printer: Printer,
  meta: string,
  stores: readonly string[] | undefined,
): Promise<BlockCache | undefined> {
  const { cache, cacheSize } = options;
  if (cache !== undefined || cacheSize !== undefined) return await openReadCache(options, printer);
  if (!await readsFromNetwork(meta, stores)) return undefined;
  try {
    return await openCache(blockCacheFolder(), printer, undefined);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    printer.warn(() => [`warning: Nothing is kept: ${reason}`]);
    return undefined;
  }
}

/** Whether any store is not a directory of this machine. */
async function readsFromNetwork(
  meta: string,
  stores: readonly string[] | undefined,
): Promise<boolean> {
  const { FlistReader, parseStoreSpec } = await mountLibrary();
  const isRemote = (url: string): boolean => !/^(dir|mem):/i.test(url);
  if (stores !== undefined) return stores.some((spec) => isRemote(parseStoreSpec(spec).url));
  using flist = FlistReader.open(meta);
  return flist.routes().some(({ url }) => isRemote(url));
}

/**
 * Opens the cache that a command is to work on.
 *
 * @param options `create`: whether one that is named may be a new one.
 * @throws {MissingError} when there is none where one is named.
 */
export async function openWorkCache(
  options: { readonly cache?: string; readonly cacheSize?: number },
  printer: Printer,
  { create = false } = {},
): Promise<BlockCache> {
  const { cache, cacheSize } = options;
  if (cache !== undefined && !create && !await exists(cache)) {
    throw new MissingError(`There is no cache at ${cache}`);
  }
  return await openCache(cache ?? blockCacheFolder(), printer, cacheSize);
}

async function openCache(
  folder: string,
  printer: Printer,
  sizeMax: number | undefined,
): Promise<BlockCache> {
  const { openBlockCache } = await mountLibrary();
  return await openBlockCache(folder, {
    ...(sizeMax === undefined ? {} : { sizeMax }),
    onWarning: ({ message }: CacheWarning) => printer.warn(() => [`warning: ${message}`]),
  });
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
