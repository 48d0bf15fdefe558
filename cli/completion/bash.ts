/**
 * Completion for bash (4 or newer).
 *
 * @module
 */

import { type CommandOutline, eachCommand, functionName, quoteWord } from "./outline.ts";

/** The script to be read by bash. */
export function bashCompletion(program: CommandOutline): string {
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
    const flags = command.options.flatMap(({ names }) => names).join(" ");
    const below = command.commands.map(({ path }) => path.at(-1)!);
    const operand = below.length > 0
      ? action("other", below)
      : action(command.operands, command.choices);
    return `    ${quoteWord(command.path.join(" "))}) flags=${quoteWord(flags)}
      [[ $current == -* ]] || { ${operand}; return; } ;;`;
  });
  return `# Completion of ${name} for bash: source it, or put it where bash-completion looks.
_${functionName(name)}_words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$current"); }
_${functionName(name)}_files() {
  compopt -o filenames 2> /dev/null
  mapfile -t COMPREPLY < <(compgen "$1" -- "$current")
}
_${functionName(name)}() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]}
  local at=${quoteWord(name)} flags= word
  COMPREPLY=()
  # --option=value comes as three words.
  if [[ $current == = ]]; then current=
  elif [[ $previous == = ]]; then previous=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
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
  _${functionName(name)}_words "$flags"
}
complete -F _${functionName(name)} ${name}
`;

  function action(kind: string, choices: readonly string[] | undefined): string {
    if (choices !== undefined) {
      return `_${functionName(name)}_words ${quoteWord(choices.join(" "))}`;
    }
    if (kind === "file") return `_${functionName(name)}_files -f`;
    if (kind === "directory") return `_${functionName(name)}_files -d`;
    return ":";
  }
}
