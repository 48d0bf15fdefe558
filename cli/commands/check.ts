/**
 * `myfs check`: every block of an image is there and right.
 *
 * @module
 */

import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { stateOptions } from "../cache_folder.ts";
import { EXIT_CODE } from "../exit_codes.ts";
import { localFlist } from "../flist_reference.ts";
import { examplesText } from "../help.ts";
import { faultLines } from "../output/faults.ts";
import { healedLines, unhealedLines } from "../output/healing.ts";
import { checkSummary } from "../output/summaries.ts";
import { UsageError } from "../problem.ts";
import type { Execute } from "../session.ts";
import {
  healOption,
  jobsOption,
  jsonOption,
  metaOption,
  quietOption,
  storeOption,
  storeOptions,
  storeSpecOption,
  takeFlist,
  trustRoutesOption,
} from "../shared_options.ts";
import {
  concurrencyOption,
  limitRateOption,
  retriesOption,
  timeoutOption,
  tuningOf,
} from "../store_tuning.ts";

/** Makes the command. */
export function checkCommand(execute: Execute): CommandUnknownOpts {
  return new Command("check")
    .summary("check that every block of an image is there and right")
    .description(
      "Reads every block of a flist and checks it against its id and its content's digest. Blocks " +
        "that are missing or damaged are printed with the files that need them. Exit code 10 " +
        "means that blocks are missing, 11 that some are damaged. Of several stores for the same " +
        "blocks one good copy is enough; with --heal each is looked at, and gets what it lacks.",
    )
    .usage("[options] [flist]")
    .argument("[flist]", "the flist, unless --meta names it")
    .addOption(metaOption)
    .addOption(storeOption("read blocks from here instead of the flist's routes; repeatable"))
    .addOption(storeSpecOption)
    .option("--presence-only", "only ask whether the blocks are there, without reading them")
    .addOption(healOption)
    .addOption(trustRoutesOption)
    .addOption(jobsOption)
    .addOption(quietOption)
    .addOption(jsonOption)
    .addOption(timeoutOption)
    .addOption(retriesOption)
    .addOption(concurrencyOption)
    .addOption(limitRateOption)
    .addHelpText(
      "after",
      examplesText(
        ["Check an image", "myfs check tree.fl"],
        ["Check every replica, and repair it", "myfs check --heal tree.fl"],
      ),
    )
    .action((flist, options) =>
      execute(options, async (session) => {
        const [named] = takeFlist(options.meta, [flist], []);
        const meta = await localFlist(named, session);
        if (options.heal === true && options.presenceOnly === true) {
          throw new UsageError(
            "Cannot heal blocks without reading them",
            "Leave out --presence-only.",
          );
        }
        const { checkImage } = await import("myfs");
        const report = await checkImage(meta, {
          ...options,
          ...storeOptions(options),
          ...await tuningOf(options),
          ...stateOptions(),
          signal: session.signal,
          onProgress: session.onProgress,
        });
        await session.result(() => ({ ...report }), () => faultLines(report));
        session.note(() => checkSummary(report));
        session.note(() => healedLines(report.healing));
        session.warn(() => unhealedLines(report.healing));
        if (report.corrupt.length + report.incomplete.length > 0) return EXIT_CODE.corrupt;
        if (report.missing.length > 0) return EXIT_CODE.missing;
        return (report.healing?.unhealed.length ?? 0) > 0 ? EXIT_CODE.partly : EXIT_CODE.ok;
      })
    );
}
