/**
 * The order in which programs first used the blocks of an image, as a file that another machine can
 * start with.
 *
 * The format is JSON lines: first `{"myfsTrace":1}`, then `{"block":"<id>"}` for each block, in the
 * order of first use. A trace holds ids and no keys: it opens nothing.
 *
 * @module
 */

import { type BlockId, parseBlockId } from "../block/block_ref.ts";

const VERSION = 1;

/** Largest trace that is read, in bytes: some 700,000 blocks. */
export const USE_TRACE_SIZE_MAX = 64 * 1024 * 1024;

/** A trace as text. */
export function formatUseTrace(blocks: Iterable<BlockId>): string {
  let text = `${JSON.stringify({ myfsTrace: VERSION })}\n`;
  for (const block of blocks) text += `${JSON.stringify({ block })}\n`;
  return text;
}

/**
 * The blocks of a trace, each once. Whatever else a line says is left to later versions.
 *
 * @throws {SyntaxError} naming the line when it is no trace, or of another version.
 */
export function parseUseTrace(text: string): BlockId[] {
  if (text.length > USE_TRACE_SIZE_MAX) {
    throw new SyntaxError(`Cannot read the trace: it has more than ${USE_TRACE_SIZE_MAX} bytes`);
  }
  const blocks = new Set<BlockId>();
  let start = 0;
  for (let line = 1; start < text.length; line++) {
    const found = text.indexOf("\n", start);
    const end = found < 0 ? text.length : found;
    const value = objectOf(text.slice(start, end), line);
    start = end + 1;
    if (line === 1) {
      if (value["myfsTrace"] === VERSION) continue;
      throw new SyntaxError(`Cannot read the trace: line 1 does not say {"myfsTrace":${VERSION}}`);
    }
    const { block } = value;
    if (typeof block !== "string") {
      throw new SyntaxError(`Cannot read the trace: line ${line} names no block`);
    }
    blocks.add(parseBlockId(block));
  }
  if (start === 0) throw new SyntaxError("Cannot read the trace: it is empty");
  return [...blocks];
}

function objectOf(text: string, line: number): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new SyntaxError(`Cannot read the trace: line ${line} is not JSON`, { cause });
  }
  if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  throw new SyntaxError(`Cannot read the trace: line ${line} is no object`);
}
