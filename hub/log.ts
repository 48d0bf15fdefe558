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
  /** Takes one line with its end; one that is urgent tells of something wrong. */
  readonly write: (line: string, isUrgent: boolean) => void;
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
  /** By name of a field, whether it has a secret: there are few names, and many lines. */
  const isSecret = new Map<string, boolean>();
  const put = (level: string, event: string, fields: LogFields = {}): void => {
    const at = new Date(now()).toISOString();
    const safe: Record<string, unknown> = { at, level, event };
    for (const name in fields) {
      const value = fields[name];
      if (value === undefined || value === null) continue;
      const hidden = isSecret.getOrInsertComputed(name, () => SECRET_NAME.test(name));
      safe[name] = hidden ? HIDDEN : plain(value, hide);
    }
    const line = format === "json" ? JSON.stringify(safe) : textOf(safe);
    write(`${line}\n`, level !== "info");
  };
  return {
    info: (event, fields) => put("info", event, fields),
    warn: (event, fields) => put("warn", event, fields),
    error: (event, fields) => put("error", event, fields),
  };
}

function textOf({ at, level, event, ...fields }: Record<string, unknown>): string {
  const rest = Object.entries(fields).map(([name, value]) => ` ${name}=${JSON.stringify(value)}`);
  return `${String(at).slice(11, 23)} ${String(level).padEnd(5)} ${event}${rest.join("")}`;
}

function plain(value: unknown, hide: (text: string) => string): unknown {
  if (value instanceof Error) return hide(`${value.name}: ${value.message}`);
  if (typeof value === "string") return hide(value);
  if (typeof value === "number" || typeof value === "boolean") return value;
  return hide(JSON.stringify(value) ?? String(value));
}
