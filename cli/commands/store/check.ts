/**
 * `myfs store check`: what a store can do, what it promises, and how fast it is.
 *
 * @module
 */

import { Command, type CommandUnknownOpts, Option } from "@commander-js/extra-typings";
import { EXIT_CODE } from "../../exit_codes.ts";
import { localFlists } from "../../flist_reference.ts";
import { examplesText } from "../../help.ts";
import { storeCheckLines, storeCheckSummary } from "../../output/store_check.ts";
import type { Execute } from "../../session.ts";
import { collect, jsonOption, quietOption } from "../../shared_options.ts";
import { retriesOption, timeoutOption, tuningOf } from "../../store_tuning.ts";

/** Makes the command. */
export function storeCheckCommand(execute: Execute): CommandUnknownOpts {
  return new Command("check")
    .summary("see what a store can do, whether it keeps its promises, and how fast it is")
    .description(
      "Tries out a store: writes some 100 MB of blocks of random content, reads them, lists and " +
        "deletes, and holds what it sees against what myfs relies on. The blocks go to an empty " +
        "subdirectory or key prefix of the store where there can be one, else beside those that it " +
        "has; they are removed in the end, and on Ctrl-C. A store that takes no blocks is only read. " +
        "The exit code is 1 when a promise is broken.",
    )
    .argument("<url>", "the store, such as dir:///srv/blocks")
    .option("-m, --meta <flist>", "read blocks that this flist needs; repeatable", collect)
    .option("--read-only", "write nothing")
    .option("--leave-blocks", "also write where blocks cannot be deleted; they stay")
    .option("--no-speed", "do not measure speed")
    .addOption(
      new Option("--profile <profile>", "whose digest names the blocks that are written")
        .choices(["myfs", "rfs"] as const),
    )
    .addOption(quietOption)
    .addOption(jsonOption)
    .addOption(timeoutOption)
    .addOption(retriesOption)
    .addHelpText(
      "after",
      examplesText(
        ["Check a store that is written to", "myfs store check dir:///srv/blocks"],
        [
          "Check that a store gives what an image needs",
          "myfs store check --read-only --meta tree.fl dir:///srv/blocks",
        ],
      ),
    )
    .action((url, options) =>
      execute(options, async (session) => {
        const { blockIdsOf, checkStore } = await import("myfs");
        const flists = await localFlists(options.meta, session);
        const report = await checkStore(url, {
          ...(flists === undefined ? {} : { ids: blockIdsOf(flists) }),
          ...(options.profile === undefined ? {} : { profile: options.profile }),
          ...(options.readOnly === undefined ? {} : { readOnly: options.readOnly }),
          ...(options.leaveBlocks === undefined ? {} : { leaveBlocks: options.leaveBlocks }),
          speed: options.speed,
          ...await tuningOf(options),
          signal: session.signal,
          onProgress: session.onProgress,
        });
        await session.result(() => ({ ...report }), () => storeCheckLines(report));
        session.note(() => storeCheckSummary(report));
        return report.brokenCount === 0 ? EXIT_CODE.ok : EXIT_CODE.failed;
      }, { onInterrupt: "what was written to the store was removed" })
    );
}
