/**
 * Where in a TOML file a key stands: the parser does not say.
 *
 * @module
 */

/**
 * Line of a key, from 1. `path` is as in `["users", 1, "password"]`.
 *
 * @returns undefined where the key is not written out on a line of its own.
 */
export function lineOfKey(text: string, path: readonly PropertyKey[]): number | undefined {
  const [first, index, field] = path;
  const lines = text.split("\n");
  let table = "";
  let count = -1;
  let header: number | undefined;
  for (const [at, line] of lines.entries()) {
    const array = /^\s*\[\[\s*([\w-]+)\s*\]\]/.exec(line)?.[1];
    if (array !== undefined) {
      count = array === table ? count + 1 : 0;
      table = array;
      if (array === first && (count === index || index === undefined)) header = at + 1;
      continue;
    }
    const single = /^\s*\[\s*([\w.-]+)\s*\]/.exec(line)?.[1];
    if (single !== undefined) {
      table = single;
      if (single === first) header = at + 1;
      continue;
    }
    const key = /^\s*(?:"([^"]*)"|'([^']*)'|([\w-]+))\s*[=.]/.exec(line)?.slice(1).find(Boolean);
    if (key === undefined) continue;
    if (table === "" && key === first) return at + 1;
    if (table === first && count === index && key === field) return at + 1;
  }
  return header;
}
