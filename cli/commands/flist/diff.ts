/**
 * `myfs flist diff`: what two flists have not in common.
 *
 * @module
 */

import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { EXIT_CODE } from "../../exit_codes.ts";
import { localFlist } from "../../flist_reference.ts";
import { examplesText } from "../../help.ts";
import type { Execute } from "../../session.ts";
import { jsonOption, quietOption } from "../../shared_options.ts";

/** Makes the command. */
export function diffCommand(execute: Execute): CommandUnknownOpts {
  return new Command("diff")
    .summary("compare two flists")
    .description(
      "Compares two flists entry by entry, without their blocks: + for what only the right one " +
        "has, - for what only the left one has, ~ for what changed. As with diff(1), the exit code " +
        "is 0 when nothing differs, 1 when something does, and more when they cannot be compared.",
    )
    .argument("<left>", "the earlier flist")
    .argument("<right>", "the later flist")
    .addOption(quietOption)
    .addOption(jsonOption)
    .addHelpText(
      "after",
      examplesText(["See what a new version brings", "myfs flist diff old.fl new.fl"]),
    )
    .action((left, right, options) =>
      execute(options, async (session) => {
        const { diffImages } = await import("myfs");
        const { diffLines, diffSummary } = await import("../../output/differences.ts");
        const diff = await diffImages(
          await localFlist(left, session),
          await localFlist(right, session),
        );
        await session.result(() => ({ left, right, ...diff }), () => diffLines(diff));
        session.note(() => diffSummary(diff));
        const count = diff.added.length + diff.removed.length + diff.changed.length;
        return count === 0 ? EXIT_CODE.ok : EXIT_CODE.failed;
      }, { failedExitCode: EXIT_CODE.usage })
    );
}
