/**
 * `myfs-hub gc`: removes what nobody needs any more now, as a hub that serves does once an hour.
 *
 * @module
 */

import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { EXIT_CODE } from "../../exit_codes.ts";
import { examplesText } from "../../help.ts";
import { formatBytes, formatNoun } from "../../output/format.ts";
import type { Execute } from "../../session.ts";
import { jsonOption, quietOption, wholeNumber } from "../../shared_options.ts";
import { configOptions, configPathOption } from "./config_option.ts";

const MINUTE_MS = 60_000;

/** Whom the audit log names. */
const ACTOR = "command line";

/** Makes the command. */
export function gcCommand(execute: Execute): CommandUnknownOpts {
  return new Command("gc")
    .summary("remove what nobody needs any more")
    .description(
      "Removes blocks, flists and uploads that nobody needs any more. A hub that serves does so " +
        "once an hour, and goes on meanwhile. What was given up in the last hour stays: an upload " +
        "under way may still come to need it.",
    )
    .option("-n, --dry-run", "only say what would be removed")
    .option("--orphans", "look through the whole store for blocks that are nobody's as well")
    .option(
      "--grace <minutes>",
      "remove what was given up longer ago than this (default: 60); 0 while no hub serves alone",
      wholeNumber(0, 525_600),
    )
    .addOption(configPathOption)
    .addOption(quietOption)
    .addOption(jsonOption)
    .addHelpText(
      "after",
      examplesText(
        ["See what there is", "myfs-hub gc --dry-run"],
        ["Also what uploads left that were killed", "myfs-hub gc --orphans"],
      ),
    )
    .action((options) =>
      execute(options, async (session) => {
        const { collectGarbage, loadConfig, openContent } = await import("../../../hub/mod.ts");
        await using hub = await openContent(await loadConfig(configOptions(options)));
        const { dryRun = false, orphans = false, grace } = options;
        const report = await collectGarbage(hub, ACTOR, {
          dryRun,
          orphans,
          ...(grace === undefined ? {} : { graceMs: grace * MINUTE_MS }),
          signal: session.signal,
        });
        const { blocks, blockBytes, flists, uploads, waitingBlocks, waitingBytes } = report;
        await session.result(() => ({
          dry_run: dryRun,
          blocks,
          block_bytes: blockBytes,
          flists,
          uploads,
          orphans: report.orphans,
          waiting_blocks: waitingBlocks,
          waiting_bytes: waitingBytes,
        }));
        session.note(() => [
          `${dryRun ? "Would remove" : "Removed"} ${formatNoun(blocks, "block")} ` +
          `(${formatBytes(blockBytes)}), ${formatNoun(flists, "flist")} and ` +
          `${formatNoun(uploads, "upload")} that expired`,
          ...(report.orphans === 0 ? [] : [
            `Found ${formatNoun(report.orphans, "block")} that nobody was promised`,
          ]),
          ...(waitingBlocks === 0 ? [] : [
            `${formatNoun(waitingBlocks, "block")} (${formatBytes(waitingBytes)}) ` +
            "were given up too lately",
          ]),
        ]);
        return EXIT_CODE.ok;
      })
    );
}
