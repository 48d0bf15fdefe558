/**
 * The trees that are packed: packages of npm at fixed versions, which are the same on every
 * machine, and made-up ones.
 *
 * @module
 */

import { run } from "./measure.ts";

/** A tree to pack. */
export interface Corpus {
  readonly name: string;
  /** Folder of the tree. */
  readonly tree: string;
  /** Folder of its next version, where there is one. */
  readonly next?: string;
}

/** What is in a tree. */
export interface TreeSize {
  readonly files: number;
  readonly entries: number;
  readonly bytes: number;
}

type PinnedPackage = readonly [name: string, version: string, nextVersion?: string];

/** Small files: about 60,000 files and 560 MB of JavaScript; the next version is some months younger. */
const SMALL_FILE_PACKAGES: readonly PinnedPackage[] = [
  ["@babel/core", "7.23.6", "7.24.3"],
  ["@mui/icons-material", "5.15.0", "5.15.14"],
  ["@mui/material", "5.15.0", "5.15.14"],
  ["@types/node", "20.10.5", "20.11.30"],
  ["antd", "5.13.0", "5.15.4"],
  ["aws-sdk", "2.1540.0", "2.1580.0"],
  ["date-fns", "3.3.1", "3.6.0"],
  ["echarts", "5.4.3", "5.5.0"],
  ["googleapis", "131.0.0", "133.0.0"],
  ["lodash", "4.17.21"],
  ["monaco-editor", "0.46.0", "0.47.0"],
  ["next", "14.1.0", "14.1.4"],
  ["rxjs", "7.8.1"],
  ["three", "0.160.0", "0.161.0"],
  ["typescript", "5.3.2", "5.3.3"],
  ["webpack", "5.89.0", "5.91.0"],
];

/** Big binaries: about 430 MB, nearly all of it in eight executables and libraries. */
const BINARY_PACKAGES: readonly PinnedPackage[] = [
  ["@biomejs/cli-linux-x64", "1.6.2"],
  ["@cloudflare/workerd-linux-64", "1.20240329.0"],
  ["@deno/linux-x64-glibc", "2.9.5"],
  ["@esbuild/linux-x64", "0.20.2"],
  ["@img/sharp-libvips-linux-x64", "1.0.2"],
  ["@next/swc-linux-x64-gnu", "14.1.4"],
  ["@rspack/binding-linux-x64-gnu", "0.5.8"],
];

/** The trees of a full run; those that `folder` has from an earlier run are not made again. */
export async function realCorpora(folder: string): Promise<Corpus[]> {
  const small = `${folder}/small-files`;
  const next = `${folder}/small-files-next`;
  const binaries = `${folder}/binaries`;
  await installPackages(small, SMALL_FILE_PACKAGES.map(([name, version]) => [name, version]));
  await installPackages(
    next,
    SMALL_FILE_PACKAGES.map(([name, version, nextVersion]) => [name, nextVersion ?? version]),
  );
  await installPackages(binaries, BINARY_PACKAGES);
  return [
    { name: "small-files", tree: small, next },
    { name: "binaries", tree: binaries },
  ];
}

/** Small stand-ins for all of {@link realCorpora}, made without a network. */
export async function tinyCorpora(folder: string): Promise<Corpus[]> {
  const small = `${folder}/small-files`;
  const next = `${folder}/small-files-next`;
  const binaries = `${folder}/binaries`;
  await tinyFiles(small, 300);
  await tinyFiles(next, 320);
  await Deno.mkdir(binaries, { recursive: true });
  await Deno.writeFile(`${binaries}/noise`, noise(3 << 20));
  return [
    { name: "small-files", tree: small, next },
    { name: "binaries", tree: binaries },
  ];
}

/** Makes a tree of `count` files of some dozen bytes, no two alike, 200 to a folder. */
export function tinyFiles(tree: string, count: number): Promise<void> {
  return makeOnce(tree, async (folder) => {
    const names = Array.from({ length: count }, (_, number) => number);
    for (let start = 0; start < count; start += 200) {
      const subfolder = `${folder}/folder-${start / 200}`;
      await Deno.mkdir(subfolder);
      await Promise.all(
        names.slice(start, start + 200).map((number) =>
          Deno.writeTextFile(
            `${subfolder}/file-${number}.txt`,
            `This is the content of file ${number}.\n`,
          )
        ),
      );
    }
  });
}

/** Counts a tree. Hard links count each. */
export async function treeSize(tree: string): Promise<TreeSize> {
  const listing = await run({ argv: ["find", tree, "-mindepth", "1", "-printf", "%y %s\n"] });
  let files = 0;
  let entries = 0;
  let bytes = 0;
  for (const [kind, size] of listing.trimEnd().split("\n").map((line) => line.split(" "))) {
    entries++;
    if (kind !== "f") continue;
    files++;
    bytes += Number(size);
  }
  return { files, entries, bytes };
}

/** Reads all of a tree once, so that it is in the page cache. */
export async function warm(tree: string): Promise<void> {
  await run({
    argv: ["bash", "-c", 'find "$1" -type f -print0 | xargs -0 cat > /dev/null', "bash", tree],
  });
}

/** Puts packages where npm would put them, without what they depend on: versions stay as named. */
function installPackages(tree: string, packages: readonly PinnedPackage[]): Promise<void> {
  return makeOnce(tree, async (folder) => {
    const archives = await Deno.makeTempDir({ dir: folder });
    await run({
      argv: [
        ...["npm", "pack", "--silent", "--pack-destination", archives] as const,
        ...packages.map(([name, version]) => `${name}@${version}`),
      ],
      cwd: archives,
    });
    for (const [name, version] of packages) {
      const target = `${folder}/node_modules/${name}`;
      await Deno.mkdir(target, { recursive: true });
      const archive = `${archives}/${name.replace(/^@/, "").replace("/", "-")}-${version}.tgz`;
      // As npm does: files are as old as their installation.
      await run({
        argv: ["tar", "-xzmf", archive, "-C", target, "--strip-components=1", "--no-same-owner"],
      });
    }
    await Deno.remove(archives, { recursive: true });
  });
}

/** Makes `tree` under another name first, so that one that is there is complete. */
async function makeOnce(tree: string, make: (folder: string) => Promise<void>): Promise<void> {
  try {
    await Deno.stat(tree);
    return;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const unfinished = `${tree}.unfinished`;
  await run({ argv: ["rm", "-rf", unfinished] });
  await Deno.mkdir(unfinished, { recursive: true });
  await make(unfinished);
  await Deno.rename(unfinished, tree);
}

/** The same bytes each time, which do not compress: a linear congruential generator. */
function noise(size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  let state = 1;
  for (let i = 0; i < size; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}
