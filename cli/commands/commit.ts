/**
 * `myfs commit`: an image and the changes of an overlay over it become a new image.
 *
 * @module
 */

import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { stateOptions } from "../cache_folder.ts";
import { flistToWrite, localFlist } from "../flist_reference.ts";
import { examplesText } from "../help.ts";
import { commitSummary } from "../output/summaries.ts";
import { warnOfGaps } from "../partial_result.ts";
import type { Execute } from "../session.ts";
import {
  collect,
  jobsOption,
  jsonOption,
  quietOption,
  required,
  storeOption,
  storeOptions,
  storeSpecOption,
  trustRoutesOption,
  wholeNumber,
} from "../shared_options.ts";
import {
  concurrencyOption,
  limitRateOption,
  retriesOption,
  timeoutOption,
  tuningOf,
} from "../store_tuning.ts";
import { collectTag } from "../tag.ts";

/** Makes the command. */
export function commitCommand(execute: Execute): CommandUnknownOpts {
  return new Command("commit")
    .summary("turn an image and an overlay's changes to it into a new image")
    .description(
      "Packs an image with what was changed on top of it. The changes are in the upper directory of " +
        "an overlay file system whose lower directory is the image, mounted or unpacked. Only " +
        "content that the image does not have is read and stored. New blocks go to the image's " +
        "stores; with --store they go there, and the new flist names the image's stores too where " +
        "blocks are in them alone. The overlay need not be mounted; if it is, leave it alone " +
        "meanwhile.",
    )
    .argument("<upper-dir>", "the overlay's upper directory")
    .option("--base <flist>", "the image that the overlay is on")
    .option("-m, --meta <flist>", "the flist to write")
    .addOption(storeOption("where new blocks go, instead of the image's own stores; repeatable"))
    .addOption(storeSpecOption)
    .option("--trust-base", "build on a base that was not made here")
    .addOption(trustRoutesOption)
    .option("--userxattr", "the overlay was mounted with this option (default: as found)")
    .option("--exclude <pattern>", "leave out paths that match the glob; repeatable", collect)
    .option("--level <level>", "zstd's compression level, 1 to 19 (default: 3)", wholeNumber(1, 19))
    .addOption(jobsOption)
    .option("--tag <key=value>", "tag the flist; repeatable", collectTag)
    .option("--no-strip-password", "keep passwords of store URLs in the flist")
    .addOption(quietOption)
    .addOption(jsonOption)
    .addOption(timeoutOption)
    .addOption(retriesOption)
    .addOption(concurrencyOption)
    .addOption(limitRateOption)
    .addHelpText(
      "after",
      examplesText(
        [
          "Keep what was changed on top of an image",
          "myfs commit --base image.fl --meta new.fl ./upper",
        ],
        [
          "Store what is new in another place, where the image's stores are read only",
          "myfs commit --base image.fl -m new.fl -s dir:///srv/blocks ./upper",
        ],
        [
          "Then bring all blocks there",
          "myfs clone new.fl --target own.fl --store dir:///srv/blocks",
        ],
      ),
    )
    .action((upper, options) =>
      execute(options, async (session) => {
        const base = required(options.base, "--base <flist>");
        const meta = flistToWrite(required(options.meta, "--meta <flist>"));
        const { commitOverlay } = await import("myfs");
        const committed = await commitOverlay(upper, {
          ...options,
          ...storeOptions(options),
          ...await tuningOf(options),
          ...stateOptions(),
          base: await localFlist(base, session),
          meta,
          keepSecrets: !options.stripPassword,
          tags: options.tag ?? {},
          ...(options.userxattr === undefined ? {} : { userXattrs: options.userxattr }),
          signal: session.signal,
          onProgress: session.onProgress,
        });
        // A base from elsewhere goes by its name, not by where its copy lies.
        const report = { ...committed, base };
        await session.result(() => ({ ...report }));
        session.note(() => commitSummary(report));
        return warnOfGaps(session, report);
      }, {
        onInterrupt: "no flist was written, and blocks that were stored will be reused",
      })
    );
}
