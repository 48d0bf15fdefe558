/**
 * Demands on speed, size or memory, and whether they are met.
 *
 * @module
 */

/** A demand on what was measured. */
export interface Bar {
  /** What is demanded of what, such as `time of restic: at most 0.5`. */
  readonly text: string;
  /** What was measured, in the unit of `limit`. */
  readonly value: number;
  readonly limit: number;
  readonly met: boolean;
}

/** A bar that is met by `limit` and less. */
export function atMost(text: string, value: number, limit: number): Bar {
  return { text: `${text}: at most ${limit}`, value, limit, met: value <= limit };
}

/** A bar that is met by `limit` and more. */
export function atLeast(text: string, value: number, limit: number): Bar {
  return { text: `${text}: at least ${limit}`, value, limit, met: value >= limit };
}

/** A table of bars, as Markdown; nothing where there are none. */
export function renderBars(bars: readonly Bar[]): string[] {
  if (bars.length === 0) return [];
  return [
    "",
    "### Bars",
    "",
    "| bar | measured | |",
    "|---|---:|---|",
    ...bars.map(({ text, value, met }) =>
      `| ${text} | ${value.toPrecision(3)} | ${met ? "met" : "missed"} |`
    ),
  ];
}
