/**
 * `myfs mounts`: the images that are mounted on this machine.
 *
 * @module
 */

import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { EXIT_CODE } from "../exit_codes.ts";
import { examplesText } from "../help.ts";
import type { Execute } from "../session.ts";
import { jsonOption } from "../shared_options.ts";

/** Makes the command. */
export function mountsCommand(execute: Execute): CommandUnknownOpts {
  return new Command("mounts")
    .summary("list the images that are mounted")
    .description(
      "Lists the images that are mounted on this machine, whoever mounted them, as the kernel has " +
        "them: directory, flist, and whether anybody serves it. What is dead is removed with " +
        "'myfs umount'.",
    )
    .addOption(jsonOption)
    .addHelpText("after", examplesText(["What is mounted", "myfs mounts"]))
    .action((options) =>
      execute(options, async (session) => {
        const { displayByteString, listMountedImages } = await import("myfs");
        const mounts = await listMountedImages();
        await session.result(() => ({ mounts }), () =>
          mounts.map(({ target, meta, state }) =>
            `${state.padEnd(7)}  ${displayByteString(target)}  ${displayByteString(meta)}`
          ));
        return EXIT_CODE.ok;
      })
    );
}
