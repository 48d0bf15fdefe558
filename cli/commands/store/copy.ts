/**
 * `myfs store copy`: blocks are copied or moved from stores to stores.
 *
 * @module
 */

import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { EXIT_CODE } from "../../exit_codes.ts";
import { localFlists } from "../../flist_reference.ts";
import { examplesText } from "../../help.ts";
import { copyFaultLines, copySummary } from "../../output/store_copy.ts";
import { UsageError } from "../../problem.ts";
import type { Execute } from "../../session.ts";
import { collect, jsonOption, quietOption, wholeNumber } from "../../shared_options.ts";
import { limitRateOption, retriesOption, timeoutOption, tuningOf } from "../../store_tuning.ts";

/** Makes the command. */
export function storeCopyCommand(execute: Execute): CommandUnknownOpts {
  return new Command("copy")
    .summary("copy or move blocks from one store to another")
    .description(
      "Copies blocks to another store: all that the source lists, or those that flists need. Each " +
        "is checked against its id before it is written, and one that is there already is not " +
        "copied: a copy that was interrupted goes on when it is run again. Blocks that are missing " +
        "or damaged at the source are printed, and the others are copied; the exit code is 3 then. " +
        "Of several sources that have a block, any will do; of several targets whose range has " +
        "it, each gets it.",
    )
    .usage("[options] [from] [to]")
    .argument("[from]", "the store that has the blocks, such as dir:///srv/blocks")
    .argument("[to]", "the store that is to have them, such as 00-7f=dir:///mnt/disk1")
    .option("--from <spec>", "a store that has the blocks, in place of [from]; repeatable", collect)
    .option("--to <spec>", "a store that is to have them, in place of [to]; repeatable", collect)
    .option("-m, --meta <flist>", "only the blocks that this flist needs; repeatable", collect)
    .option("--check-present", "read blocks that are there already, and repair damaged ones")
    .option(
      "--move",
      "delete each block from the source when it is safe at the target: written, flushed, read " +
        "back and checked",
    )
    .option("--concurrency <count>", "blocks under way at a time", wholeNumber(1, 256))
    .addOption(quietOption)
    .addOption(jsonOption)
    .addOption(timeoutOption)
    .addOption(retriesOption)
    .addOption(limitRateOption)
    .addHelpText(
      "after",
      examplesText(
        ["Replicate a store", "myfs store copy dir:///srv/blocks dir:///mnt/backup"],
        [
          "Bring what one image needs to a memory stick",
          "myfs store copy --meta tree.fl dir:///srv/blocks dir:///media/stick/blocks",
        ],
        [
          "Spread a store over two disks, and empty it",
          "myfs store copy --move dir:///srv/blocks --to 00-7f=dir:///mnt/1 --to 80-ff=dir:///mnt/2",
        ],
      ),
    )
    .action((first, second, options) =>
      execute(options, async (session) => {
        const { from, to } = splitStores(options, [first, second]);
        const { copyStore } = await import("myfs");
        const flists = await localFlists(options.meta, session);
        const report = await copyStore(from, to, {
          ...(flists === undefined ? {} : { flists }),
          ...(options.checkPresent === undefined ? {} : { checkPresent: options.checkPresent }),
          ...(options.move === undefined ? {} : { move: options.move }),
          ...(options.concurrency === undefined ? {} : { concurrencyMax: options.concurrency }),
          ...await tuningOf(options),
          signal: session.signal,
          onProgress: session.onProgress,
        });
        await session.result(() => ({ ...report }), () => copyFaultLines(report));
        session.note(() => copySummary(report));
        const complete = report.blocksMissing + report.blocksCorrupt === 0;
        return complete ? EXIT_CODE.ok : EXIT_CODE.partly;
      }, {
        onInterrupt:
          "blocks that were copied are there, and the same command goes on with the rest",
      })
    );
}

/** The stores that options name, or operands where options name none. */
function splitStores(
  options: { readonly from?: readonly string[]; readonly to?: readonly string[] },
  operands: readonly (string | undefined)[],
): { readonly from: readonly string[]; readonly to: readonly string[] } {
  const rest = operands.filter((operand) => operand !== undefined);
  const take = (named: readonly string[] | undefined, what: string, flag: string): string[] => {
    if (named !== undefined) return [...named];
    const operand = rest.shift();
    if (operand !== undefined) return [operand];
    throw new UsageError(`There is no store to copy ${what}`, `Name it, or with ${flag}.`);
  };
  const from = take(options.from, "from", "--from");
  const to = take(options.to, "to", "--to");
  if (rest.length > 0) {
    throw new UsageError("There are more stores than places for them", "Repeat --from and --to.");
  }
  return { from, to };
}
