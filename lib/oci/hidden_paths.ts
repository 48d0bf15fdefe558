/**
 * Which paths of lower layers the layers above hide, as far as names tell: whoever reads a layer
 * passes over content that nobody will see.
 *
 * Links among directories may make a path mean another place, so this is a guess, and a good one;
 * `layer_merge.ts` finds out what is really there.
 *
 * @module
 */

/** What an upper layer has at a path: a directory, into which lower ones merge, or anything else. */
type Cover = "directory" | "all";

/** Grows layer by layer, from the top. */
export class HiddenPaths {
  /** Covers by directory and name. */
  readonly #covers = new Map<string, Map<string, Cover>>();
  /** Directories in which nothing of lower layers shows. */
  readonly #opaque = new Set<string>();
  /** The directory that was asked about last, and the answer. */
  #lastDirectory: string | undefined;
  #lastHidden = false;

  /** Adds what an upper layer has at `path`, or takes away there. */
  add(path: string, isDirectory: boolean): void {
    if (path === "") return;
    const { directory, name } = split(path);
    let names = this.#covers.get(directory);
    if (names === undefined) this.#covers.set(directory, names = new Map());
    // Directories of several layers merge; whatever else one of them has there hides all below.
    if (!isDirectory || !names.has(name)) names.set(name, isDirectory ? "directory" : "all");
    this.#lastDirectory = undefined;
  }

  /** Adds that a layer hides what lower layers have in the directory `path`. */
  addOpaque(path: string): void {
    this.#opaque.add(path);
    this.#lastDirectory = undefined;
  }

  /** Whether a file at `path` of the next lower layer is hidden. */
  hides(path: string): boolean {
    const { directory, name } = split(path);
    if (this.#covers.get(directory)?.has(name) === true) return true;
    if (directory !== this.#lastDirectory) {
      this.#lastHidden = this.#hidesWithin(directory);
      this.#lastDirectory = directory;
    }
    return this.#lastHidden;
  }

  #hidesWithin(directory: string): boolean {
    for (let at = directory;;) {
      if (this.#opaque.has(at)) return true;
      if (at === "") return false;
      const parent = split(at);
      if (this.#covers.get(parent.directory)?.get(parent.name) === "all") return true;
      at = parent.directory;
    }
  }
}

function split(path: string): { directory: string; name: string } {
  const slash = path.lastIndexOf("/");
  return { directory: slash < 0 ? "" : path.slice(0, slash), name: path.slice(slash + 1) };
}
