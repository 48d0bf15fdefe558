/**
 * One call of the public API in a process of its own, to be run by another user, under a tracer, or
 * to be killed. The argument is the call in JSON; the answer, or the error, is a line of JSON.
 *
 * @module
 */

import {
  checkImage,
  type CommitOptions,
  commitOverlay,
  MyfsError,
  packDirectory,
  type PackOptions,
  unpackImage,
} from "../../mod.ts";

/** The calls there are, with their arguments. */
export type ApiCall =
  | readonly ["pack", source: string, options: Omit<PackOptions, "store"> & { store: string }]
  | readonly ["unpack", meta: string, target: string, options: Record<string, unknown>]
  | readonly ["commit", upper: string, options: CommitOptions]
  | readonly ["check", meta: string, options: Record<string, unknown>];

/** An error as it comes out of the process. */
export interface ApiProblem {
  readonly name: string;
  readonly code: string | undefined;
  readonly message: string;
}

function run(call: ApiCall): Promise<unknown> {
  switch (call[0]) {
    case "pack":
      return packDirectory(call[1], call[2]);
    case "unpack":
      return unpackImage(call[1], call[2], call[3]);
    case "commit":
      return commitOverlay(call[1], call[2]);
    case "check":
      return checkImage(call[1], call[2]);
  }
}

if (import.meta.main) {
  let answer: unknown;
  try {
    answer = { report: await run(JSON.parse(Deno.args[0]!) as ApiCall) };
  } catch (error) {
    const { name, message } = error as Error;
    const code = error instanceof MyfsError ? error.code : undefined;
    answer = { problem: { name, code, message } };
  }
  await Deno.stdout.write(new TextEncoder().encode(`${JSON.stringify(answer)}\n`));
}
