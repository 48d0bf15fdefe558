/**
 * A flist in figures, as lines. Loads the library: import it when a command runs.
 *
 * @module
 */

import { displayByteString, formatStoreSpec, type ImageSummary, type Route } from "myfs";
import { formatBytes, formatNoun, formatShare } from "./format.ts";
import { countsText } from "./summaries.ts";

/** Aligned lines, one a fact. */
export function* inspectionLines(summary: ImageSummary): Generator<string> {
  const { contentBytes, chunks, referencedBytes } = summary;
  yield `flist    ${displayByteString(summary.meta)}`;
  yield `profile  ${summary.profile}, version ${summary.version}`;
  yield `size     ${formatBytes(summary.flistBytes)}`;
  yield `digest   ${summary.digest}`;
  yield `tree     ${countsText(summary)}`;
  yield `content  ${formatBytes(contentBytes)} in ${formatNoun(chunks, "chunk")}`;
  if (referencedBytes !== undefined) {
    yield `blocks   ${formatBytes(referencedBytes)}, ` +
      `${formatShare(referencedBytes, contentBytes)} of the content`;
  }
  for (const line of tagLines(Object.entries(summary.tags))) yield `tag      ${line}`;
  for (const line of routeLines(summary.routes)) yield `route    ${line}`;
}

/** One line a tag, as the command line takes it: `key=value`. */
export function* tagLines(tags: Iterable<readonly [string, string]>): Generator<string> {
  for (const [key, value] of tags) yield `${displayByteString(key)}=${displayByteString(value)}`;
}

/** One line a route, as the command line takes it: `00-7f=dir:///path`. */
export function* routeLines(routes: readonly Route[]): Generator<string> {
  for (const route of routes) yield displayByteString(formatStoreSpec(route));
}
