/**
 * `myfs umount`: the end of a mount.
 *
 * @module
 */

import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { EXIT_CODE } from "../exit_codes.ts";
import { examplesText } from "../help.ts";
import { MissingError } from "../problem.ts";
import type { Execute } from "../session.ts";
import { jsonOption, quietOption } from "../shared_options.ts";

/** Makes the command. */
export function umountCommand(execute: Execute): CommandUnknownOpts {
  return new Command("umount")
    .summary("end a mount")
    .description(
      "Removes a mount, and works at any time: also while its store does not answer, and where the " +
        "process that served it is gone. Programs that still use it keep what they have open until " +
        "they close it.",
    )
    .argument("<target>", "the directory that an image is mounted on")
    .addOption(quietOption)
    .addOption(jsonOption)
    .addHelpText("after", examplesText(["Unmount", "myfs umount ./mnt"]))
    .action((target, options) =>
      execute(options, async (session) => {
        const { unmountImage } = await import("myfs");
        const outcome = await unmountImage(target);
        if (outcome === "not mounted") throw new MissingError(`No image is mounted on ${target}`);
        await session.result(() => ({ target, outcome }));
        if (outcome === "detached") {
          session.note(() => [`${target} is unmounted; programs still use files of it`]);
        }
        return EXIT_CODE.ok;
      })
    );
}
