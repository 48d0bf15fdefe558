/**
 * `myfs flist tree`: the tree of an image, drawn.
 *
 * @module
 */

import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { EXIT_CODE } from "../../exit_codes.ts";
import { localFlist } from "../../flist_reference.ts";
import { examplesText } from "../../help.ts";
import { asTypedOrPrinted } from "../../image_path.ts";
import type { Execute } from "../../session.ts";
import {
  jsonOption,
  metaOption,
  quietOption,
  takeFlist,
  wholeNumber,
} from "../../shared_options.ts";

/** Makes the command. */
export function treeCommand(execute: Execute): CommandUnknownOpts {
  return new Command("tree")
    .summary("draw the tree")
    .description("Draws the tree of an image, or the part of it below a path.")
    .usage("[options] [flist] [path]")
    .argument("[flist]", "the flist, unless --meta names it")
    .argument("[path]", "where to start (default: the root)")
    .addOption(metaOption)
    .option("-L, --depth <levels>", "go down at most this many levels", wholeNumber(1, 1_000_000))
    .addOption(quietOption)
    .addOption(jsonOption)
    .addHelpText(
      "after",
      examplesText(["Draw the first two levels", "myfs flist tree --depth 2 tree.fl"]),
    )
    .action((flist, operand, options) =>
      execute(options, async (session) => {
        const [named, path = ""] = takeFlist(options.meta, [flist, operand], ["[path]"]);
        const meta = await localFlist(named, session);
        const { openImage } = await import("myfs");
        const { treeDocuments, treeLines } = await import("../../output/tree.ts");
        await using image = await openImage(meta);
        const start = await asTypedOrPrinted(path, (path) => image.stat(path));
        await session.result(
          () => ({ meta, path: start.path, entries: treeDocuments(image, start, options.depth) }),
          () => treeLines(image, start, options.depth),
        );
        return EXIT_CODE.ok;
      })
    );
}
