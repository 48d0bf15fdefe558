/**
 * `myfs unpack`: a flist and its blocks become a directory again.
 *
 * @module
 */

import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import type { UnpackReport } from "myfs";
import {
  cacheOption,
  cacheSizeOption,
  noCacheOption,
  openReadCache,
  withoutCache,
} from "../block_cache.ts";
import { stateOptions } from "../cache_folder.ts";
import { localFlist } from "../flist_reference.ts";
import { examplesText } from "../help.ts";
import { asTypedOrPrinted } from "../image_path.ts";
import { healedLines, unhealedLines } from "../output/healing.ts";
import { unpackSummary } from "../output/summaries.ts";
import { warnOfGaps } from "../partial_result.ts";
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
export function unpackCommand(execute: Execute): CommandUnknownOpts {
  return new Command("unpack")
    .summary("turn a flist and its blocks into a directory")
    .description(
      "Unpacks an image, or a part of it, into a directory. Nothing is written outside of it, and " +
        "a file gets its final name only when its content is complete and right.",
    )
    .usage("[options] [flist] <target>")
    .argument("[flist]", "the flist, unless --meta names it")
    .argument("[target]", "the directory to fill; made where it is missing")
    .addOption(metaOption)
    .addOption(storeOption("read blocks from here instead of the flist's routes; repeatable"))
    .addOption(storeSpecOption)
    .option("--path <path>", "only this file or directory of the image")
    .option("--preserve-ownership", "restore users and groups (needs root)")
    .addOption(healOption)
    .addOption(trustRoutesOption)
    .addOption(jobsOption)
    .addOption(quietOption)
    .addOption(jsonOption)
    .addOption(cacheOption)
    .addOption(noCacheOption)
    .addOption(cacheSizeOption)
    .addOption(timeoutOption)
    .addOption(retriesOption)
    .addOption(concurrencyOption)
    .addOption(limitRateOption)
    .addHelpText(
      "after",
      examplesText(
        ["Unpack a whole tree", "myfs unpack --meta tree.fl ./out"],
        ["Unpack one directory of it", "myfs unpack --meta tree.fl --path etc/ssh ./ssh"],
        ["Keep what is fetched for the next time", "myfs unpack tree.fl ./out --cache"],
        [
          "Unpack a flist from elsewhere with blocks from a store of your own",
          "myfs unpack --meta theirs.fl --store dir:///srv/blocks ./out",
        ],
      ),
    )
    .action((flist, operand, options) =>
      execute(options, async (session) => {
        const [named, target] = takeFlist(options.meta, [flist, operand], ["target"]);
        const meta = await localFlist(named, session);
        const { unpackImage } = await import("myfs");
        await using cache = await openReadCache(options, session);
        const tuning = await tuningOf(options);
        const unpack = (path?: string): Promise<UnpackReport> =>
          unpackImage(meta, target, {
            ...withoutCache(options),
            ...(cache === undefined ? {} : { cache }),
            ...(path === undefined ? {} : { path }),
            ...storeOptions(options),
            ...tuning,
            ...stateOptions(),
            signal: session.signal,
            onProgress: session.onProgress,
          });
        const report = options.path === undefined
          ? await unpack()
          : await asTypedOrPrinted(options.path, unpack);
        await session.result(() => ({ ...report }));
        session.note(() => unpackSummary(report, named));
        session.note(() => healedLines(report.healing));
        session.warn(() => unhealedLines(report.healing));
        return warnOfGaps(session, report);
      }, { onInterrupt: "nothing of it stays in the target" })
    );
}
