/**
 * `myfs config`: the tags and routes of a flist.
 *
 * @module
 */

import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { examplesText } from "../help.ts";
import type { Execute } from "../session.ts";
import { metaOption } from "../shared_options.ts";
import { storeCommand } from "./config/store.ts";
import { tagCommand } from "./config/tag.ts";

/** Makes the command. */
export function configCommand(execute: Execute): CommandUnknownOpts {
  const command = new Command("config")
    .summary("show and change the tags and stores of a flist")
    .description(
      "Shows and changes what a flist says about itself: its tags, and its routes to the stores " +
        "that hold its blocks. The tree and its content stay as they are.",
    )
    .addOption(metaOption)
    .addHelpText(
      "after",
      examplesText(
        ["Tag a flist", "myfs config tag add tree.fl version=2.1"],
        [
          "Say where the blocks are now",
          "myfs config store add tree.fl dir:///mnt/new && " +
          "myfs config store delete tree.fl dir:///mnt/old",
        ],
      ),
    );
  const meta = (): string | undefined => command.opts().meta;
  return command
    .addCommand(tagCommand(execute, meta))
    .addCommand(storeCommand(execute, meta)) as CommandUnknownOpts;
}
