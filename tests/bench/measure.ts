/**
 * Runs a program and measures it with GNU time.
 *
 * @module
 */

/** A program to run. Paths are absolute. */
export interface Command {
  readonly argv: readonly [program: string, ...rest: string[]];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** What one run of a program took. */
export interface Measurement {
  readonly wallSeconds: number;
  /** User and system time of the program and of all children that it waited for. */
  readonly cpuSeconds: number;
  /** Largest resident set of any single process of the run: of a pipeline, its largest part. */
  readonly peakMemoryBytes: number;
}

const decoder = new TextDecoder();

/** Runs `command` to its end, unmeasured. @throws {Error} with its output when it fails. */
export async function run({ argv, env, cwd }: Command): Promise<string> {
  const [program, ...args] = argv;
  const { success, code, stdout, stderr } = await new Deno.Command(program, {
    args,
    stdin: "null",
    ...(env === undefined ? {} : { env }),
    ...(cwd === undefined ? {} : { cwd }),
  }).output();
  if (!success) {
    const output = decoder.decode(stderr).slice(-2000);
    throw new Error(`Cannot run ${argv.join(" ")}: exit code ${code}\n${output}`);
  }
  return decoder.decode(stdout);
}

/**
 * Runs `command` and measures it.
 *
 * What earlier runs wrote is brought to disk first, so that this run does not pay for it.
 *
 * @param scratch A folder on the file system that is written to.
 * @throws {Error} when the program fails.
 */
export async function measure(command: Command, scratch: string): Promise<Measurement> {
  await run({ argv: ["sync", "-f", scratch] });
  const notesFile = `${scratch}/time.txt`;
  const startedMs = performance.now();
  await run({
    ...command,
    // GNU time (Debian: time), for the shell's own knows no memory.
    argv: ["time", "--quiet", "-o", notesFile, "-f", "%U %S %M", ...command.argv],
  });
  const wallSeconds = (performance.now() - startedMs) / 1000;
  const [user, system, kibibytes] = (await Deno.readTextFile(notesFile)).split(" ").map(Number);
  return { wallSeconds, cpuSeconds: user! + system!, peakMemoryBytes: kibibytes! * 1024 };
}

/** The middle value; of an even number of values, the mean of the middle two. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const upper = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[upper]! : (sorted[upper - 1]! + sorted[upper]!) / 2;
}

/** The median of each figure. */
export function medianOf(measurements: readonly Measurement[]): Measurement {
  const of = (figure: keyof Measurement): number => median(measurements.map((one) => one[figure]));
  return {
    wallSeconds: of("wallSeconds"),
    cpuSeconds: of("cpuSeconds"),
    peakMemoryBytes: of("peakMemoryBytes"),
  };
}
