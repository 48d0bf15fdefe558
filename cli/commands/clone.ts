/**
 * `myfs clone`: an image's blocks are copied to other stores.
 *
 * @module
 */

import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import {
  cacheOption,
  cacheSizeOption,
  noCacheOption,
  openReadCache,
  withoutCache,
} from "../block_cache.ts";
import { stateOptions } from "../cache_folder.ts";
import { flistToWrite, localFlist } from "../flist_reference.ts";
import { examplesText } from "../help.ts";
import { cloneSummary } from "../output/summaries.ts";
import { EXIT_CODE } from "../exit_codes.ts";
import type { Execute } from "../session.ts";
import {
  collect,
  jsonOption,
  metaOption,
  quietOption,
  required,
  storeOption,
  storesOf,
  storeSpecOption,
  takeFlist,
  trustRoutesOption,
  wholeNumber,
} from "../shared_options.ts";
import { limitRateOption, retriesOption, timeoutOption, tuningOf } from "../store_tuning.ts";

/** Makes the command. */
export function cloneCommand(execute: Execute): CommandUnknownOpts {
  return new Command("clone")
    .summary("copy an image's blocks to other stores")
    .description(
      "Copies the blocks of a flist to other stores, as they are, and writes a flist whose routes " +
        "lead there. Blocks that are there already are not copied.",
    )
    .usage("[options] [flist]")
    .argument("[flist]", "the flist to clone, unless --meta names it")
    .addOption(metaOption)
    .option("--target <flist>", "the flist to write")
    .addOption(storeOption("where blocks go; repeatable"))
    .addOption(storeSpecOption)
    .option("--source <spec>", "read from here instead of the flist's routes; repeatable", collect)
    .addOption(trustRoutesOption)
    .option("--concurrency <count>", "blocks under way at a time", wholeNumber(1, 256))
    .option("--no-strip-password", "keep passwords of store URLs in the flist")
    .addOption(quietOption)
    .addOption(jsonOption)
    .addOption(cacheOption)
    .addOption(noCacheOption)
    .addOption(cacheSizeOption)
    .addOption(timeoutOption)
    .addOption(retriesOption)
    .addOption(limitRateOption)
    .addHelpText(
      "after",
      examplesText([
        "Copy an image to a second disk",
        "myfs clone --meta tree.fl --target copy.fl --store dir:///mnt/backup",
      ]),
    )
    .action((flist, options) =>
      execute(options, async (session) => {
        const [named] = takeFlist(options.meta, [flist], []);
        const meta = await localFlist(named, session);
        const target = flistToWrite(required(options.target, "--target <flist>"));
        const store = required(storesOf(options), "--store <spec>");
        const { cloneImage } = await import("myfs");
        await using cache = await openReadCache(options, session);
        const report = await cloneImage(meta, {
          ...withoutCache(options),
          ...(cache === undefined ? {} : { cache }),
          ...await tuningOf(options),
          ...stateOptions(),
          ...(options.concurrency === undefined ? {} : { concurrencyMax: options.concurrency }),
          target,
          store,
          keepSecrets: !options.stripPassword,
          signal: session.signal,
          onProgress: session.onProgress,
        });
        await session.result(() => ({ ...report }));
        session.note(() => cloneSummary(report));
        return EXIT_CODE.ok;
      }, { onInterrupt: "no flist was written, and blocks that were copied will be reused" })
    );
}
