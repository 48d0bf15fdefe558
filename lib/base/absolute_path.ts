/**
 * Paths without what they are relative to.
 *
 * @module
 */

/**
 * `path` from the root on, without `.`, `..` and doubled slashes, as `resolve` of `node:path` gives it.
 * Nothing is looked up: links are not followed, and nothing needs to exist. (To load `node:path` takes
 * 6 ms of each thread; see `built_in.ts`.)
 */
export function absolutePath(path: string): string {
  const parts: string[] = [];
  for (const part of (path.startsWith("/") ? path : `${Deno.cwd()}/${path}`).split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

/** The directory that an absolute path is in, and its name there; the root is in itself. */
export function splitPath(absolute: string): { readonly parent: string; readonly name: string } {
  const slash = absolute.lastIndexOf("/");
  return { parent: absolute.slice(0, slash) || "/", name: absolute.slice(slash + 1) };
}
