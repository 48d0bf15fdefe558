/**
 * The programs whose mounts are compared: how each packs a tree, mounts it, and ends the mount.
 *
 * @module
 */

import { type Command, run } from "../measure.ts";

/** Names of the ways to a tree that the bars compare. */
export const WAY = {
  myfs: "myfs",
  local: "local",
  erofs: "erofs",
  squashfs: "squashfs",
  squashfuse: "squashfuse",
  casync: "casync",
  restic: "restic",
} as const;

/** One way to look into a tree. */
export interface Mounter {
  readonly name: string;
  /** Programs that must be on the path. */
  readonly programs: readonly string[];
  /** Makes an image of `tree` in the empty folder `archive`. */
  pack(tree: string, archive: string): Promise<void>;
  /** Mounts it on the empty folder `target`, and returns when that has been started. */
  mount(archive: string, target: string): Promise<AsyncDisposable>;
  /** Where the tree is below `target`. */
  readonly below?: string;
  /** Whether the tree is there without a mount, so that there is no first use. */
  readonly isLocal?: boolean;
}

const CLI = `${import.meta.dirname}/../../../cli/myfs.ts`;

/** `myfs` as a user starts it. */
export function myfs(...args: string[]): Command {
  return { argv: [Deno.execPath(), "run", "-A", CLI, ...args] };
}

/** Mounts the flist `meta` in the background. */
export async function mountMyfs(
  meta: string,
  target: string,
  ...more: string[]
): Promise<AsyncDisposable> {
  await run(myfs("mount", "--quiet", "--daemon", "--no-cache", ...more, meta, target));
  return { [Symbol.asyncDispose]: () => runQuietly(myfs("umount", target)) };
}

/** All ways, myfs first. */
export function allMounters(): Mounter[] {
  return [
    {
      name: WAY.myfs,
      programs: [],
      pack: (tree, archive) =>
        runQuietly(
          myfs(
            ...["pack", "--quiet", "--meta", `${archive}/tree.fl`],
            ...["--store", `dir://${archive}/blocks`, tree],
          ),
        ),
      mount: (archive, target) => mountMyfs(`${archive}/tree.fl`, target),
    },
    {
      name: WAY.local,
      programs: [],
      isLocal: true,
      pack: (tree, archive) => Deno.symlink(tree, `${archive}/tree`),
      mount: async (archive, target) => {
        await runQuietly({ argv: ["mount", "--bind", `${archive}/tree`, target] });
        return unmounting(target);
      },
    },
    kernelImage(WAY.erofs, "mkfs.erofs", (tree, image) => ["mkfs.erofs", "-zlz4hc", image, tree]),
    kernelImage(WAY.squashfs, "mksquashfs", makeSquashfs),
    {
      name: WAY.squashfuse,
      programs: ["mksquashfs", "squashfuse"],
      pack: (tree, archive) => runQuietly({ argv: makeSquashfs(tree, `${archive}/image`) }),
      mount: async (archive, target) => {
        await runQuietly({ argv: ["squashfuse", `${archive}/image`, target] });
        return unmounting(target);
      },
    },
    casync(),
    restic(),
  ];
}

function makeSquashfs(tree: string, image: string): [string, ...string[]] {
  const compression = ["-comp", "zstd", "-Xcompression-level", "3"];
  return ["mksquashfs", tree, image, ...compression, "-no-progress", "-quiet"];
}

function kernelImage(
  name: string,
  program: string,
  make: (tree: string, image: string) => [string, ...string[]],
): Mounter {
  return {
    name,
    programs: [program],
    pack: (tree, archive) => runQuietly({ argv: make(tree, `${archive}/image`) }),
    mount: async (archive, target) => {
      // The kernel takes an image of erofs from a file as it is, and needs a loop for the other.
      const options = name === WAY.squashfs ? "loop,ro" : "ro";
      await runQuietly({ argv: ["mount", "-t", name, "-o", options, `${archive}/image`, target] });
      return unmounting(target);
    },
  };
}

function casync(): Mounter {
  const store = (archive: string): string => `--store=${archive}/store`;
  return {
    name: WAY.casync,
    programs: ["casync"],
    pack: (tree, archive) =>
      runQuietly({ argv: ["casync", "make", store(archive), `${archive}/tree.caidx`, tree] }),
    mount: async (archive, target) => {
      const { dev } = await Deno.stat(target);
      const child = startQuietly("casync", [
        ...["mount", store(archive), `${archive}/tree.caidx`, target],
      ]);
      await until(async () => (await Deno.stat(target)).dev !== dev);
      return unmounting(target, child);
    },
  };
}

function restic(): Mounter {
  const of = (archive: string) => ({
    RESTIC_PASSWORD: "benchmark",
    RESTIC_CACHE_DIR: `${archive}/cache`,
  });
  return {
    name: WAY.restic,
    programs: ["restic"],
    below: "snapshots/latest",
    pack: async (tree, archive) => {
      const repository = ["restic", "--quiet", "--repo", `${archive}/repository`] as const;
      await runQuietly({ argv: [...repository, "init"], env: of(archive) });
      await runQuietly({ argv: [...repository, "backup", "."], env: of(archive), cwd: tree });
    },
    mount: async (archive, target) => {
      const args = ["--quiet", "--repo", `${archive}/repository`, "mount", target];
      const child = startQuietly("restic", args, of(archive));
      await until(() => Deno.lstat(`${target}/snapshots`).then(() => true, () => false));
      return unmounting(target, child);
    },
  };
}

/** Ends a mount, and waits for `child`, which serves it. */
function unmounting(target: string, child?: Deno.ChildProcess): AsyncDisposable {
  return {
    [Symbol.asyncDispose]: async () => {
      await runQuietly({ argv: ["umount", target] });
      await child?.status;
    },
  };
}

function startQuietly(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Deno.ChildProcess {
  const silent = { stdin: "null", stdout: "null", stderr: "null" } as const;
  return new Deno.Command(program, { args: [...args], env, ...silent }).spawn();
}

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!await isTrue()) {
    if (performance.now() > deadline) throw new Error("A mount does not answer");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function runQuietly(command: Command): Promise<void> {
  await run(command);
}
