/**
 * `myfs cache pin`: the blocks of images stay in the cache.
 *
 * @module
 */

import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import type { PinImageReport } from "myfs";
import { cacheFolderOption, cacheSizeOption, openWorkCache } from "../../block_cache.ts";
import { stateOptions } from "../../cache_folder.ts";
import { EXIT_CODE } from "../../exit_codes.ts";
import { isRemoteFlist, localFlist } from "../../flist_reference.ts";
import { examplesText } from "../../help.ts";
import { pinSummary } from "../../output/cache.ts";
import { UsageError } from "../../problem.ts";
import type { Execute } from "../../session.ts";
import {
  jsonOption,
  quietOption,
  storeOption,
  storeOptions,
  storeSpecOption,
  trustRoutesOption,
} from "../../shared_options.ts";
import {
  concurrencyOption,
  limitRateOption,
  retriesOption,
  timeoutOption,
  tuningOf,
} from "../../store_tuning.ts";

/** Makes the command. */
export function pinCommand(execute: Execute): CommandUnknownOpts {
  return new Command("pin")
    .summary("make the blocks of images stay")
    .description(
      "Makes the blocks of images stay in the cache: those that are there, and others when they " +
        "come. A pin has the path of its flist as its name, so that pinning a new version of it " +
        "takes the place of the old one.",
    )
    .usage("[options] <flists...>")
    .argument("[flists...]", "the images")
    .addOption(cacheFolderOption)
    .option("--fetch", "fetch the blocks that are not there")
    .addOption(storeOption("fetch from here instead of from the flist's routes; repeatable"))
    .addOption(storeSpecOption)
    .addOption(trustRoutesOption)
    .addOption(quietOption)
    .addOption(jsonOption)
    .addOption(cacheSizeOption)
    .addOption(timeoutOption)
    .addOption(retriesOption)
    .addOption(concurrencyOption)
    .addOption(limitRateOption)
    .addHelpText(
      "after",
      examplesText(["Have all blocks of an image at hand", "myfs cache pin --fetch tree.fl"]),
    )
    .action((flists, options) =>
      execute(options, async (session) => {
        if (flists.length === 0) throw new UsageError("There is no flist to pin");
        const { pinImage } = await import("myfs");
        const { fetch = false, trustRoutes } = options;
        await using cache = await openWorkCache(options, session, { create: true });
        const pins: PinImageReport[] = [];
        for (const named of flists) {
          const pin = await pinImage(await localFlist(named, session), cache, {
            // A flist from elsewhere is pinned by its name, not by where its copy happens to lie.
            ...(isRemoteFlist(named) ? { name: named } : {}),
            fetch,
            ...(trustRoutes === undefined ? {} : { trustRoutes }),
            ...storeOptions(options),
            ...await tuningOf(options),
            ...stateOptions(),
            signal: session.signal,
            onProgress: session.onProgress,
          });
          pins.push(pin);
        }
        await session.result(() => ({ folder: cache.folder, pins }));
        session.note(() => pinSummary(pins));
        const isComplete = pins.every((pin) => pin.blocksPresent === pin.blocks);
        return fetch && !isComplete ? EXIT_CODE.partly : EXIT_CODE.ok;
      }, { onInterrupt: "what was fetched stays pinned, and need not be fetched again" })
    );
}
