/**
 * Numbers, sizes and times as people read them.
 *
 * @module
 */

/** A count with thousands separators: `59,425`. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

/**
 * A count and its noun: `1 file`, `59,425 files`.
 *
 * @param plural @default `noun` with an `s`
 */
export function formatNoun(count: number, noun: string, plural: string = noun + "s"): string {
  return `${formatCount(count)} ${count === 1 ? noun : plural}`;
}

const BINARY_UNITS = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/** A size with three digits at least: `512 B`, `1.50 KiB`, `36.2 MiB`, `1,023 GiB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${formatCount(Math.round(bytes))} B`;
  let value = bytes;
  let unit = -1;
  // 1023.5 and more would print as 1,024: the next unit says it better.
  while (value >= 1023.5 && unit < BINARY_UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${threeDigits(value)} ${BINARY_UNITS[unit]}`;
}

function threeDigits(value: number): string {
  if (value >= 99.95) return formatCount(Math.round(value));
  return value.toFixed(value >= 9.995 ? 1 : 2);
}

/** A time span: `85 ms`, `3.2 s`, `1 min 05 s`, `2 h 03 min`. */
export function formatDuration(durationMs: number): string {
  if (durationMs < 999.5) return `${Math.round(durationMs)} ms`;
  if (durationMs < 59_950) return `${(durationMs / 1000).toFixed(1)} s`;
  const seconds = Math.round(durationMs / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${twoDigits(seconds % 60)} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${twoDigits(minutes % 60)} min`;
}

/** A time span as a clock shows it: `0:04`, `12:30`, `1:02:03`. */
export function formatClock(durationMs: number): string {
  const seconds = Math.max(0, Math.round(durationMs / 1000));
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}:${twoDigits(seconds % 60)}`;
  return `${Math.floor(minutes / 60)}:${twoDigits(minutes % 60)}:${twoDigits(seconds % 60)}`;
}

/** A speed: `245 MiB/s`; empty where no time has passed. */
export function formatRate(bytes: number, durationMs: number): string {
  return durationMs <= 0 ? "" : `${formatBytes(bytes * 1000 / durationMs)}/s`;
}

/** A share of a whole: `25.9 %`; of nothing, `0 %`. */
export function formatShare(part: number, whole: number): string {
  if (whole === 0 || part === 0) return "0 %";
  return `${(part * 100 / whole).toFixed(1)} %`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}
