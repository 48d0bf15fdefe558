/**
 * `myfs flist cat`: the content of files of an image.
 *
 * @module
 */

import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import type { ImageEntry } from "myfs";
import {
  cacheOption,
  cacheSizeOption,
  noCacheOption,
  openReadCache,
  withoutCache,
} from "../../block_cache.ts";
import { stateOptions } from "../../cache_folder.ts";
import { EXIT_CODE } from "../../exit_codes.ts";
import { localFlist } from "../../flist_reference.ts";
import { examplesText } from "../../help.ts";
import { asTypedOrPrinted } from "../../image_path.ts";
import { UsageError } from "../../problem.ts";
import type { Execute } from "../../session.ts";
import {
  jsonOption,
  metaOption,
  quietOption,
  splitFlist,
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
export function catCommand(execute: Execute): CommandUnknownOpts {
  return new Command("cat")
    .summary("print the content of files")
    .description(
      "Prints the content of files of an image, byte for byte, one after the other. With --json " +
        "the contents are in base64.",
    )
    .usage("[options] [flist] <paths...>")
    .argument("[flist]", "the flist, unless --meta names it")
    .argument("[paths...]", "the files")
    .addOption(metaOption)
    .addOption(storeOption("read blocks from here instead of the flist's routes; repeatable"))
    .addOption(storeSpecOption)
    .addOption(trustRoutesOption)
    .addOption(quietOption)
    .addOption(jsonOption)
    .addOption(cacheOption)
    .addOption(noCacheOption)
    .addOption(cacheSizeOption)
    .addOption(timeoutOption)
    .addOption(retriesOption)
    .addOption(concurrencyOption)
    .addOption(limitRateOption)
    .addHelpText("after", examplesText(["Print a file", "myfs flist cat tree.fl etc/hostname"]))
    .action((flist, operands, options) =>
      execute(options, async (session) => {
        const { meta: named, rest: paths } = splitFlist(options.meta, [flist, ...operands]);
        const meta = await localFlist(named, session);
        if (paths.length === 0) throw new UsageError("There is no path to print");
        const { openImage } = await import("myfs");
        const { contentDocuments } = await import("../../output/entries.ts");
        await using cache = await openReadCache(options, session);
        await using image = await openImage(meta, {
          ...withoutCache(options),
          ...(cache === undefined ? {} : { cache }),
          ...storeOptions(options),
          ...await tuningOf(options),
          ...stateOptions(),
        });
        const files: ImageEntry[] = [];
        for (const path of paths) {
          files.push(await asTypedOrPrinted(path, (path) => image.stat(path)));
        }
        const { signal } = session;
        if (options.json) {
          await session.result(() => ({ meta, files: contentDocuments(image, files, signal) }));
        } else {
          for (const { path } of files) {
            await session.stdout.writeBytes(image.readStream(path, { signal }), signal);
          }
        }
        return EXIT_CODE.ok;
      })
    );
}
