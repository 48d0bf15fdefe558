/**
 * Where the command line keeps what it can make again.
 *
 * @module
 */

import { UsageError } from "./problem.ts";

/** Reads one variable of the environment. */
export type ReadVariable = (name: string) => string | undefined;

/**
 * The folder for what packs leave behind, which lets `--base` skip files that have not changed and
 * tells which flists were made here: `$MYFS_CACHE_DIR`, `$XDG_CACHE_HOME/myfs` or `~/.cache/myfs`.
 *
 * @returns undefined where the environment names none of them.
 */
export function stateFolder(read: ReadVariable = (name) => Deno.env.get(name)): string | undefined {
  const own = read("MYFS_CACHE_DIR");
  if (own) return own;
  // The XDG base directory specification: a path that is not absolute is to be ignored.
  const shared = read("XDG_CACHE_HOME");
  if (shared?.startsWith("/")) return `${shared}/myfs`;
  const home = read("HOME");
  return home ? `${home}/.cache/myfs` : undefined;
}

/** The library's option that names the {@link stateFolder}, where there is one. */
export function stateOptions(): { readonly stateFolder?: string } {
  const folder = stateFolder();
  return folder === undefined ? {} : { stateFolder: folder };
}

/**
 * The folder of the block cache, unless a command names one: `blocks` in the {@link stateFolder}.
 *
 * @throws {UsageError} where the environment names no folder.
 */
export function blockCacheFolder(read?: ReadVariable): string {
  const folder = stateFolder(read);
  if (folder !== undefined) return `${folder}/blocks`;
  throw new UsageError(
    "There is no place for a cache: neither MYFS_CACHE_DIR nor XDG_CACHE_HOME nor HOME is set",
    "Name a folder with --cache.",
  );
}
