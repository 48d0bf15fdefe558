/**
 * Answers for a machine: one JSON document on standard output, whatever happens. `cli/README.md`
 * documents the fields.
 *
 * @module
 */

import type { Problem } from "../problem.ts";
import { stringifySafely } from "./escape.ts";
import type { Document, Printer } from "./printer.ts";
import type { StandardOutput } from "./standard_output.ts";

/** What a JSON printer prints on. */
export interface JsonPrinterOptions {
  /** Takes the document. */
  readonly stdout: StandardOutput;
  /** Stops long documents. */
  readonly signal?: AbortSignal;
}

/** Prints one JSON document. */
export class JsonPrinter implements Printer {
  readonly #stdout: StandardOutput;
  readonly #signal: AbortSignal | undefined;
  /** How far the document is: what its end must close. */
  #state: "unopened" | "empty" | "fields" | "array" | "done" = "unopened";

  constructor(options: JsonPrinterOptions) {
    this.#stdout = options.stdout;
    this.#signal = options.signal;
  }

  async result(document: () => Document): Promise<void> {
    await this.#stdout.writeText(this.#pieces(document()), this.#signal);
    this.#state = "done";
  }

  note(): void {}

  warn(): void {}

  /** Prints `{"error": …}`, or adds the error to the document that was under way. */
  async fail(problem: Problem): Promise<void> {
    const error = `"error":${stringifySafely(problem)}`;
    const start = { unopened: "{", empty: "", fields: ",", array: "],", done: "" }[this.#state];
    // A result that is already out stands; the exit code says the rest.
    if (this.#state !== "done") await this.#stdout.writeText([`${start}${error}}\n`]);
    this.#state = "done";
  }

  async *#pieces(document: Document): AsyncGenerator<string> {
    yield "{";
    this.#state = "empty";
    let separator = "";
    for (const [name, value] of Object.entries(document)) {
      if (value === undefined) continue;
      const field = `${separator}${stringifySafely(name)}:`;
      separator = ",";
      if (!isStream(value)) {
        yield field + stringifySafely(value);
        this.#state = "fields";
        continue;
      }
      yield `${field}[`;
      this.#state = "array";
      let comma = "";
      for await (const item of value) {
        yield comma + stringifySafely(item);
        comma = ",";
      }
      yield "]";
      this.#state = "fields";
    }
    yield "}\n";
  }
}

function isStream(value: unknown): value is Iterable<unknown> | AsyncIterable<unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    (Symbol.iterator in value || Symbol.asyncIterator in value);
}
