/**
 * `myfs cache unpin`: the blocks of images may make room again.
 *
 * @module
 */

import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { cacheFolderOption, openWorkCache } from "../../block_cache.ts";
import { EXIT_CODE } from "../../exit_codes.ts";
import { MissingError, UsageError } from "../../problem.ts";
import type { Execute } from "../../session.ts";
import { jsonOption, quietOption } from "../../shared_options.ts";

/** Makes the command. */
export function unpinCommand(execute: Execute): CommandUnknownOpts {
  return new Command("unpin")
    .summary("let the blocks of images make room again")
    .description(
      "Takes pins away; the blocks stay until their space is needed. The flists need not exist any " +
        "more: myfs cache status prints the names of all pins.",
    )
    .usage("[options] <flists...>")
    .argument("[flists...]", "the images, or names of pins")
    .addOption(cacheFolderOption)
    .addOption(quietOption)
    .addOption(jsonOption)
    .action((flists, options) =>
      execute(options, async (session) => {
        if (flists.length === 0) throw new UsageError("There is no pin to take away");
        const { pinNameOf } = await import("myfs");
        await using cache = await openWorkCache(options, session);
        const unpinned: string[] = [];
        for (const given of flists) {
          const names = [pinNameOf(given), given];
          let found: string | undefined;
          for (const name of names) if (await cache.unpin(name)) found ??= name;
          if (found === undefined) {
            throw new MissingError(`There is no pin of ${given} in ${cache.folder}`);
          }
          unpinned.push(found);
        }
        await session.result(() => ({ folder: cache.folder, unpinned }));
        return EXIT_CODE.ok;
      })
    );
}
