/**
 * The process in which an image is converted, apart from the one that serves. It reads its task from
 * standard input, and ends when that ends: so none outlives its hub.
 *
 * @module
 */

import { setPriority } from "node:os";
import { runConversion } from "./conversion.ts";
import type { ConversionTask } from "./conversion_task.ts";

/** Of what runs beside it, the one that serves goes first. */
const NICENESS = 5;

/** Longest task, in characters: an identity token may have some. */
const TASK_LENGTH_MAX = 16 * 2 ** 20;

if (import.meta.main) {
  try {
    setPriority(NICENESS);
  } catch {
    // A courtesy: it works without.
  }
  const ending = new AbortController();
  const input = Deno.stdin.readable.pipeThrough(new TextDecoderStream()).getReader();
  const task = await readTask(input);
  void untilEnd(input).finally(() => ending.abort(new Error("The hub wants it to end")));
  const signal = ending.signal;
  await runConversion(task, { signal, onFault: tell });
  Deno.exit(ending.signal.aborted ? 1 : 0);
}

/** Tells the hub, whose log takes it. */
function tell(text: string): void {
  const bytes = new TextEncoder().encode(`${text}\n`);
  for (let at = 0; at < bytes.length;) at += Deno.stderr.writeSync(bytes.subarray(at));
}

async function readTask(input: ReadableStreamDefaultReader<string>): Promise<ConversionTask> {
  let text = "";
  while (!text.includes("\n") && text.length <= TASK_LENGTH_MAX) {
    const { done, value } = await input.read();
    if (done) break;
    text += value;
  }
  return JSON.parse(text) as ConversionTask;
}

async function untilEnd(input: ReadableStreamDefaultReader<string>): Promise<void> {
  for (;;) {
    const { done } = await input.read();
    if (done) return;
  }
}
