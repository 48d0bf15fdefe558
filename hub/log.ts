/**
 * The hub's log: a line an event, JSON for programs or text for people, never with a secret in it.
 *
 * @module
 */

/** Facts beside the event's name. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Takes events. */
export interface Log {
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}

/** How to write a log. */
export interface LogOptions {
  readonly format: "json" | "text";
  /** Takes one line with its end. */
  readonly write: (line: string) => void;
  /** Values that must not appear, wherever they come from. */
  readonly secrets?: readonly string[];
  readonly now?: () => number;
}

const SECRET_NAME = /password|secret|token|authorization|cookie/i;
const HIDDEN = "[redacted]";

/** A secret that is shorter would hide parts of ordinary words. */
const SECRET_LENGTH_MIN = 6;

/** Makes a log. */
export function createLog(options: LogOptions): Log {
  const { format, write, now = Date.now } = options;
  const secrets = (options.secrets ?? []).filter((text) => text.length >= SECRET_LENGTH_MIN);
  const hide = (text: string): string =>
    secrets.reduce((rest, secret) => rest.replaceAll(secret, HIDDEN), text);
  const put = (level: string, event: string, fields: LogFields = {}): void => {
    const at = new Date(now()).toISOString();
    const safe = Object.fromEntries(
      Object.entries(fields).filter(([, value]) => value !== undefined && value !== null)
        .map(([name, value]) => [name, SECRET_NAME.test(name) ? HIDDEN : plain(value, hide)]),
    );
    if (format === "json") return write(`${JSON.stringify({ at, level, event, ...safe })}\n`);
    const rest = Object.entries(safe).map(([name, value]) => ` ${name}=${JSON.stringify(value)}`);
    write(`${at.slice(11, 23)} ${level.padEnd(5)} ${event}${rest.join("")}\n`);
  };
  return {
    info: (event, fields) => put("info", event, fields),
    warn: (event, fields) => put("warn", event, fields),
    error: (event, fields) => put("error", event, fields),
  };
}

function plain(value: unknown, hide: (text: string) => string): unknown {
  if (value instanceof Error) return hide(`${value.name}: ${value.message}`);
  if (typeof value === "string") return hide(value);
  if (typeof value === "number" || typeof value === "boolean") return value;
  return hide(JSON.stringify(value) ?? String(value));
}
