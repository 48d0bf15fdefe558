/**
 * Finds a directory that is worth packing on any machine.
 *
 * @module
 */

import { dirname } from "node:path";

/** A directory in figures. */
export interface TreeSurvey {
  readonly path: string;
  readonly files: number;
  /** Bytes that its files take, holes not counted. */
  readonly bytes: number;
}

/** A tree of thousands of files that is packed in seconds. */
const FILES_MIN = 2000;
const FILES_MAX = 30_000;
const BYTES_MAX = 512 * 1024 ** 2;

/**
 * The first of some directories that has thousands of files and is not too large, or else the one
 * that has most.
 *
 * @param paths Where to look: by default, where every machine has something.
 * @throws {Error} when there is none.
 */
export function chooseTree(paths: Iterable<string> = usualTrees()): TreeSurvey {
  let best: TreeSurvey | undefined;
  for (const path of paths) {
    const survey = surveyTree(path, { filesMax: FILES_MAX, bytesMax: BYTES_MAX });
    if (survey === undefined || survey.files <= (best?.files ?? 0)) continue;
    best = survey;
    if (best.files >= FILES_MIN) break;
  }
  if (best !== undefined) return best;
  throw new Error("There is no directory to show: name one, as in deno task demo /some/directory");
}

/** Trees that are there without any preparation, and that nobody is writing to right now. */
function* usualTrees(): Generator<string> {
  const home = Deno.env.get("HOME");
  const cache = Deno.env.get("XDG_CACHE_HOME") ?? `${home}/.cache`;
  // The packages in Deno's cache: what lies beside them is written by the Deno that runs this.
  yield `${Deno.env.get("DENO_DIR") ?? `${cache}/deno`}/npm`;
  yield "/usr/share";
  yield "/usr/share/doc";
  // <folder>/npm/bin/npx-cli.js, set by npx.
  const npx = Deno.env.get("npm_execpath");
  if (npx !== undefined) yield dirname(dirname(npx));
  yield "/usr/lib/node_modules";
  yield "/usr/local/lib/node_modules";
  yield `${home}/.npm/_cacache`;
}

/** Counts what is in `root`; undefined where that cannot be read or is more than the limits. */
export function surveyTree(
  root: string,
  { filesMax = Infinity, bytesMax = Infinity }: { filesMax?: number; bytesMax?: number } = {},
): TreeSurvey | undefined {
  let files = 0;
  let bytes = 0;
  const waiting = [root];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    try {
      for (const { name, isDirectory, isFile } of Deno.readDirSync(path)) {
        if (isDirectory) waiting.push(`${path}/${name}`);
        if (!isFile) continue;
        const { size, blocks } = statOf(`${path}/${name}`);
        files++;
        bytes += Math.min(size, (blocks ?? Infinity) * 512);
      }
    } catch {
      if (path === root) return undefined;
      // The pack will name what cannot be read.
    }
    if (files > filesMax || bytes > bytesMax) return undefined;
  }
  return { path: root, files, bytes };
}

/** A file's size and blocks; nothing where its name is not UTF-8, which Deno cannot look up. */
function statOf(path: string): { readonly size: number; readonly blocks: number | null } {
  try {
    return Deno.lstatSync(path);
  } catch {
    return { size: 0, blocks: 0 };
  }
}
