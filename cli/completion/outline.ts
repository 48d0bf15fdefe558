/**
 * What a shell must know to complete a command line: every command with its options and operands,
 * read off the commands themselves, so that it cannot fall behind them.
 *
 * @module
 */

import type { CommandUnknownOpts } from "@commander-js/extra-typings";

/** What stands for a value: names of files, of directories, or nothing that a shell knows. */
export type ValueKind = "file" | "directory" | "other";

/** An option. */
export interface OptionOutline {
  /** Such as `-m` and `--meta`. */
  readonly names: readonly string[];
  readonly summary: string;
  /** What follows it; undefined where nothing does. */
  readonly value?: ValueKind;
  /** The only values that it takes, where they are known. */
  readonly choices?: readonly string[];
}

/** A command. */
export interface CommandOutline {
  /** Its names from the program on: `["myfs", "flist", "ls"]`. */
  readonly path: readonly string[];
  readonly summary: string;
  readonly options: readonly OptionOutline[];
  /** The commands below it. */
  readonly commands: readonly CommandOutline[];
  /** What its operands are. */
  readonly operands: ValueKind;
  /** The only operands that it takes, where they are known. */
  readonly choices?: readonly string[];
}

/** What the words in help texts stand for. */
const VALUE_KINDS: Readonly<Record<string, ValueKind>> = {
  file: "file",
  flist: "file",
  "hash-or-file": "file",
  left: "file",
  right: "file",
  script: "file",
  source: "file",
  directory: "directory",
  target: "directory",
};

/** The outline of `command` and all below it. */
export function outlineOf(
  command: CommandUnknownOpts,
  above: readonly string[] = [],
): CommandOutline {
  const path = [...above, command.name()];
  const operands = command.registeredArguments;
  const choices = operands[0]?.argChoices;
  const help = command.createHelp();
  return {
    path,
    summary: command.summary(),
    options: help.visibleOptions(command).map((option) => ({
      names: [option.short, option.long].filter((name) => name !== undefined),
      summary: option.description,
      ...(option.required || option.optional ? { value: valueKind(option.flags) } : {}),
      ...(option.argChoices === undefined ? {} : { choices: option.argChoices }),
    })),
    commands: command.commands.map((child) => outlineOf(child, path)),
    operands:
      operands.map((operand) => VALUE_KINDS[operand.name()]).find((kind) => kind !== undefined) ??
        "other",
    ...(choices === undefined ? {} : { choices }),
  };
}

function valueKind(flags: string): ValueKind {
  const word = /[<[]([^>\]]*)[>\]]/.exec(flags)?.[1] ?? "";
  return VALUE_KINDS[word] ?? "other";
}

/** `outline` and everything below it, each before what is in it. */
export function* eachCommand(outline: CommandOutline): Generator<CommandOutline> {
  yield outline;
  for (const child of outline.commands) yield* eachCommand(child);
}

/** `text` as one word of a POSIX shell. */
export function quoteWord(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A name for a shell function about a program: `myfs_hub` for `myfs-hub`. */
export function functionName(program: string): string {
  return program.replace(/[^A-Za-z0-9]/g, "_");
}
