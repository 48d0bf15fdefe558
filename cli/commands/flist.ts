/**
 * `myfs flist`: what a flist says, without unpacking it.
 *
 * @module
 */

import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { examplesText } from "../help.ts";
import type { Execute } from "../session.ts";
import { catCommand } from "./flist/cat.ts";
import { diffCommand } from "./flist/diff.ts";
import { dumpCommand } from "./flist/dump.ts";
import { historyCommand, pullCommand, pushCommand, searchCommand } from "./flist/hub.ts";
import { inspectCommand } from "./flist/inspect.ts";
import { lsCommand } from "./flist/ls.ts";
import { treeCommand } from "./flist/tree.ts";

/** Makes the command. */
export function flistCommand(execute: Execute): CommandUnknownOpts {
  return new Command("flist")
    .summary("look into a flist")
    .description("Shows what a flist says, without unpacking it. Only cat needs the blocks.")
    .addCommand(inspectCommand(execute))
    .addCommand(lsCommand(execute))
    .addCommand(treeCommand(execute))
    .addCommand(catCommand(execute))
    .addCommand(diffCommand(execute))
    .addCommand(dumpCommand(execute))
    .addCommand(pushCommand(execute))
    .addCommand(pullCommand(execute))
    .addCommand(searchCommand(execute))
    .addCommand(historyCommand(execute))
    .addHelpText(
      "after",
      examplesText(
        ["What is in it", "myfs flist ls -l tree.fl etc"],
        ["One file of it", "myfs flist cat tree.fl etc/hostname"],
        ["What a new version changes", "myfs flist diff old.fl new.fl"],
      ),
    );
}
