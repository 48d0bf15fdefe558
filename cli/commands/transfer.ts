/**
 * `myfs upload`, `myfs download` and `myfs exists`: files on a hub.
 *
 * @module
 */

import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { EXIT_CODE } from "../exit_codes.ts";
import { examplesText } from "../help.ts";
import { hubOption, openHub } from "../hub.ts";
import type { Execute } from "../session.ts";
import { jsonOption, quietOption } from "../shared_options.ts";

/** Makes `upload`. */
export function uploadCommand(execute: Execute): CommandUnknownOpts {
  return new Command("upload")
    .summary("store a file on a hub")
    .description(
      "Uploads a file and prints its SHA-256, by which it is downloaded. An upload that was " +
        "interrupted goes on where it stopped; what the hub has already is not sent.",
    )
    .argument("<file>", "the file")
    .addOption(hubOption)
    .addOption(quietOption)
    .addOption(jsonOption)
    .addHelpText(
      "after",
      examplesText(["Upload", "myfs upload --hub hub://127.0.0.1:3000 disk.img"]),
    )
    .action((file, options) =>
      execute(options, async (session) => {
        const client = await openHub(options.hub, session);
        const { uploadFile } = await import("myfs");
        const report = await uploadFile(client, file, { signal: session.signal });
        await session.result(() => ({ hub: client.hub.name, ...report }), () => [report.sha256]);
        return EXIT_CODE.ok;
      }, { onInterrupt: "what was uploaded is kept for the next attempt" })
    );
}

/** Makes `download`. */
export function downloadCommand(execute: Execute): CommandUnknownOpts {
  return new Command("download")
    .summary("get a file from a hub")
    .description(
      "Downloads a file by its SHA-256. It appears complete and checked, or not at all; a download " +
        "that was interrupted goes on where it stopped.",
    )
    .argument("<sha256>", "what upload printed")
    .option("-o, --output <file>", "where to put it (default: the digest, in this directory)")
    .addOption(hubOption)
    .addOption(quietOption)
    .addOption(jsonOption)
    .addHelpText(
      "after",
      examplesText(["Download", `myfs download ${"ab".repeat(32)} --output disk.img`]),
    )
    .action((sha256, options) =>
      execute(options, async (session) => {
        const client = await openHub(options.hub, session);
        const { downloadFile } = await import("myfs");
        const target = options.output ?? sha256;
        const report = await downloadFile(client, sha256, target, { signal: session.signal });
        await session.result(() => ({ hub: client.hub.name, target, ...report }));
        return EXIT_CODE.ok;
      }, { onInterrupt: "what was downloaded is kept for the next attempt" })
    );
}

/** Makes `exists`. */
export function existsCommand(execute: Execute): CommandUnknownOpts {
  return new Command("exists")
    .summary("whether a hub has a file or a block")
    .description("Says whether a hub has a file or a block; ends with 10 where it has neither.")
    .argument("<hash>", "hash of a file or a block")
    .addOption(hubOption)
    .addOption(quietOption)
    .addOption(jsonOption)
    .addHelpText("after", examplesText(["Ask", `myfs exists ${"ab".repeat(32)}`]))
    .action((hash, options) =>
      execute(options, async (session) => {
        const client = await openHub(options.hub, session);
        const { existsAtHub } = await import("myfs");
        const found = await existsAtHub(client, hash, { signal: session.signal });
        const what = found.file ? "a file" : found.block ? "a block" : "not there";
        await session.result(() => ({ hub: client.hub.name, hash, ...found }), () => [what]);
        return found.file || found.block ? EXIT_CODE.ok : EXIT_CODE.missing;
      })
    );
}
