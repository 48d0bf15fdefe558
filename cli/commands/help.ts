/**
 * `help`: what `--help` prints, for those who ask the other way round.
 *
 * @module
 */

import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { commandPath, rootOf } from "../command_path.ts";
import { UsageError } from "../problem.ts";

/** Makes the command. */
export function helpCommand(): CommandUnknownOpts {
  const command = new Command("help")
    .summary("print help of a command")
    .description("Prints what a command does and which options it has.")
    .usage("[command...]")
    .argument("[command...]", "such as: flist ls");
  return command.action((names) => {
    let at = rootOf(command);
    for (const name of names) {
      const next = at.commands.find((child) => child.name() === name);
      if (next === undefined) {
        throw new UsageError(
          `Unknown command '${name}'`,
          `'${commandPath(at)} --help' shows what there is.`,
        );
      }
      at = next;
    }
    at.help();
  });
}
