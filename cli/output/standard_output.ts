/**
 * Results on their way to standard output: buffered, without blocking the event loop (so that
 * Ctrl-C works while a pager holds us up), and quiet when the reader has gone.
 *
 * @module
 */

/** Anything that takes bytes as `Deno.stdout` does. */
export interface ByteSink {
  /** Takes some of `bytes` and answers how many. */
  write(bytes: Uint8Array): Promise<number>;
}

/** Text in pieces of any length. */
export type TextPieces = Iterable<string> | AsyncIterable<string>;

/** The reader of standard output has gone, as `head` does when it has seen enough. */
export class OutputClosedError extends Error {
  constructor() {
    super("Standard output is closed");
    this.name = "OutputClosedError";
  }
}

/** Characters that are gathered before they are written. */
const BUFFER_LENGTH = 65536;

/** Standard output, in order. */
export class StandardOutput {
  readonly #sink: ByteSink;
  readonly #encoder = new TextEncoder();

  constructor(sink: ByteSink = Deno.stdout) {
    this.#sink = sink;
  }

  /**
   * Writes text. What a source gave before it failed is written before its error is thrown.
   *
   * @throws {OutputClosedError} when nobody reads any more.
   * @throws the signal's reason when it is aborted.
   */
  async writeText(pieces: TextPieces, signal?: AbortSignal): Promise<void> {
    let buffer = "";
    const flush = async (): Promise<void> => {
      const bytes = this.#encoder.encode(buffer);
      buffer = "";
      await this.#writeAll(bytes);
    };
    try {
      // Synchronous sources must not pay for a promise on every line.
      if (Symbol.iterator in pieces) {
        for (const piece of pieces) {
          buffer += piece;
          if (buffer.length < BUFFER_LENGTH) continue;
          await flush();
          signal?.throwIfAborted();
        }
      } else {
        for await (const piece of pieces) {
          buffer += piece;
          if (buffer.length < BUFFER_LENGTH) continue;
          await flush();
          signal?.throwIfAborted();
        }
      }
    } finally {
      await flush();
    }
  }

  /**
   * Writes bytes as they come.
   *
   * @throws {OutputClosedError} when nobody reads any more.
   * @throws the signal's reason when it is aborted.
   */
  async writeBytes(parts: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<void> {
    for await (const part of parts) {
      await this.#writeAll(part);
      signal?.throwIfAborted();
    }
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < bytes.length;) at += await this.#sink.write(bytes.subarray(at));
    } catch (error) {
      if (error instanceof Deno.errors.BrokenPipe) throw new OutputClosedError();
      if (!(error instanceof Error)) throw error;
      throw Object.assign(new Error(`Cannot write to standard output: ${error.message}`), {
        code: (error as { readonly code?: string }).code ?? "EIO",
        cause: error,
      });
    }
  }
}
