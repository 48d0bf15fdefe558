/**
 * Random trees that a seed repeats, made with what the runtime offers.
 *
 * @module
 */

import type { SeededRandom } from "./seeded_random.ts";

/** What the tree is to be like. */
export interface RandomTreeOptions {
  /** How many entries. */
  readonly entries: number;
  /** Sizes of files, in bytes, that are tried besides random ones. */
  readonly sizes?: readonly number[];
  /** Largest random size of a file. @default {2000} */
  readonly sizeMax?: number;
  /** Whether times are set, so that two trees of one seed are equal. @default {true} */
  readonly setTimes?: boolean;
}

const NAMES = [
  "a",
  "B",
  ".hidden",
  "with space",
  "ünï",
  "😀",
  "\uffff",
  "new\nline",
  "-dash",
  "x~",
];
const MODES = [0o644, 0o755, 0o600, 0o444, 0o711];

/** Makes a tree at `root`, which must be an empty directory or not exist. */
export function makeRandomTree(
  root: string,
  random: SeededRandom,
  options: RandomTreeOptions,
): void {
  const { entries, sizes = [0, 1, 262_143, 262_144], sizeMax = 2000, setTimes = true } = options;
  Deno.mkdirSync(root, { recursive: true });
  const directories = [root];
  const files: string[] = [];
  const contents: Uint8Array[] = [];
  const one = <Item>(items: readonly Item[]): Item => items[random.below(items.length)]!;
  for (let i = 0; i < entries; i++) {
    const path = `${one(directories)}/${one(NAMES)}${i}`;
    const kind = random.below(20);
    if (kind < 3) {
      Deno.mkdirSync(path);
      directories.push(path);
    } else if (kind < 5) {
      Deno.symlinkSync(
        one(["../a0", "/etc/passwd", "nowhere", "ünï\nlink", "x".repeat(300)]),
        path,
      );
    } else if (kind < 7 && files.length > 0) {
      Deno.linkSync(one(files), path);
    } else {
      let content: Uint8Array;
      if (kind < 9 && contents.length > 0) {
        content = one(contents);
      } else {
        const size = random.below(30) === 0 ? one(sizes) : random.below(sizeMax);
        content = random.below(2) === 0 ? random.bytes(size) : random.runs(size);
        contents.push(content);
      }
      Deno.writeFileSync(path, content);
      if (random.below(25) === 0) {
        // A hole of a megabyte in front of a copy of the content.
        using file = Deno.openSync(path, { write: true });
        file.seekSync(1_048_576, Deno.SeekMode.Start);
        for (let at = 0; at < content.length;) at += file.writeSync(content.subarray(at));
      }
      Deno.chmodSync(path, one(MODES));
      if (setTimes) Deno.utimeSync(path, 0, new Date(random.below(2 ** 30) * 1000 + 123));
      files.push(path);
    }
  }
  if (!setTimes) return;
  // Children first, because making an entry changes its directory's time.
  for (const path of directories.toReversed()) {
    Deno.utimeSync(path, 0, new Date(random.below(2 ** 30) * 1000));
  }
}
