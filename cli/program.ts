/**
 * What the three programs have in common.
 *
 * @module
 */

import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import config from "../deno.json" with { type: "json" };
import { helpCommand } from "./commands/help.ts";
import { type Example, examplesText, EXIT_CODES_TEXT } from "./help.ts";

/** What a program is. */
export interface ProgramOptions {
  readonly name: string;
  readonly description: string;
  readonly commands: readonly CommandUnknownOpts[];
  readonly examples: readonly Example[];
}

/** A program with its help, its version, and what its exit codes mean. */
export function createProgram(options: ProgramOptions): CommandUnknownOpts {
  const program = new Command(options.name)
    .description(options.description)
    .version(`${options.name} ${config.version}`, "-V, --version", "print the version")
    // Options belong to the command that they follow: `myfs run` hands on all that come later.
    .enablePositionalOptions()
    .addHelpText("after", examplesText(...options.examples))
    .addHelpText("after", EXIT_CODES_TEXT) as CommandUnknownOpts;
  for (const command of [...options.commands, helpCommand()]) program.addCommand(command);
  return program;
}
