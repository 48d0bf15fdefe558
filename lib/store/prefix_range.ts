/**
 * Ranges of block ids by their first byte: how stores share the blocks among them.
 *
 * @module
 */

import { StoreUnavailableError } from "../base/errors.ts";
import type { BlockId } from "../block/block_ref.ts";

/** The block ids whose first byte lies between two values. */
export interface PrefixRange {
  /** Lowest first byte, 0 to 255. */
  readonly start: number;
  /** Highest first byte, 0 to 255, inclusive. */
  readonly end: number;
}

/** How many different first bytes there are. */
export const PREFIX_COUNT = 256;

/** Every block id. */
export const FULL_RANGE: PrefixRange = { start: 0, end: PREFIX_COUNT - 1 };

/** First byte of a block id, 0 to 255. */
export function prefixOf(id: BlockId): number {
  return Number.parseInt(id.slice(0, 2), 16);
}

/** The two hexadecimal digits of a first byte. */
export function formatPrefix(prefix: number): string {
  return prefix.toString(16).padStart(2, "0");
}

/** A range as store specs write it: `00-7f`. */
export function formatRange(range: PrefixRange): string {
  return `${formatPrefix(range.start)}-${formatPrefix(range.end)}`;
}

/**
 * For each first byte the members of `ranges` that cover it, in their order.
 *
 * @throws {RangeError} when a range is not one.
 */
export function tableByPrefix<Range extends PrefixRange>(
  ranges: readonly Range[],
): readonly (readonly Range[])[] {
  const table: Range[][] = Array.from({ length: PREFIX_COUNT }, () => []);
  for (const range of ranges) {
    const { start, end } = range;
    if (
      !Number.isInteger(start) || !Number.isInteger(end) || start < 0 || end > 255 || start > end
    ) {
      throw new RangeError(`Cannot use ${start} to ${end} as a range of first bytes`);
    }
    for (let prefix = start; prefix <= end; prefix++) table[prefix]!.push(range);
  }
  return table;
}

/** The error for a block whose id lies in none of `ranges`. */
export function uncoveredError(id: BlockId, ranges: readonly PrefixRange[]): StoreUnavailableError {
  const prefix = id.slice(0, 2);
  const covered = ranges.map(formatRange).join(", ");
  return new StoreUnavailableError(
    covered,
    `Cannot reach block ${id}: no store has the prefix ${prefix}, only ${covered}`,
    { hint: `Name a store whose range includes ${prefix}, or one without a range.` },
  );
}
