/**
 * Completion for zsh.
 *
 * @module
 */

import { type CommandOutline, eachCommand, functionName, quoteWord } from "./outline.ts";

/** The script to be put into a file `_<program>` on zsh's `fpath`, or to be read by zsh. */
export function zshCompletion(program: CommandOutline): string {
  const name = program.path[0]!;
  const commands = [...eachCommand(program)];
  const deeper = commands.slice(1).map((command) => quoteWord(command.path.join(" ")));
  const values = commands.flatMap((command) =>
    command.options.filter(({ value }) => value !== undefined).map((option) => {
      const patterns = option.names.map((flag) => quoteWord(`${command.path.join(" ")} ${flag}`));
      return `    ${patterns.join("|")}) ${action(option.value!, option.choices)}; return ;;`;
    })
  );
  const words = commands.map((command) => {
    const flags = command.options.flatMap(({ names, summary }) =>
      names.map((flag) => described(flag, summary))
    );
    const below = command.commands.map(({ path, summary }) => described(path.at(-1)!, summary));
    const operand = below.length > 0
      ? `below=(${below.join(" ")}); _describe -t commands command below`
      : action(command.operands, command.choices);
    return `    ${quoteWord(command.path.join(" "))})
      if [[ $current == -* ]]; then
        flags=(${flags.join(" ")})
        _describe -o -t options option flags
      else
        ${operand}
      fi ;;`;
  });
  return `#compdef ${name}
# Completion of ${name} for zsh: put it into a file _${name} on your fpath, or source it.
_${functionName(name)}() {
  local current=\${words[CURRENT]} previous=\${words[CURRENT-1]} at=${quoteWord(name)} word
  local -a flags below
  # --option=value is one word: what stands before the = is the option.
  if [[ $current == --*=* ]]; then
    previous=\${current%%=*}
    compset -P '*='
  fi
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$at $word" in
    ${deeper.join("|") || "''"}) at="$at $word" ;;
    esac
  done
  case "$at $previous" in
${values.join("\n")}
  esac
  case $at in
${words.join("\n")}
  esac
}
if [[ $funcstack[1] == _${functionName(name)} ]]; then
  _${functionName(name)} "$@"
else
  compdef _${functionName(name)} ${name}
fi
`;
}

function action(kind: string, choices: readonly string[] | undefined): string {
  if (choices !== undefined) return `compadd -- ${choices.map(quoteWord).join(" ")}`;
  if (kind === "file") return "_files";
  if (kind === "directory") return "_files -/";
  return ":";
}

/** A word and its explanation as `_describe` wants them. */
function described(word: string, summary: string): string {
  return quoteWord(`${word.replaceAll(":", "\\:")}:${summary}`);
}
