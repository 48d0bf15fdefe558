/**
 * `myfs flist dump`: a flist as text, without loss.
 *
 * @module
 */

import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { EXIT_CODE } from "../../exit_codes.ts";
import { localFlist } from "../../flist_reference.ts";
import { examplesText } from "../../help.ts";
import type { Execute } from "../../session.ts";
import { jsonOption, metaOption, quietOption, takeFlist } from "../../shared_options.ts";

/** Makes the command. */
export function dumpCommand(execute: Execute): CommandUnknownOpts {
  return new Command("dump")
    .summary("print all of a flist as text")
    .description(
      "Prints everything that a flist holds as lines of text, in an order that makes two dumps " +
        "easy to compare. The keys that open the blocks are left out unless --keys asks for them.",
    )
    .usage("[options] [flist]")
    .argument("[flist]", "the flist, unless --meta names it")
    .addOption(metaOption)
    .option("--keys", "with the keys that open the blocks: whoever has them can read the content")
    .addOption(quietOption)
    .addOption(jsonOption)
    .addHelpText(
      "after",
      examplesText(["Look for a path", "myfs flist dump tree.fl | grep passwd"]),
    )
    .action((flist, options) =>
      execute(options, async (session) => {
        const [named] = takeFlist(options.meta, [flist], []);
        const meta = await localFlist(named, session);
        const { dumpFlist, FlistReader } = await import("myfs");
        using reader = FlistReader.open(meta);
        const lines = (): Iterable<string> =>
          dumpFlist(reader, { includeKeys: options.keys === true });
        await session.result(() => ({ meta, lines: lines() }), lines);
        return EXIT_CODE.ok;
      })
    );
}
