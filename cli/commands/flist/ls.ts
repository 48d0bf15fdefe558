/**
 * `myfs flist ls`: the entries of a directory of an image.
 *
 * @module
 */

import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { EXIT_CODE } from "../../exit_codes.ts";
import { localFlist } from "../../flist_reference.ts";
import { examplesText } from "../../help.ts";
import { asTypedOrPrinted } from "../../image_path.ts";
import type { Execute } from "../../session.ts";
import { jsonOption, metaOption, quietOption, takeFlist } from "../../shared_options.ts";

/** Makes the command. */
export function lsCommand(execute: Execute): CommandUnknownOpts {
  return new Command("ls")
    .summary("list a directory")
    .description(
      "Lists a directory of an image, or one entry. Names that a terminal would not show as they " +
        "are come with escapes such as \\xff, and can be given back in that form.",
    )
    .usage("[options] [flist] [path]")
    .argument("[flist]", "the flist, unless --meta names it")
    .argument("[path]", "the directory or entry (default: the root)")
    .addOption(metaOption)
    .option("-l, --long", "with mode, owner, size and time (UTC)")
    .option("-R, --recursive", "with everything below, by path")
    .addOption(quietOption)
    .addOption(jsonOption)
    .addHelpText(
      "after",
      examplesText(
        ["List a directory with details", "myfs flist ls -l tree.fl usr/bin"],
        ["List every path", "myfs flist ls -R tree.fl"],
      ),
    )
    .action((flist, operand, options) =>
      execute(options, async (session) => {
        const [named, path = ""] = takeFlist(options.meta, [flist, operand], ["[path]"]);
        const meta = await localFlist(named, session);
        const { openImage } = await import("myfs");
        const { entryDocuments, entryLines } = await import("../../output/entries.ts");
        await using image = await openImage(meta);
        const start = await asTypedOrPrinted(path, (path) => image.stat(path));
        const entries = options.recursive
          ? image.walk(start.path)
          : start.kind === "directory"
          ? image.readDirectory(start.path)
          : [start];
        await session.result(
          () => ({ meta, path: start.path, entries: entryDocuments(entries) }),
          () => entryLines(entries, options),
        );
        return EXIT_CODE.ok;
      })
    );
}
