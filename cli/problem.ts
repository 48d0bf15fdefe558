/**
 * Errors as the command line shows them: a stable code, one sentence, and what to do about it.
 *
 * @module
 */

import type { Failure } from "myfs";

/** The command line was wrong. */
export class UsageError extends Error {
  /** Stable name of the failure. */
  readonly code = "usage";
  /** What to do about it. */
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.name = "UsageError";
    this.hint = hint;
  }

  /** This error, with `hint` where it has none. */
  withHint(hint: string): UsageError {
    return this.hint === undefined ? new UsageError(this.message, hint) : this;
  }
}

/** Something that the command line names does not exist. */
export class MissingError extends Error {
  /** Stable name of the failure. */
  readonly code = "missing";

  constructor(message: string) {
    super(message);
    this.name = "MissingError";
  }
}

/** What `--json` prints as `error`, and the text printer as one line and a hint. */
export interface Problem {
  /** The error's stable code: the library's, or `usage`, `missing`, `interrupted`, `internal`. */
  readonly code: string;
  /** One sentence without a final period. */
  readonly message: string;
  /** What the user can do, where that is known. */
  readonly hint?: string;
  /** The parts that failed, where the others were done. */
  readonly failures?: readonly Failure[];
}

const INTERNAL_HINT = "This looks like a fault in myfs: MYFS_DEBUG=1 shows where it happened.";

/** Describes anything thrown. */
export function describeProblem(error: unknown): Problem {
  if (!(error instanceof Error)) {
    return { code: "internal", message: String(error), hint: INTERNAL_HINT };
  }
  const { hint, failures, code } = error as {
    readonly hint?: string;
    readonly failures?: readonly Failure[];
    readonly code?: unknown;
  };
  const known = stableCode(error, code);
  return {
    code: known,
    message: known === "system" ? sentenceOf(error.message) : error.message,
    ...(known === "internal" ? { hint: INTERNAL_HINT } : hint === undefined ? {} : { hint }),
    ...(failures === undefined ? {} : { failures }),
  };
}

/** What the runtime's operations are called in a sentence, where their own names say little. */
const OPERATIONS: Readonly<Record<string, string>> = {
  copy: "copy",
  mkdir: "make",
  readfile: "read",
  rename: "rename",
  stat: "look at",
  writefile: "write",
};

/**
 * The runtime's `No such file or directory (os error 2): stat 'a'` as a sentence of ours; other
 * messages as they are.
 */
function sentenceOf(message: string): string {
  const match = /^(.+?) \(os error \d+\): (\w+) '(.+)'$/.exec(message);
  if (match === null) return message;
  const [, reason, operation, path] = match;
  const verb = OPERATIONS[operation!] ?? operation!;
  const what = path!.replace("' -> '", " to ");
  return `Cannot ${verb} ${what}: ${reason!.charAt(0).toLowerCase()}${reason!.slice(1)}`;
}

function stableCode(error: Error, code: unknown): string {
  // The library's wrong arguments: text that does not parse, numbers out of range.
  if (error instanceof SyntaxError || error instanceof RangeError) return "usage";
  if (typeof code !== "string") return "internal";
  // The runtime's own errors carry a POSIX name such as ENOENT.
  return /^E[A-Z0-9]+$/.test(code) ? "system" : code;
}
