/**
 * Results that may be incomplete.
 *
 * @module
 */

import type { Failure, Loss } from "myfs";
import { EXIT_CODE, type ExitCode } from "./exit_codes.ts";
import { failureLines, lossLines } from "./output/failures.ts";
import type { Printer } from "./output/printer.ts";

/** The part of a report that says what is missing from the result. */
export interface PartialResult {
  /** Parts that failed while the others were done. */
  readonly failures: readonly Failure[];
  /** What a profile, a system or a user's rights could not keep. */
  readonly losses: readonly Loss[];
}

/** Names what is missing, and answers the exit code that says whether anything failed. */
export function warnOfGaps(printer: Printer, result: PartialResult): ExitCode {
  printer.warn(() => lossLines(result.losses));
  printer.warn(() => failureLines(result.failures));
  return result.failures.length === 0 ? EXIT_CODE.ok : EXIT_CODE.partly;
}
