/**
 * `myfs mount --daemon`: the same command again in a process of its own session, which outlives this
 * one and says when the mount answers.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { EXIT_CODE } from "./exit_codes.ts";
import { writeStderr } from "./session.ts";

/**
 * Answers live for less than a millisecond, so that little room for new objects is enough: three
 * threads with the usual 16 MiB each take 40 MB more and are no faster.
 */
const V8_FLAGS = "--v8-flags=--max-semi-space-size=2,--min-semi-space-size=1";

/** Set for the process in the background: it has a starter that waits for a word. */
const STARTER_VARIABLE = "MYFS_MOUNT_STARTER";

/** What it says when the mount answers. */
const READY = "ready\n";

/**
 * Starts the command that this process was given again, in the background, and waits until its mount
 * answers, or it has failed; what it writes until then is passed on.
 *
 * @param onReady Told the id of the process that serves the mount, once it answers.
 * @returns The exit code: 0, or the one that it failed with.
 */
export async function startDaemon(onReady: (pid: number) => Promise<void>): Promise<number> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [...launchArgs(), ...Deno.args.filter((arg) => arg !== "--daemon" && arg !== "-d")],
    env: { [STARTER_VARIABLE]: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    detached: true,
  }).spawn();
  let output = "";
  const decoder = new TextDecoder();
  const errors = passOn(child.stderr);
  for await (const piece of child.stdout) {
    output += decoder.decode(piece, { stream: true });
    if (output !== READY) continue;
    child.unref();
    await onReady(child.pid);
    return EXIT_CODE.ok;
  }
  // It ended without a mount, and said why.
  await errors;
  if (output !== "") Deno.stdout.writeSync(new TextEncoder().encode(output));
  const { code } = await child.status;
  return code === EXIT_CODE.ok ? EXIT_CODE.failed : code;
}

/** Whether this process is the one in the background. */
export function isDaemon(): boolean {
  return Deno.env.get(STARTER_VARIABLE) === "1";
}

/** Says that the mount answers to the process that waits for it, where there is one. */
export function tellStarter(): void {
  if (!isDaemon()) return;
  Deno.stdout.writeSync(new TextEncoder().encode(READY));
}

/** The command that serves the mount on when this process has been killed: its own, again. */
export function successorCommand(): string[] {
  const [verb, ...args] = Deno.args.filter((arg) => arg !== "--takeover");
  return [Deno.execPath(), ...launchArgs(), verb!, "--takeover", ...args];
}

/** What comes before a program's own arguments. */
function launchArgs(): string[] {
  if (Deno.build.standalone) return [];
  return ["run", "--quiet", "-A", V8_FLAGS, fileURLToPath(Deno.mainModule)];
}

async function passOn(stream: ReadableStream<Uint8Array>): Promise<void> {
  const decoder = new TextDecoder();
  for await (const piece of stream) writeStderr(decoder.decode(piece, { stream: true }));
}
