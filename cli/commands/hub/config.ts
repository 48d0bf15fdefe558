/**
 * `myfs-hub config`: checks a configuration, or shows what there is to set.
 *
 * @module
 */

import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { EXIT_CODE } from "../../exit_codes.ts";
import type { Execute } from "../../session.ts";
import { jsonOption, quietOption } from "../../shared_options.ts";
import { configOptions, configPathOption } from "./config_option.ts";

/** Makes the command. */
export function hubConfigCommand(execute: Execute): CommandUnknownOpts {
  return new Command("config")
    .summary("check a configuration, or show every setting")
    .description("Checks a configuration, or prints one that shows every setting.")
    .addCommand(checkCommand(execute))
    .addCommand(exampleCommand(execute)) as CommandUnknownOpts;
}

function checkCommand(execute: Execute): CommandUnknownOpts {
  return new Command("check")
    .summary("say what is wrong in a configuration")
    .description("Reads a configuration as 'serve' does, and names each mistake and its line.")
    .addOption(configPathOption)
    .addOption(quietOption)
    .addOption(jsonOption)
    .action((options) =>
      execute(options, async (session) => {
        const { loadConfig } = await import("../../../hub/mod.ts");
        const { path, host, port, sqlite_path, users } = await loadConfig(configOptions(options));
        await session.result(() => ({ path, host, port, sqlite_path, users: users.length }));
        session.note(() => [`${path ?? "The embedded configuration"} is good`]);
        return EXIT_CODE.ok;
      })
    );
}

function exampleCommand(execute: Execute): CommandUnknownOpts {
  return new Command("example")
    .summary("print a configuration with every setting")
    .description("Prints a configuration that shows every setting with its default.")
    .action(() =>
      execute({}, async (session) => {
        const { exampleConfig } = await import("../../../hub/mod.ts");
        const text = exampleConfig();
        await session.result(() => ({ config: text }), () => [text]);
        return EXIT_CODE.ok;
      })
    );
}
