/**
 * `myfs store`: stores of blocks as such.
 *
 * @module
 */

import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import type { Execute } from "../session.ts";
import { storeCheckCommand } from "./store/check.ts";
import { storeCopyCommand } from "./store/copy.ts";

/** Makes the command. */
export function storeCommand(execute: Execute): CommandUnknownOpts {
  return new Command("store")
    .summary("check a store, copy or move its blocks")
    .description(
      "Works on stores of blocks as such, whatever flists need them. To change where a flist says " +
        "that its blocks are, see myfs config store.",
    )
    .addCommand(storeCheckCommand(execute))
    .addCommand(storeCopyCommand(execute)) as CommandUnknownOpts;
}
