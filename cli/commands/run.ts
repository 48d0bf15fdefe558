/**
 * `myfs run`: a user's own script, with `"myfs"` resolved.
 *
 * @module
 */

import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { examplesText } from "../help.ts";
import { runScript } from "../script_runner.ts";
import type { Execute } from "../session.ts";

/** Makes the command. */
export function runCommand(execute: Execute): CommandUnknownOpts {
  return new Command("run")
    .summary('run a script of your own that imports "myfs"')
    .description(
      'Runs a TypeScript or JavaScript file, wherever it lies, with this myfs as its "myfs". ' +
        "Everything after the script is the script's own. Its exit code becomes this command's.\n\n" +
        "The script runs with all permissions and with the configuration of myfs: a deno.json " +
        "beside the script is not read. Relative imports, node: and npm: imports work.",
    )
    .usage("<script> [arguments...]")
    .argument("<script>", "the file to run")
    .argument("[arguments...]", "what the script gets, untouched")
    .passThroughOptions()
    .addHelpText("after", examplesText(["Run a script", "myfs run nightly.ts --keep 7 ./tree"]))
    .action((script, args) => execute({}, () => runScript(script, args), { ownSignals: true }));
}
