/**
 * Parts that failed and things that were lost, as lines for a person.
 *
 * @module
 */

import type { Failure, Loss } from "myfs";
import { formatCount, formatNoun } from "./format.ts";

/** More than this many lines push the first ones off the screen; `--json` has all. */
const LINES_MAX = 20;

/** One line for each of the first failures, and a count of the others. */
export function* failureLines(failures: readonly Failure[]): Generator<string> {
  for (const failure of failures.slice(0, LINES_MAX)) {
    yield `failed: ${failure.path}: ${failure.reason}`;
  }
  const hidden = failures.length - LINES_MAX;
  if (hidden > 0) yield `… and ${formatNoun(hidden, "more failure")}; --json lists all`;
}

/** One line for each thing that was lost: `not kept: owner (7 entries: a, b and 5 more)`. */
export function* lossLines(losses: readonly Loss[]): Generator<string> {
  for (const { what, count, examples } of losses) {
    const others = count - examples.length;
    const more = others > 0 ? ` and ${formatCount(others)} more` : "";
    const entries = formatNoun(count, "entry", "entries");
    yield `not kept: ${what} (${entries}: ${examples.join(", ")}${more})`;
  }
}
