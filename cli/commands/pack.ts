/**
 * `myfs pack`: a directory becomes a flist and blocks.
 *
 * @module
 */

import { Command, type CommandUnknownOpts, Option } from "@commander-js/extra-typings";
import { stateOptions } from "../cache_folder.ts";
import { localFlist } from "../flist_reference.ts";
import { examplesText } from "../help.ts";
import { packSummary } from "../output/summaries.ts";
import { warnOfGaps } from "../partial_result.ts";
import type { Execute } from "../session.ts";
import {
  collect,
  jobsOption,
  jsonOption,
  quietOption,
  required,
  storeOption,
  storesOf,
  storeSpecOption,
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
export function packCommand(execute: Execute): CommandUnknownOpts {
  return new Command("pack")
    .summary("turn a directory into a flist and blocks")
    .description(
      "Packs a directory: its blocks go to a store, its tree to a flist. Blocks that the store has " +
        "already are not written again, so a pack that was interrupted goes on quickly.",
    )
    .argument("<directory>", "the tree to pack")
    .option("-m, --meta <flist>", "the flist to write")
    .addOption(storeOption(
      "where blocks go, such as dir:///path; repeatable, also with a range of ids in front: " +
        "00-7f=dir:///path",
    ))
    .addOption(storeSpecOption)
    .addOption(
      new Option("--profile <profile>", "how blocks are made; rfs is for readers of that format")
        .choices(["myfs", "rfs"]).default("myfs" as const),
    )
    .option("--base <flist>", "an earlier flist: what has not changed since is not read again")
    .option("--trust-base", "build on a base that was not made here")
    .option("--exclude <pattern>", "leave out paths that match the glob; repeatable", collect)
    .option("--one-file-system", "stay on the directory's file system")
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
          "Pack a tree into a local store",
          "myfs pack --meta tree.fl --store dir:///srv/blocks ./tree",
        ],
        [
          "Spread the blocks over two disks",
          "myfs pack -m tree.fl -s 00-7f=dir:///disk1 -s 80-ff=dir:///disk2 ./tree",
        ],
        [
          "Pack the next version, reading only what has changed",
          "myfs pack -m new.fl --base tree.fl -s dir:///srv/blocks ./tree",
        ],
      ),
    )
    .action((directory, options) =>
      execute(options, async (session) => {
        const meta = required(options.meta, "--meta <flist>");
        const store = required(storesOf(options), "--store <spec>");
        const { packDirectory } = await import("myfs");
        // The options have the library's names; only those that differ are spelt out.
        const report = await packDirectory(directory, {
          ...options,
          ...tuningOf(options),
          ...stateOptions(),
          ...(options.base === undefined ? {} : { base: await localFlist(options.base, session) }),
          meta,
          store,
          keepSecrets: !options.stripPassword,
          tags: options.tag ?? {},
          signal: session.signal,
          onProgress: session.onProgress,
        });
        await session.result(() => ({ ...report }));
        session.note(() => packSummary(directory, report));
        return warnOfGaps(session, report);
      }, {
        onInterrupt: "no flist was written, and blocks that were stored will be reused",
      })
    );
}
