/**
 * `completion`: what makes a shell complete the program's command lines.
 *
 * @module
 */

import { Argument, Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { rootOf } from "../command_path.ts";
import { EXIT_CODE } from "../exit_codes.ts";
import { examplesText } from "../help.ts";
import type { Execute } from "../session.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;

/** Makes the command for the program called `name`. */
export function completionCommand(execute: Execute, name: string): CommandUnknownOpts {
  const command = new Command("completion")
    .summary("print a completion script for a shell")
    .description(`Prints a script that makes a shell complete the commands and options of ${name}.`)
    .addArgument(new Argument("<shell>", "the shell").choices(SHELLS))
    .addHelpText(
      "after",
      examplesText(
        ["For bash, in ~/.bashrc", `source <(${name} completion bash)`],
        ["For zsh, in a directory on fpath", `${name} completion zsh > ~/.zfunc/_${name}`],
        ["For fish", `${name} completion fish > ~/.config/fish/completions/${name}.fish`],
      ),
    );
  return command.action((shell) =>
    execute({}, async (session) => {
      const { outlineOf } = await import("../completion/outline.ts");
      const program = outlineOf(rootOf(command));
      const scripts = {
        bash: async () => (await import("../completion/bash.ts")).bashCompletion(program),
        zsh: async () => (await import("../completion/zsh.ts")).zshCompletion(program),
        fish: async () => (await import("../completion/fish.ts")).fishCompletion(program),
      };
      await session.stdout.writeText([await scripts[shell]()]);
      return EXIT_CODE.ok;
    })
  );
}
