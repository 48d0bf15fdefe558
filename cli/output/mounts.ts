/**
 * Mounts as text.
 *
 * @module
 */

import type { MountedImage } from "myfs";
import { formatBytes } from "./format.ts";

/** What {@link mountLines} needs besides the mount. */
export interface MountLinesOptions {
  /** Makes a byte string printable. */
  readonly display: (text: string) => string;
  /** Names of users by number. */
  readonly users: ReadonlyMap<number, string>;
  /** The time, in milliseconds since 1970. @default {Date.now()} */
  readonly nowMs?: number;
}

/** One mount: a line that says what it is, and one that says how it is doing. */
export function mountLines(
  mount: MountedImage,
  { display, users, nowMs = Date.now() }: MountLinesOptions,
): string[] {
  const { state, target, meta, upper, userId, pid, status } = mount;
  const owner = users.get(userId) ?? String(userId);
  const first = `${state.padEnd(8)}  ${display(target)}  ${display(meta)}`;
  const facts = [`by ${owner}`];
  if (pid !== undefined) facts.push(`process ${pid}`);
  if (upper !== undefined) facts.push(`changes in ${display(upper)}`);
  if (status !== undefined) {
    facts.push(
      `for ${ageText(nowMs - status.servedSinceMs)}`,
      `${percent(status.cachedShare)} here`,
      `${formatBytes(status.bytesRead)} read`,
    );
    if (status.hitRate !== undefined) facts.push(`${percent(status.hitRate)} from the cache`);
    const [slowest] = status.stores;
    if (slowest !== undefined && slowest.requests > 0) {
      facts.push(`${slowest.store} takes ${Math.round(slowest.p50Ms)} ms`);
    }
    if (status.errors > 0) {
      facts.push(`${status.errors} errors, the last: ${status.lastFault?.message ?? "unknown"}`);
    }
  }
  return [first, `          ${facts.join(", ")}`];
}

function percent(share: number): string {
  // What is missing must not look complete.
  return `${Math.floor(100 * share)} %`;
}

function ageText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  for (const [unit, length] of [["d", 86_400], ["h", 3600], ["min", 60]] as const) {
    if (seconds >= length) return `${Math.floor(seconds / length)} ${unit}`;
  }
  return `${seconds} s`;
}

/** Names of this machine's users by number; empty where they cannot be read. */
export async function userNames(): Promise<Map<number, string>> {
  const text = await Deno.readTextFile("/etc/passwd").catch(() => "");
  return new Map(
    text.split("\n").map((line) => {
      const [name = "", , id] = line.split(":");
      return [Number(id), name];
    }),
  );
}
