/**
 * Runs a user's script in a Deno of its own, with this toolkit as its `"myfs"`.
 *
 * @module
 */

import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { MissingError, UsageError } from "./problem.ts";

/** The configuration whose import map says where `"myfs"` is. */
const CONFIG_PATH = fileURLToPath(new URL("../deno.json", import.meta.url));

/** What somebody sends to the process that they started, and means for the script. */
const FORWARDED_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"] as const;

/**
 * Runs the file at `script` with `args`, the standard streams shared, and answers its exit code:
 * 128 + the signal's number where a signal ended it.
 *
 * @throws {MissingError} when there is no such file.
 */
export async function runScript(script: string, args: readonly string[]): Promise<number> {
  const path = resolve(script);
  await requireFile(path, script);
  const child = new Deno.Command(Deno.execPath(), {
    // Our lock file names our packages only: it would refuse a script's own npm: imports.
    args: ["run", "--quiet", "--config", CONFIG_PATH, "--no-lock", "-A", path, ...args],
    stdin: "inherit",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn();
  const forwarders = forwardSignals(child);
  try {
    return (await child.status).code;
  } finally {
    for (const [signal, forward] of forwarders) Deno.removeSignalListener(signal, forward);
  }
}

async function requireFile(path: string, script: string): Promise<void> {
  if (Deno.build.standalone) {
    throw new UsageError("Cannot run scripts: a compiled myfs has no Deno to run them with");
  }
  try {
    if ((await Deno.stat(path)).isFile) return;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new MissingError(`There is no script at ${script}`);
  }
  throw new UsageError(`Cannot run ${script}: it is not a file`);
}

function forwardSignals(child: Deno.ChildProcess): Map<Deno.Signal, () => void> {
  const forwarders = new Map<Deno.Signal, () => void>();
  for (const signal of FORWARDED_SIGNALS) {
    const forward = (): void => {
      // A terminal sends Ctrl-C to the script as well: sent twice, it would mean "at once".
      if (signal === "SIGINT" && hasTerminal()) return;
      try {
        child.kill(signal);
      } catch {
        // It has ended by itself; its exit code is on its way.
      }
    };
    forwarders.set(signal, forward);
    Deno.addSignalListener(signal, forward);
  }
  return forwarders;
}

/** Whether this process belongs to a terminal. */
function hasTerminal(): boolean {
  try {
    Deno.openSync("/dev/tty").close();
    return true;
  } catch {
    return false;
  }
}
