/**
 * Pieces of help texts.
 *
 * @module
 */

/** One example: what it does, and the command line. */
export type Example = readonly [purpose: string, commandLine: string];

/** The text below a command's options that shows how it is used. */
export function examplesText(...examples: readonly Example[]): string {
  const lines = examples.map(([purpose, commandLine]) => `  # ${purpose}\n  ${commandLine}`);
  return `\nExamples:\n${lines.join("\n")}`;
}

/** What the exit codes mean, for the top of a program's help. */
export const EXIT_CODES_TEXT = `
Exit codes:
  0    all was done
  1    failed for a reason that no other code names
  2    wrong command line
  3    partly done: what failed was named
  10   a file, flist, path or block does not exist
  11   a block or flist is damaged, or of an unknown format
  12   permission, credentials or trust are lacking
  130  interrupted by Ctrl-C (143 by SIGTERM, 129 by SIGHUP)`;
