/**
 * Completion for fish.
 *
 * @module
 */

import { type CommandOutline, eachCommand, functionName } from "./outline.ts";

/** The script to be put into fish's completions folder, or to be read by fish. */
export function fishCompletion(program: CommandOutline): string {
  const name = program.path[0]!;
  const at = `__${functionName(name)}_at`;
  const commands = [...eachCommand(program)];
  const cases = commands.slice(1).map((command) => quote(command.path.join(" ")));
  const lines: string[] = [];
  for (const command of commands) {
    const when = `complete -c ${name} -n ${quote(`${at} ${quote(command.path.join(" "))}`)}`;
    for (const { path, summary } of command.commands) {
      lines.push(`${when} -a ${path.at(-1)} -d ${quote(summary)}`);
    }
    if (command.choices !== undefined) lines.push(`${when} -a ${quote(command.choices.join(" "))}`);
    else if (command.operands === "file") lines.push(`${when} -F`);
    else if (command.operands === "directory") {
      lines.push(`${when} -a '(__fish_complete_directories)'`);
    }
    for (const { names, summary, value, choices } of command.options) {
      const flags = names.map((flag) =>
        flag.startsWith("--") ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`
      );
      lines.push(`${when} ${flags.join(" ")}${valueText(value, choices)} -d ${quote(summary)}`);
    }
  }
  return `# Completion of ${name} for fish: put it into ~/.config/fish/completions/${name}.fish.
function ${at}
    set -l at ${name}
    set -l words (commandline -opc)
    for word in $words[2..]
        switch "$at $word"
            case ${cases.join(" ") || "''"}
                set at "$at $word"
        end
    end
    test "$at" = "$argv[1]"
end
complete -c ${name} -f
${lines.join("\n")}
`;
}

function valueText(value: string | undefined, choices: readonly string[] | undefined): string {
  if (choices !== undefined) return ` -x -a ${quote(choices.join(" "))}`;
  if (value === undefined) return "";
  if (value === "file") return " -r -F";
  return value === "directory" ? " -x -a '(__fish_complete_directories)'" : " -x";
}

/** `text` as one word of fish: inside quotes, backslash and quote are escaped. */
function quote(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
