/**
 * What was written back to stores, and what could not be.
 *
 * @module
 */

import type { HealReport } from "myfs";
import { escapeControls } from "./escape.ts";
import { formatNoun } from "./format.ts";

/** One line a store for what was healed. */
export function* healedLines(healing: HealReport | undefined): Generator<string> {
  const stores = Map.groupBy(healing?.healed ?? [], ({ store }) => store);
  for (const [store, copies] of stores) {
    const missing = copies.filter(({ found }) => found === "missing").length;
    yield `Healed ${formatNoun(copies.length, "block")} in ${escapeControls(store)}: ` +
      `${missing} had been missing, ${copies.length - missing} damaged`;
  }
}

/** One line a store for what could not be healed. */
export function* unhealedLines(healing: HealReport | undefined): Generator<string> {
  for (const { store, count, reason } of healing?.unhealed ?? []) {
    yield `Not healed: ${formatNoun(count, "block")} in ${escapeControls(store)}: ` +
      escapeControls(reason);
  }
}
