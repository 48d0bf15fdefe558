/**
 * Where a command stands among the others.
 *
 * @module
 */

import type { CommandUnknownOpts } from "@commander-js/extra-typings";

/** The program that `command` belongs to. */
export function rootOf(command: CommandUnknownOpts): CommandUnknownOpts {
  return command.parent === null ? command : rootOf(command.parent);
}

/** A command's name with those above it: `myfs flist ls`. */
export function commandPath(command: CommandUnknownOpts): string {
  return command.parent === null
    ? command.name()
    : `${commandPath(command.parent)} ${command.name()}`;
}
