/**
 * `myfs upload`, `myfs download` and `myfs exists`: files on a hub.
 *
 * @module
 */

import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { EXIT_CODE } from "../exit_codes.ts";
import { examplesText } from "../help.ts";
import { hubOption, openNamedHub, serverOption } from "../hub.ts";
import { formatBytes } from "../output/format.ts";
import type { Execute, Session } from "../session.ts";
import { jsonOption, quietOption } from "../shared_options.ts";

/** A hash of a file, for examples. */
const HASH = "ab".repeat(32);

/** Makes `upload`. */
export function uploadCommand(execute: Execute): CommandUnknownOpts {
  return new Command("upload")
    .summary("store a file on a hub")
    .description(
      "Uploads a file and prints its hash, by which it is downloaded: its SHA-256, or what rfs's hub " +
        "knows it by. An upload that was interrupted goes on where it stopped; what the hub has " +
        "already is not sent.",
    )
    .argument("<file>", "the file")
    .addOption(hubOption)
    .addOption(serverOption)
    .addOption(quietOption)
    .addOption(jsonOption)
    .addHelpText(
      "after",
      examplesText(["Upload", "myfs upload --hub hub://127.0.0.1:3000 disk.img"]),
    )
    .action((file, options) =>
      execute(options, async (session) => {
        const client = await openNamedHub(options, session);
        const { uploadFile } = await import("myfs");
        const report = await uploadFile(client, file, transferOf(session, "store"));
        await session.result(() => ({ hub: client.hub.name, ...report }), () => [report.hash]);
        return EXIT_CODE.ok;
      }, { onInterrupt: "what was uploaded is kept for the next attempt" })
    );
}

/** Makes `download`. */
export function downloadCommand(execute: Execute): CommandUnknownOpts {
  return new Command("download")
    .summary("get a file from a hub")
    .description(
      "Downloads a file by its hash. It appears complete and checked, or not at all; a download " +
        "that was interrupted goes on where it stopped.",
    )
    .argument("<hash>", "what upload printed")
    .option("-o, --output <file>", "where to put it (default: the hash, in this directory)")
    .addOption(hubOption)
    .addOption(serverOption)
    .addOption(quietOption)
    .addOption(jsonOption)
    .addHelpText(
      "after",
      examplesText(["Download", `myfs download ${HASH} --output disk.img`]),
    )
    .action((hash, options) =>
      execute(options, async (session) => {
        const client = await openNamedHub(options, session);
        const { downloadFile } = await import("myfs");
        const target = options.output ?? hash;
        const report = await downloadFile(client, hash, target, transferOf(session, "read"));
        await session.result(() => ({ hub: client.hub.name, target, ...report }));
        session.note(() => [`Downloaded ${hash} to ${target}, ${formatBytes(report.size)}`]);
        return EXIT_CODE.ok;
      }, { onInterrupt: "what was downloaded is kept for the next attempt" })
    );
}

/** Makes `exists`. */
export function existsCommand(execute: Execute): CommandUnknownOpts {
  return new Command("exists")
    .summary("whether a hub has a file or a block")
    .description(
      "Says whether a hub has a file or a block, by its hash or by a file here with the same " +
        "content; ends with 10 where it has neither.",
    )
    .argument("<hash-or-file>", "hash of a file or a block, or path of a file")
    .addOption(hubOption)
    .addOption(serverOption)
    .addOption(quietOption)
    .addOption(jsonOption)
    .addHelpText(
      "after",
      examplesText(
        ["Ask for what has a hash", `myfs exists ${HASH}`],
        ["Ask for a file that is here", "myfs exists ./disk.img"],
      ),
    )
    .action((named, options) =>
      execute(options, async (session) => {
        const client = await openNamedHub(options, session);
        const { existsAtHub, findAtHub } = await import("myfs");
        const call = { signal: session.signal };
        const isHash = /^[0-9a-f]{64}$/.test(named);
        const hash = isHash ? named : await findAtHub(client, named, call);
        const found = isHash
          ? await existsAtHub(client, named, call)
          : { file: hash !== undefined, block: false };
        const what = found.file ? "a file" : found.block ? "a block" : "not there";
        await session.result(() => ({ hub: client.hub.name, hash, ...found }), () => [what]);
        return found.file || found.block ? EXIT_CODE.ok : EXIT_CODE.missing;
      })
    );
}

/** Moves a file under the eyes of the session. */
function transferOf(
  { signal, onProgress }: Session,
  phase: "store" | "read",
): { readonly signal: AbortSignal; onBytes(bytes: number, total: number): void } {
  return {
    signal,
    onBytes: (bytes, bytesTotal) => onProgress({ phase, entries: 0, bytes, bytesTotal }),
  };
}
