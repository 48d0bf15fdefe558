/**
 * Tags as they are written on a command line.
 *
 * @module
 */

import { UsageError } from "./problem.ts";

/**
 * Reads `key=value`; the value may hold more `=`, or nothing.
 *
 * @throws {UsageError} when there is no key or no `=`.
 */
export function parseTag(text: string): readonly [key: string, value: string] {
  const split = text.indexOf("=");
  if (split > 0) return [text.slice(0, split), text.slice(split + 1)];
  throw new UsageError(`Cannot read tag '${text}'`, "A tag is written key=value.");
}

/** Gathers the values of a repeated `--tag`. */
export function collectTag(
  text: string,
  earlier: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, string>> {
  const [key, value] = parseTag(text);
  return { ...earlier, [key]: value };
}
