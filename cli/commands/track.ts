/**
 * `myfs track` and `myfs track-blocks`: what becomes of one's blocks on a hub.
 *
 * @module
 */

import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import type { TrackedBlock } from "myfs";
import { EXIT_CODE } from "../exit_codes.ts";
import { examplesText } from "../help.ts";
import { hubOption, openNamedHub, serverOption } from "../hub.ts";
import { formatBytes, formatCount } from "../output/format.ts";
import type { Execute } from "../session.ts";
import { jsonOption, quietOption } from "../shared_options.ts";

/** Makes `track`. */
export function trackCommand(execute: Execute): CommandUnknownOpts {
  return new Command("track")
    .summary("how many blocks you have on a hub, and how often they were downloaded")
    .description(
      "Says how many blocks you have on a hub, how large they are together, and how often they " +
        "were downloaded. It asks for each block by itself.",
    )
    .addOption(hubOption)
    .addOption(serverOption)
    .addOption(quietOption)
    .addOption(jsonOption)
    .addHelpText("after", examplesText(["Ask", "myfs track --hub hub://127.0.0.1:3000"]))
    .action((options) =>
      execute(options, async (session) => {
        const client = await openNamedHub(options, session);
        const { countBlocksAtHub, trackBlocks } = await import("myfs");
        const call = { signal: session.signal };
        const { own, all } = await countBlocksAtHub(client, call);
        let [blocks, bytes, downloads] = [0, 0, 0];
        for await (const block of trackBlocks(client, call)) {
          blocks++;
          bytes += block.size;
          downloads += block.downloads;
          session.onProgress({ phase: "scan", entries: blocks, entriesTotal: own, bytes });
        }
        await session.result(
          () => ({ hub: client.hub.name, blocks, bytes, downloads, blocksOfAll: all }),
          () => [
            `blocks     ${formatCount(blocks)} of the ${formatCount(all)} on ${client.hub.name}`,
            `size       ${formatBytes(bytes)}`,
            `downloads  ${formatCount(downloads)}`,
          ],
        );
        return EXIT_CODE.ok;
      })
    );
}

/** Makes `track-blocks`. */
export function trackBlocksCommand(execute: Execute): CommandUnknownOpts {
  return new Command("track-blocks")
    .summary("how often each block was downloaded from a hub")
    .description(
      "Prints blocks with the times they were downloaded and their bytes: those that are named, or " +
        "all of yours.",
    )
    .argument("[id...]", "ids of blocks")
    .addOption(hubOption)
    .addOption(serverOption)
    .addOption(quietOption)
    .addOption(jsonOption)
    .addHelpText(
      "after",
      examplesText(
        ["Find those in demand", "myfs track-blocks | sort -k 2 -n"],
        ["Ask for one", `myfs track-blocks ${"ab".repeat(32)}`],
      ),
    )
    .action((ids, options) =>
      execute(options, async (session) => {
        const client = await openNamedHub(options, session);
        const { trackBlocks } = await import("myfs");
        const blocks: TrackedBlock[] = [];
        const tracked = trackBlocks(client, {
          signal: session.signal,
          ...(ids.length === 0 ? {} : { ids }),
        });
        for await (const block of tracked) {
          blocks.push(block);
          session.onProgress({ phase: "scan", entries: blocks.length, bytes: 0 });
        }
        await session.result(
          () => ({ hub: client.hub.name, blocks }),
          () => blocks.map(({ id, downloads, size }) => `${id} ${downloads} ${size}`),
        );
        return EXIT_CODE.ok;
      })
    );
}
