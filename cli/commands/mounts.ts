/**
 * `myfs mounts`: the images that are mounted on this machine.
 *
 * @module
 */

import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { EXIT_CODE } from "../exit_codes.ts";
import { examplesText } from "../help.ts";
import { mountLines, userNames } from "../output/mounts.ts";
import type { Execute } from "../session.ts";
import { jsonOption } from "../shared_options.ts";

/** Makes the command. */
export function mountsCommand(execute: Execute): CommandUnknownOpts {
  return new Command("mounts")
    .summary("list the images that are mounted")
    .description(
      "Lists the images that are mounted on this machine, whoever mounted them, as the kernel has " +
        "them: whether anybody serves it, directory, flist, and how it is doing, as far as you may " +
        "know. What is stale is removed with 'myfs umount', or by the next mount there.",
    )
    .addOption(jsonOption)
    .addHelpText("after", examplesText(["What is mounted", "myfs mounts"]))
    .action((options) =>
      execute(options, async (session) => {
        const { displayByteString, listMountedImages } = await import("myfs");
        const mounts = await listMountedImages();
        const users = await userNames();
        await session.result(() => ({ mounts }), () =>
          mounts.flatMap((mount) => mountLines(mount, { display: displayByteString, users })));
        return EXIT_CODE.ok;
      })
    );
}
