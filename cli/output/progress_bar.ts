/**
 * Progress on a terminal: one line that is drawn over and over, as wide as the terminal allows.
 *
 * @module
 */

import type { ProgressEvent, ProgressPhase } from "myfs";
import { formatBytes, formatClock, formatCount, formatNoun, formatRate } from "./format.ts";

/** Ten times a second: more cannot be read and costs the terminal time. */
const REDRAW_INTERVAL_MS = 100;

/** Before this much time an estimate of what remains is noise. */
const ESTIMATE_AFTER_MS = 1000;

const GAUGE_LENGTH = 20;

const PHASE_NAMES: Readonly<Record<ProgressPhase, string>> = {
  scan: "scanning",
  store: "storing",
  read: "reading",
  write: "writing",
  finish: "finishing",
};

/** What a progress bar draws on. */
export interface ProgressBarOptions {
  /** Puts text on the terminal as it is. */
  readonly write: (text: string) => void;
  /** Width of the terminal in columns, asked for at every drawing. */
  readonly columns: () => number;
  /** The time in milliseconds, from any start. @default performance.now */
  readonly now?: () => number;
}

/** A line that shows the newest {@link ProgressEvent}. */
export class ProgressBar {
  readonly #write: (text: string) => void;
  readonly #columns: () => number;
  readonly #now: () => number;
  #drawnAt: number;
  #shown = false;
  #phase: ProgressPhase | undefined;
  #phaseStart = 0;

  constructor(options: ProgressBarOptions) {
    this.#write = options.write;
    this.#columns = options.columns;
    this.#now = options.now ?? (() => performance.now());
    // Work that ends at once shows no bar at all.
    this.#drawnAt = this.#now();
  }

  /** Takes the newest report; draws it unless the last drawing is too recent. */
  update(event: ProgressEvent): void {
    const now = this.#now();
    if (event.phase !== this.#phase) {
      this.#phase = event.phase;
      this.#phaseStart = now;
    }
    if (now - this.#drawnAt < REDRAW_INTERVAL_MS) return;
    this.#drawnAt = now;
    this.#shown = true;
    // The last column stays free: writing there makes some terminals begin a new line.
    const line = progressLine(event, now - this.#phaseStart, this.#columns() - 1);
    this.#write(`\r${line}\x1b[K`);
  }

  /** Takes the line away. Whoever prints on the same terminal calls this first. */
  clear(): void {
    if (!this.#shown) return;
    this.#shown = false;
    this.#write("\r\x1b[K");
  }
}

/**
 * One line about `event`, at most `width` columns: parts that do not fit are left out, the least
 * useful first.
 *
 * @param elapsedMs Time since the event's phase began.
 */
export function progressLine(event: ProgressEvent, elapsedMs: number, width: number): string {
  const { entries, entriesTotal, bytes, bytesTotal } = event;
  const share = shareDone(event);
  // Place in the line, and rank: what goes first when the line is too long has the highest.
  const parts: { readonly rank: number; readonly text: string }[] = [
    { rank: 0, text: PHASE_NAMES[event.phase] },
  ];
  if (share !== undefined) {
    parts.push({ rank: 1, text: `${String(Math.floor(share * 100)).padStart(3)} %` });
    const filled = Math.round(share * GAUGE_LENGTH);
    parts.push({ rank: 6, text: `[${"#".repeat(filled)}${"-".repeat(GAUGE_LENGTH - filled)}]` });
  }
  if (entries > 0 || entriesTotal !== undefined) {
    const text = entriesTotal === undefined
      ? formatNoun(entries, "entry", "entries")
      : `${formatCount(entries)} of ${formatNoun(entriesTotal, "entry", "entries")}`;
    parts.push({ rank: 4, text });
  }
  if (bytes > 0 || bytesTotal !== undefined) {
    const text = bytesTotal === undefined
      ? formatBytes(bytes)
      : `${formatBytes(bytes)} of ${formatBytes(bytesTotal)}`;
    parts.push({ rank: 2, text });
  }
  if (bytes > 0 && elapsedMs >= ESTIMATE_AFTER_MS) {
    parts.push({ rank: 5, text: formatRate(bytes, elapsedMs) });
  }
  if (share !== undefined && share > 0 && share < 1 && elapsedMs >= ESTIMATE_AFTER_MS) {
    parts.push({ rank: 3, text: `ETA ${formatClock(elapsedMs / share - elapsedMs)}` });
  }
  for (let rank = 6; rank > 0 && lengthOf(parts) > width; rank--) {
    const at = parts.findIndex((part) => part.rank === rank);
    if (at >= 0) parts.splice(at, 1);
  }
  return parts.map((part) => part.text).join("  ").slice(0, Math.max(0, width));
}

/** How much is done, 0 to 1: by bytes where they are known, else by entries. */
function shareDone(event: ProgressEvent): number | undefined {
  const { entries, entriesTotal, bytes, bytesTotal } = event;
  if (bytesTotal !== undefined && bytesTotal > 0) return Math.min(1, bytes / bytesTotal);
  if (entriesTotal !== undefined && entriesTotal > 0) return Math.min(1, entries / entriesTotal);
  return undefined;
}

function lengthOf(parts: readonly { readonly text: string }[]): number {
  return parts.reduce((length, part) => length + part.text.length + 2, -2);
}
