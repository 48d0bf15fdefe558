/**
 * The programs that are compared: how each packs a tree, packs it again, and unpacks it.
 *
 * All peers are Debian packages. Compression is zstd at level 3 wherever there is a choice.
 *
 * @module
 */

import { type Command, run } from "./measure.ts";

/** One program. Each has a folder of its own for what it makes of a tree. */
export interface Tool {
  readonly name: string;
  /** Whether it differs from the tool before it in {@link packNext} alone. */
  readonly isVariant?: boolean;
  /** Programs that must be on the path. */
  readonly programs: readonly string[];
  /** What is done once before the first pack, unmeasured. */
  create?(archive: string): Command;
  pack(tree: string, archive: string): Command;
  /** Adds a tree, under a `name` of letters, to an archive that has one already. */
  packNext?(tree: string, archive: string, name: string): Command;
  /** Unpacks the tree of {@link pack}. `target` does not exist. */
  unpack(archive: string, target: string): Command;
  /** Answers the version, for the report. */
  readonly version: Command;
}

/** Names of the tools that the bars compare. */
export const TOOL = {
  myfs: "myfs",
  myfsBase: "myfs --base",
  tar: "tar+zstd",
  squashfs: "squashfs",
  casync: "casync",
  restic: "restic",
} as const;

/** All tools. @param cache Folder for what the programs remember from run to run. */
export function allTools(cache: string): Tool[] {
  return [
    myfs(cache, { base: false }),
    myfs(cache, { base: true }),
    tarZstd,
    squashfs,
    casync,
    restic(cache),
  ];
}

/** The programs of `tools` that are not on the path. */
export async function missingPrograms({ programs }: Tool): Promise<string[]> {
  const missing: string[] = [];
  for (const program of programs) {
    try {
      await run(shell("command -v", program));
    } catch {
      missing.push(program);
    }
  }
  return missing;
}

function myfs(cache: string, { base }: { readonly base: boolean }): Tool {
  const env = { MYFS_CACHE_DIR: `${cache}/myfs` };
  const cli = (...args: string[]): Command => ({
    argv: [Deno.execPath(), "run", "-A", `${import.meta.dirname}/../../cli/myfs.ts`, ...args],
    env,
  });
  const pack = (tree: string, archive: string, name: string, ...more: string[]): Command =>
    cli(
      "pack",
      "--quiet",
      "--meta",
      `${archive}/${name}.fl`,
      "--store",
      `dir://${archive}/blocks`,
      ...more,
      tree,
    );
  return {
    name: base ? TOOL.myfsBase : TOOL.myfs,
    isVariant: base,
    programs: [],
    pack: (tree, archive) => pack(tree, archive, "first"),
    packNext: (tree, archive, name) =>
      pack(tree, archive, name, ...(base ? ["--base", `${archive}/first.fl`] : [])),
    unpack: (archive, target) =>
      cli(
        "unpack",
        "--quiet",
        // What the others do when they are root.
        ...(Deno.uid() === 0 ? ["--preserve-ownership"] : []),
        "--meta",
        `${archive}/first.fl`,
        target,
      ),
    version: { argv: [Deno.execPath(), "--version"] },
  };
}

const tarZstd: Tool = {
  name: TOOL.tar,
  programs: ["tar", "zstd"],
  pack: (tree, archive) =>
    shell(
      'set -o pipefail; tar -C "$1" -cf - . | zstd -q -3 -T0 -o "$2/tree.tar.zst"',
      tree,
      archive,
    ),
  unpack: (archive, target) =>
    shell(
      'set -o pipefail; mkdir "$2"; zstd -q -d -c "$1/tree.tar.zst" | tar -C "$2" -xf -',
      archive,
      target,
    ),
  version: shell("tar --version | head -n 1; zstd --version"),
};

const squashfs: Tool = {
  name: TOOL.squashfs,
  programs: ["mksquashfs", "unsquashfs"],
  pack: (tree, archive) => ({
    argv: [
      "mksquashfs",
      tree,
      `${archive}/tree.squashfs`,
      ...["-comp", "zstd", "-Xcompression-level", "3", "-no-progress", "-quiet"],
    ],
  }),
  unpack: (archive, target) => ({
    argv: ["unsquashfs", "-no-progress", "-quiet", "-d", target, `${archive}/tree.squashfs`],
  }),
  version: shell("mksquashfs -version | head -n 1"),
};

const casync: Tool = {
  name: TOOL.casync,
  programs: ["casync"],
  pack: (tree, archive) => casyncMake(tree, archive, "first"),
  packNext: casyncMake,
  unpack: (archive, target) => ({
    argv: ["casync", "extract", `--store=${archive}/store.castr`, `${archive}/first.caidx`, target],
  }),
  version: { argv: ["casync", "--version"] },
};

function casyncMake(tree: string, archive: string, name: string): Command {
  return {
    argv: ["casync", "make", `--store=${archive}/store.castr`, `${archive}/${name}.caidx`, tree],
  };
}

function restic(cache: string): Tool {
  const env = { RESTIC_PASSWORD: "benchmark", RESTIC_CACHE_DIR: `${cache}/restic` };
  const backup = (tree: string, archive: string): Command => ({
    argv: ["restic", "--quiet", "--repo", archive, "backup", "."],
    env,
    cwd: tree,
  });
  return {
    name: TOOL.restic,
    programs: ["restic"],
    create: (archive) => ({ argv: ["restic", "--quiet", "--repo", archive, "init"], env }),
    pack: backup,
    packNext: backup,
    unpack: (archive, target) => ({
      argv: ["restic", "--quiet", "--repo", archive, "restore", "latest", "--target", target],
      env,
    }),
    version: { argv: ["restic", "version"] },
  };
}

function shell(script: string, ...args: string[]): Command {
  return { argv: ["bash", "-c", script, "bash", ...args] };
}
