/**
 * `myfs mount --daemon`: the same command again in a process of its own session, which outlives this
 * one and says when the mount answers.
 *
 * @module
 */

/**
 * Answers live for less than a millisecond, so that little room for new objects is enough: three
 * threads with the usual 16 MiB each take 40 MB more and are no faster.
 */
const V8_FLAGS = "--v8-flags=--max-semi-space-size=2,--min-semi-space-size=1";

/**
 * One pool of memory for all threads (mallopt(3)). With one each, what a thread has given back stays
 * with it: a mount of a million files, and a gigabyte read, takes 15 MB more then.
 */
const MEMORY_VARIABLES = { MALLOC_ARENA_MAX: "1" };

/** Options of `myfs mount` that take no value, or only one that does not look like an option. */
export const MOUNT_SWITCHES: readonly string[] = [
  "-d",
  "--daemon",
  "--takeover",
  "--allow-other",
  "--no-allow-other",
  "--trust-routes",
  "-q",
  "--quiet",
  "--json",
  "--cache",
  "--no-cache",
];

/** Set for the process in the background: it has a starter that waits for a word. */
const STARTER_VARIABLE = "MYFS_MOUNT_STARTER";

/** What it says when the mount answers, and what its starter is to print then. */
const READY = /^ready(?: (.*))?\n$/;

/** Whether these are the arguments of a mount, of which no help is asked for. */
export function startsMount(args: readonly string[]): boolean {
  return args[0] === "mount" && !args.includes("-h") && !args.includes("--help");
}

/**
 * Whether these are the arguments of a mount in the background, as far as that is plain to see: the
 * command itself finds out in any case, after it has been loaded.
 */
export function startsDaemon(args: readonly string[]): boolean {
  if (!startsMount(args) || isDaemon() || args.includes("--")) return false;
  return args.some((arg, index) => {
    if (arg !== "--daemon" && arg !== "-d") return false;
    const before = args[index - 1]!;
    // After any other option it is that option's value.
    return !before.startsWith("-") || before.includes("=") || MOUNT_SWITCHES.includes(before);
  });
}

/**
 * Starts the command that this process was given again, in the background, and waits until its mount
 * answers, or it has failed; what it writes until then is passed on.
 *
 * @returns The exit code: 0, or the one that it failed with.
 */
export async function startDaemon(): Promise<number> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [...launchArgs(), ...Deno.args],
    env: { ...MEMORY_VARIABLES, [STARTER_VARIABLE]: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    detached: true,
  }).spawn();
  for (const signal of ["SIGHUP", "SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => {
      // It may have ended meanwhile.
      try {
        child.kill(signal);
      } catch { /* Then it says why. */ }
    });
  }
  let output = "";
  const decoder = new TextDecoder();
  const errors = passOn(child.stderr);
  for await (const piece of child.stdout) {
    output += decoder.decode(piece, { stream: true });
    const word = READY.exec(output);
    if (word === null) continue;
    child.unref();
    if (word[1] !== undefined) Deno.stdout.writeSync(new TextEncoder().encode(`${word[1]}\n`));
    return 0;
  }
  // It ended without a mount, and said why.
  await errors;
  if (output !== "") Deno.stdout.writeSync(new TextEncoder().encode(output));
  const { code } = await child.status;
  return code === 0 ? 1 : code;
}

/** Whether this process is the one in the background. */
export function isDaemon(): boolean {
  return Deno.env.get(STARTER_VARIABLE) === "1";
}

/**
 * Says that the mount answers to the process that waits for it, where there is one.
 *
 * @param document What that one prints as JSON, if anything.
 */
export function tellStarter(document?: Readonly<Record<string, unknown>>): void {
  if (!isDaemon()) return;
  const line = document === undefined ? "ready\n" : `ready ${JSON.stringify(document)}\n`;
  const bytes = new TextEncoder().encode(line);
  for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
}

/** The command that serves the mount on when this process has been killed: its own, again. */
export function successorCommand(): string[] {
  const [verb, ...args] = Deno.args.filter((arg) => arg !== "--takeover");
  return [Deno.execPath(), ...launchArgs(), verb!, "--takeover", ...args];
}

/** What comes before a program's own arguments. */
function launchArgs(): string[] {
  if (Deno.build.standalone) return [];
  return ["run", "--quiet", "-A", V8_FLAGS, decodeURIComponent(new URL(Deno.mainModule).pathname)];
}

async function passOn(stream: ReadableStream<Uint8Array>): Promise<void> {
  try {
    for await (const piece of stream) {
      for (let at = 0; at < piece.length;) at += Deno.stderr.writeSync(piece.subarray(at));
    }
  } catch {
    // There is nobody left to tell.
  }
}
