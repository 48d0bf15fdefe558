/**
 * `myfs cache`: the blocks of stores elsewhere that are kept on this machine.
 *
 * @module
 */

import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { examplesText } from "../help.ts";
import type { Execute } from "../session.ts";
import { clearCommand } from "./cache/clear.ts";
import { pinCommand } from "./cache/pin.ts";
import { statusCommand } from "./cache/status.ts";
import { unpinCommand } from "./cache/unpin.ts";
import { verifyCommand } from "./cache/verify.ts";

/** Makes the command. */
export function cacheCommand(execute: Execute): CommandUnknownOpts {
  return new Command("cache")
    .summary("show and change what is kept of stores elsewhere")
    .description(
      "Shows and changes the cache: blocks as they were fetched from stores elsewhere, sealed, in a " +
        "folder that has the layout of a directory store. When its space is used up, the blocks " +
        "that were not used for longest make room.",
    )
    .addCommand(statusCommand(execute))
    .addCommand(pinCommand(execute))
    .addCommand(unpinCommand(execute))
    .addCommand(clearCommand(execute))
    .addCommand(verifyCommand(execute))
    .addHelpText(
      "after",
      examplesText(
        ["What is in it", "myfs cache status"],
        ["Have all blocks of an image at hand, for good", "myfs cache pin --fetch tree.fl"],
        ["Remove all that is not pinned", "myfs cache clear"],
      ),
    );
}
