/**
 * `myfs cache status`: what is in the cache.
 *
 * @module
 */

import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { cacheFolderOption, openWorkCache } from "../../block_cache.ts";
import { EXIT_CODE } from "../../exit_codes.ts";
import { cacheStatusLines } from "../../output/cache.ts";
import type { Execute } from "../../session.ts";
import { jsonOption, quietOption } from "../../shared_options.ts";

/** Makes the command. */
export function statusCommand(execute: Execute): CommandUnknownOpts {
  return new Command("status")
    .summary("print what is in the cache")
    .description("Prints how many blocks are in the cache, its limits, and what is pinned.")
    .addOption(cacheFolderOption)
    .addOption(quietOption)
    .addOption(jsonOption)
    .action((options) =>
      execute(options, async (session) => {
        await using cache = await openWorkCache(options, session);
        const status = await cache.status({ signal: session.signal });
        await session.result(() => ({ ...status }), () => cacheStatusLines(status));
        return EXIT_CODE.ok;
      })
    );
}
