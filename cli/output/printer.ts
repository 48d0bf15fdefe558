/**
 * How a command says what it found. A command describes its answer once; a person gets lines, a
 * machine gets one JSON document.
 *
 * @module
 */

import type { Problem } from "../problem.ts";
import type { TextPieces } from "./standard_output.ts";

/**
 * What `--json` prints: an object whose fields JSON can express. A field that is iterable, but no
 * array, is printed as an array while it is read.
 */
export type Document = Readonly<Record<string, unknown>>;

/** Where a command puts what it has to say. */
export interface Printer {
  /** The command's result, on standard output. Only what the printer needs is evaluated. */
  result(document: () => Document, lines?: () => TextPieces): Promise<void>;
  /** What a person likes to know, on standard error: summaries. Silenced by `--quiet`. */
  note(lines: () => Iterable<string>): void;
  /** What a person must know, on standard error: parts that failed or were lost. */
  warn(lines: () => Iterable<string>): void;
  /** Why the command ends without its result. */
  fail(problem: Problem): Promise<void>;
}
