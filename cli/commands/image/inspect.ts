/**
 * `myfs-tool image inspect`: platforms, layers and sizes of a container image.
 *
 * @module
 */

import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { EXIT_CODE } from "../../exit_codes.ts";
import { examplesText } from "../../help.ts";
import { containerImageDocument, containerImageLines } from "../../output/container_images.ts";
import { type RegistryFlags, registryOptions, registryOptionsOf } from "../../registry_options.ts";
import type { Execute } from "../../session.ts";
import { jsonOption, quietOption } from "../../shared_options.ts";

/** Makes the command. */
export function inspectImageCommand(execute: Execute): CommandUnknownOpts {
  const command = new Command("inspect")
    .summary("platforms, layers and sizes")
    .description("Prints an image's platforms, and the digests and sizes of its layers.")
    .argument("<image>", "named as for container")
    .addOption(quietOption)
    .addOption(jsonOption)
    .addHelpText("after", examplesText(["See its size first", "myfs-tool image inspect nginx"]));
  for (const option of registryOptions()) command.addOption(option);
  return command.action((name, options) =>
    execute(options, async (session) => {
      const { openContainerImage } = await import("myfs");
      await using image = await openContainerImage(name, {
        ...await registryOptionsOf(options as RegistryFlags),
        signal: session.signal,
      });
      await session.result(() => containerImageDocument(image), () => containerImageLines(image));
      return EXIT_CODE.ok;
    })
  );
}
