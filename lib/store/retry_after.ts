/**
 * How long a web server asks its callers to wait (RFC 9110, section 10.2.3).
 *
 * @module
 */

/**
 * The time that a `Retry-After` header says, in seconds or as a date, in milliseconds from now;
 * undefined where there is none, or none that can be read.
 *
 * @param nowMs The time now, in milliseconds since 1970.
 */
export function retryAfterMs(
  header: string | undefined,
  nowMs: number = Date.now(),
): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  if (/^[0-9]{1,9}$/.test(text)) return Number(text) * 1000;
  // An HTTP date has letters: what else `Date.parse` takes for a date, such as "-1", is none.
  const waitMs = /^[A-Z]/i.test(text) ? Date.parse(text) - nowMs : NaN;
  return Number.isFinite(waitMs) ? Math.max(0, waitMs) : undefined;
}
