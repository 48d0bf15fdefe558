/**
 * `myfs cache clear`: removes blocks.
 *
 * @module
 */

import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { cacheFolderOption, openWorkCache } from "../../block_cache.ts";
import { EXIT_CODE } from "../../exit_codes.ts";
import { clearSummary } from "../../output/cache.ts";
import type { Execute } from "../../session.ts";
import { jsonOption, quietOption } from "../../shared_options.ts";

/** Makes the command. */
export function clearCommand(execute: Execute): CommandUnknownOpts {
  return new Command("clear")
    .summary("remove the blocks that are not pinned")
    .description("Removes the blocks that are not pinned, or all of them.")
    .addOption(cacheFolderOption)
    .option("--all", "pinned blocks and their pins too")
    .addOption(quietOption)
    .addOption(jsonOption)
    .action((options) =>
      execute(options, async (session) => {
        await using cache = await openWorkCache(options, session);
        const pinned = options.all ?? false;
        const removed = await cache.clear({ pinned, signal: session.signal });
        await session.result(() => ({ folder: cache.folder, ...removed }));
        session.note(() => clearSummary(cache.folder, removed));
        return EXIT_CODE.ok;
      })
    );
}
