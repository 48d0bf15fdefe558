/**
 * Whether anybody answers for a mount, found out without ever waiting for one that does not.
 *
 * @module
 */

import { encodeByteString } from "../base/byte_string.ts";

/** How long a mount may take to show that somebody serves it. */
const ANSWER_MS_MAX = 1000;

/**
 * What a look at a mount showed: `"alive"` when it is served, `"stale"` when its process is gone,
 * `"hanging"` when it did not answer within a second, `"hidden"` when this user may not look.
 */
export type MountProbe = "alive" | "stale" | "hanging" | "hidden";

/**
 * Looks at a mount. Another program does, because whoever asks a mount that hangs may not get away
 * again, not even by being killed.
 *
 * @param target The directory, a byte string.
 */
export async function probeMount(target: string): Promise<MountProbe> {
  // A name that the kernel cannot have an answer for yet.
  const path = `${target}/.myfs-${crypto.randomUUID()}`;
  const process = new Deno.Command("/bin/sh", {
    // Arguments are text, and names need not be: `%b` of printf makes bytes of octal numbers.
    args: ["-c", 'exec stat -- "$(printf %b "$1")"', "sh", octal(path)],
    env: { LC_ALL: "C" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<"late">((settle) => {
    timer = setTimeout(() => settle("late"), ANSWER_MS_MAX);
  });
  const answer = new Response(process.stderr).text();
  try {
    const text = await Promise.race([answer, late]);
    if (text === "late") return "hanging";
    if (text.includes("Transport endpoint is not connected")) return "stale";
    return text.includes("Permission denied") ? "hidden" : "alive";
  } finally {
    clearTimeout(timer);
    await giveUp(process, answer);
  }
}

/** Ends a program without waiting for its end, which may never come. */
async function giveUp(process: Deno.ChildProcess, answer: Promise<string>): Promise<void> {
  try {
    process.kill("SIGKILL");
  } catch {
    // It has ended.
  }
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((settle) => {
    timer = setTimeout(settle, ANSWER_MS_MAX);
  });
  await Promise.race([Promise.all([process.status, answer.catch(() => "")]), late]);
  clearTimeout(timer);
  process.unref();
}

function octal(text: string): string {
  return Array.from(
    encodeByteString(text),
    (byte) => `\\0${byte.toString(8).padStart(3, "0")}`,
  ).join("");
}
