/**
 * `myfs-hub serve`: serves until it is told to end.
 *
 * @module
 */

import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { EXIT_CODE } from "../../exit_codes.ts";
import { examplesText } from "../../help.ts";
import type { Execute } from "../../session.ts";
import { configOptions, configPathOption } from "./config_option.ts";

/** Makes the command. */
export function serveCommand(execute: Execute): CommandUnknownOpts {
  return new Command("serve")
    .summary("serve blocks, files and flists")
    .description(
      "Serves over HTTP until SIGINT or SIGTERM; requests that run then have the time of " +
        "drain_seconds, and a second signal ends them at once. Without a configuration, everything " +
        "lies in the user's data folder, and a first administrator is made and shown once.",
    )
    .addOption(configPathOption)
    .addHelpText(
      "after",
      examplesText(
        ["Serve on this machine", "myfs-hub serve"],
        ["Serve as configured", "myfs-hub serve --config-path server.toml"],
      ),
    )
    .action((options) =>
      execute({}, async () => {
        const { loadConfig, serveHub } = await import("../../../hub/mod.ts");
        const serving = await serveHub(await loadConfig(configOptions(options)));
        await ending();
        await serving.close();
        return EXIT_CODE.ok;
      }, { ownSignals: true })
    );
}

/** Resolves with the first signal to end; the second ends the process. */
async function ending(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let isEnding = false;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => {
      if (isEnding) Deno.exit(EXIT_CODE.failed);
      isEnding = true;
      resolve();
    });
  }
  await promise;
}
