/**
 * Comparisons of two trees by programs of the system, where it has them. They see what Deno does
 * not: nanoseconds, names that are not UTF-8, access control lists and extended attributes.
 *
 * @module
 */

/** What a program found. */
export type Proof =
  | { readonly kind: "equal" }
  | { readonly kind: "different"; readonly examples: readonly string[] }
  | { readonly kind: "skipped"; readonly why: string };

/** Which trees, and what counts. */
export interface ProofOptions {
  /** Whether owners count. */
  readonly owners: boolean;
  /** Whether rsync reads the files. @default {true} */
  readonly content?: boolean;
  /** Stops the program. */
  readonly signal: AbortSignal;
}

const EXAMPLES_MAX = 5;

/** Compares names byte for byte, kinds, modes, sizes, link targets and times to the nanosecond. */
export async function proveWithFind(
  left: string,
  right: string,
  { owners, signal }: ProofOptions,
): Promise<Proof> {
  const facts = `%P %y %m %T@${owners ? " %U:%G" : ""}`;
  // What a directory's size means depends on the file system.
  const expression = ["(", "-type", "d", "-printf", `${facts}\\0`, ")", "-o"];
  expression.push("-printf", `${facts} %s %l\\0`);
  const listings: Set<string>[] = [];
  for (const tree of [left, right]) {
    const output = await run("find", [tree, ...expression], signal);
    if (output.kind === "skipped") return output;
    listings.push(new Set(new TextDecoder("latin1").decode(output.stdout).split("\0")));
  }
  const differences = [...listings[0]!.symmetricDifference(listings[1]!)];
  if (differences.length === 0) return { kind: "equal" };
  // Names may hold anything, and a terminal obeys what is printed on it.
  const examples = differences.slice(0, EXAMPLES_MAX).map((line) => JSON.stringify(line));
  return { kind: "different", examples };
}

/** Asks rsync what it would have to do to make `right` like `left`, attributes and all. */
export async function proveWithRsync(
  left: string,
  right: string,
  { owners, content = true, signal }: ProofOptions,
): Promise<Proof> {
  const flags = ["-aHAXn", "--itemize-changes", "--delete"];
  if (content) flags.push("--checksum");
  if (!owners) flags.push("--no-owner", "--no-group");
  const output = await run("rsync", [...flags, `${left}/`, `${right}/`], signal);
  if (output.kind === "skipped") return output;
  const lines = new TextDecoder().decode(output.stdout).split("\n").filter((line) => line !== "");
  if (lines.length === 0) return { kind: "equal" };
  return { kind: "different", examples: lines.slice(0, EXAMPLES_MAX) };
}

async function run(
  program: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<
  | { readonly kind: "done"; readonly stdout: Uint8Array }
  | { readonly kind: "skipped"; readonly why: string }
> {
  let output: Deno.CommandOutput;
  try {
    const env = { LC_ALL: "C" };
    output = await new Deno.Command(program, { args: [...args], env, signal }).output();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return { kind: "skipped", why: `there is no ${program} here` };
  }
  signal.throwIfAborted();
  if (output.success) return { kind: "done", stdout: output.stdout };
  const [reason] = new TextDecoder().decode(output.stderr).split("\n");
  return { kind: "skipped", why: `${program} failed: ${reason}` };
}
