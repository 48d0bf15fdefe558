/**
 * Programs that look at a mount: they are ended when they do not end, so that a mount that hangs
 * does not hang the tests.
 *
 * @module
 */

import assert from "node:assert/strict";

/** What a program left behind. */
export interface ProgramResult {
  readonly code: number;
  readonly stdout: Uint8Array<ArrayBuffer>;
  readonly stderr: string;
}

/** Runs a program that has a minute. */
export async function tryProgram(command: string, ...args: string[]): Promise<ProgramResult> {
  const { code, stdout, stderr } = await new Deno.Command("timeout", {
    args: ["--signal=KILL", "60", command, ...args],
    env: { LC_ALL: "C" },
  }).output();
  return { code, stdout, stderr: new TextDecoder().decode(stderr) };
}

/** Output of a program that must succeed. */
export async function runProgram(command: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await tryProgram(command, ...args);
  assert.equal(code, 0, `${command} ${args.join(" ")}: ${stderr}`);
  return new TextDecoder().decode(stdout);
}
