/**
 * Answers for a person.
 *
 * @module
 */

import type { Problem } from "../problem.ts";
import { escapeControls } from "./escape.ts";
import type { Document, Printer } from "./printer.ts";
import { failureLines } from "./failures.ts";
import type { StandardOutput, TextPieces } from "./standard_output.ts";

/** What a text printer prints on, and how. */
export interface TextPrinterOptions {
  /** Takes results. */
  readonly stdout: StandardOutput;
  /** Takes everything else, as it is. */
  readonly stderr: (text: string) => void;
  /** No summaries. */
  readonly quiet: boolean;
  /** Whether what goes to `stderr` may be coloured. */
  readonly color: boolean;
  /** Stops long results. */
  readonly signal?: AbortSignal;
}

const RED = "31";
const CYAN = "36";

/** Prints lines: results to standard output, the rest to standard error. */
export class TextPrinter implements Printer {
  readonly #options: TextPrinterOptions;

  constructor(options: TextPrinterOptions) {
    this.#options = options;
  }

  async result(_document: () => Document, lines?: () => TextPieces): Promise<void> {
    if (lines === undefined) return;
    await this.#options.stdout.writeText(terminated(lines()), this.#options.signal);
  }

  note(lines: () => Iterable<string>): void {
    if (!this.#options.quiet) this.warn(lines);
  }

  warn(lines: () => Iterable<string>): void {
    for (const line of lines()) this.#options.stderr(`${escapeControls(line)}\n`);
  }

  fail(problem: Problem): Promise<void> {
    if (problem.code !== "interrupted") {
      this.#labelled("error", RED, problem.message);
    } else {
      this.warn(() => [problem.message]);
    }
    this.warn(() => failureLines(problem.failures ?? []));
    if (problem.hint !== undefined) this.#labelled("hint", CYAN, problem.hint);
    return Promise.resolve();
  }

  #labelled(label: string, color: string, text: string): void {
    const shown = this.#options.color ? `\x1b[${color}m${label}:\x1b[0m` : `${label}:`;
    this.#options.stderr(`${shown} ${escapeControls(text)}\n`);
  }
}

function terminated(lines: TextPieces): TextPieces {
  return Symbol.iterator in lines ? terminatedNow(lines) : terminatedLater(lines);
}

function* terminatedNow(lines: Iterable<string>): Generator<string> {
  for (const line of lines) yield `${line}\n`;
}

async function* terminatedLater(lines: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const line of lines) yield `${line}\n`;
}
