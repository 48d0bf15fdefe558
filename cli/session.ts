/**
 * What a running command has: its printer, its progress bar, and the signal that says when to stop.
 *
 * @module
 */

import type { ProgressListener } from "myfs";
import { JsonPrinter } from "./output/json_printer.ts";
import type { Document, Printer } from "./output/printer.ts";
import { ProgressBar } from "./output/progress_bar.ts";
import { OutputClosedError, StandardOutput, type TextPieces } from "./output/standard_output.ts";
import { TextPrinter } from "./output/text_printer.ts";
import type { ExitCode } from "./exit_codes.ts";
import type { Problem } from "./problem.ts";

/** The options that every command has. */
export interface CommonOptions {
  /** One JSON document instead of text. */
  readonly json?: boolean;
  /** No progress and no summary. */
  readonly quiet?: boolean;
}

/** Does a command's work and answers the process's exit code. */
export type CommandHandler = (session: Session) => Promise<number>;

/** How a command wants to be run, where it differs from the others. */
export interface ExecuteOptions {
  /** What an interrupted user wants to know: what is left, and what can be used again. */
  readonly onInterrupt?: string;
  /** The command handles signals itself. @default false */
  readonly ownSignals?: boolean;
  /** What a failure without an exit code of its own ends with. @default EXIT_CODE.failed */
  readonly failedExitCode?: ExitCode;
}

/** Runs a command's handler with a session; `main.ts` provides it. */
export type Execute = (
  options: CommonOptions,
  handler: CommandHandler,
  executeOptions?: ExecuteOptions,
) => Promise<void>;

/** One run of one command. */
export class Session implements Printer {
  /** Aborted when the user or the system wants the command to end. */
  readonly signal: AbortSignal;
  /** Takes progress; draws it where somebody looks. */
  readonly onProgress: ProgressListener;
  /** Standard output, for commands that write bytes. */
  readonly stdout = new StandardOutput();
  readonly #printer: Printer;
  readonly #progressBar: ProgressBar | undefined;

  constructor(options: CommonOptions, signal: AbortSignal) {
    this.signal = signal;
    const { stdout } = this;
    const watched = Deno.stderr.isTerminal() && Deno.env.get("TERM") !== "dumb";
    this.#printer = options.json === true ? new JsonPrinter({ stdout, signal }) : new TextPrinter({
      stdout,
      stderr: writeStderr,
      quiet: options.quiet === true,
      color: watched && !Deno.noColor,
      signal,
    });
    if (watched && options.json !== true && options.quiet !== true) {
      this.#progressBar = new ProgressBar({ write: writeStderr, columns: terminalColumns });
    }
    this.onProgress = (event) => this.#progressBar?.update(event);
  }

  async result(document: () => Document, lines?: () => TextPieces): Promise<void> {
    this.clearProgress();
    try {
      await this.#printer.result(document, lines);
    } catch (error) {
      // Nobody reads the rest, but the exit code still says what was found.
      if (!(error instanceof OutputClosedError)) throw error;
    }
  }

  note(lines: () => Iterable<string>): void {
    this.clearProgress();
    this.#printer.note(lines);
  }

  warn(lines: () => Iterable<string>): void {
    this.clearProgress();
    this.#printer.warn(lines);
  }

  fail(problem: Problem): Promise<void> {
    this.clearProgress();
    return this.#printer.fail(problem);
  }

  /** Takes the progress bar away. */
  clearProgress(): void {
    this.#progressBar?.clear();
  }
}

/** Puts text on standard error at once. A standard error that is closed takes nothing. */
export function writeStderr(text: string): void {
  const bytes = new TextEncoder().encode(text);
  try {
    for (let at = 0; at < bytes.length;) at += Deno.stderr.writeSync(bytes.subarray(at));
  } catch {
    // There is nobody left to tell.
  }
}

/** Width of the terminal in columns; 80 where it cannot be told. */
export function terminalColumns(): number {
  try {
    return Deno.consoleSize().columns || 80;
  } catch {
    return 80;
  }
}
