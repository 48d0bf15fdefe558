/**
 * `myfs flist inspect`: a flist in figures.
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
export function inspectCommand(execute: Execute): CommandUnknownOpts {
  return new Command("inspect")
    .summary("profile, entries, sizes, tags and routes")
    .description("Prints what a flist is: its profile, entries, sizes, tags and routes.")
    .usage("[options] [flist]")
    .argument("[flist]", "the flist, unless --meta names it")
    .addOption(metaOption)
    .addOption(quietOption)
    .addOption(jsonOption)
    .addHelpText("after", examplesText(["Show a flist in figures", "myfs flist inspect tree.fl"]))
    .action((flist, options) =>
      execute(options, async (session) => {
        const [named] = takeFlist(options.meta, [flist], []);
        const meta = await localFlist(named, session);
        const { inspectImage } = await import("myfs");
        const { inspectionLines } = await import("../../output/inspection.ts");
        const summary = { ...await inspectImage(meta), meta: named };
        await session.result(() => ({ ...summary }), () => inspectionLines(summary));
        return EXIT_CODE.ok;
      })
    );
}
