/**
 * `myfs cache verify`: every block in the cache is right.
 *
 * @module
 */

import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { cacheFolderOption, openWorkCache } from "../../block_cache.ts";
import { EXIT_CODE } from "../../exit_codes.ts";
import { damagedLines, verifySummary } from "../../output/cache.ts";
import type { Execute } from "../../session.ts";
import { jsonOption, quietOption } from "../../shared_options.ts";

/** Makes the command. */
export function verifyCommand(execute: Execute): CommandUnknownOpts {
  return new Command("verify")
    .summary("check every block, and remove the bad ones")
    .description(
      "Checks every block in the cache against its id, and removes those that are damaged, which are " +
        "printed. Exit code 11 means that there were some. They are fetched again when they are " +
        "next read.",
    )
    .addOption(cacheFolderOption)
    .addOption(quietOption)
    .addOption(jsonOption)
    .action((options) =>
      execute(options, async (session) => {
        await using cache = await openWorkCache(options, session);
        const { signal, onProgress } = session;
        const report = await cache.verify({ signal, onProgress });
        await session.result(
          () => ({ folder: cache.folder, ...report }),
          () => damagedLines(report),
        );
        session.note(() => verifySummary(cache.folder, report));
        return report.damaged.length > 0 ? EXIT_CODE.corrupt : EXIT_CODE.ok;
      })
    );
}
