/**
 * `myfs upload-dir` and `myfs download-dir`: directories on a hub.
 *
 * @module
 */

import { Command, type CommandUnknownOpts, Option } from "@commander-js/extra-typings";
import { stateOptions } from "../cache_folder.ts";
import { examplesText } from "../help.ts";
import { hubOption, openNamedHub, serverOption } from "../hub.ts";
import { formatBytes, formatNoun } from "../output/format.ts";
import { packSummary, unpackSummary } from "../output/summaries.ts";
import { excludeOption } from "../pack_options.ts";
import { warnOfGaps } from "../partial_result.ts";
import { UsageError } from "../problem.ts";
import type { Execute, Session } from "../session.ts";
import { jobsOption, jsonOption, quietOption, required } from "../shared_options.ts";

interface UploadOptions {
  readonly hub?: string;
  readonly server?: string;
  readonly flistOutput?: string;
  readonly name?: string;
  readonly public?: true;
  readonly profile?: "myfs" | "rfs";
  readonly jobs?: number;
  readonly exclude?: readonly string[];
}

/** Makes `upload-dir`. */
export function uploadDirectoryCommand(execute: Execute): CommandUnknownOpts {
  return new Command("upload-dir")
    .summary("store a directory on a hub")
    .description(
      "Uploads each file of a directory and prints its hash and path. With --create-flist it packs " +
        "the directory to the hub instead, flist and blocks, with all names and attributes, and " +
        "prints the flist's hash, by which download-dir brings it back.",
    )
    .argument("<directory>", "the directory")
    .option("--create-flist", "as an image")
    .option("--flist-output <file>", "keep the flist here as well")
    .option("--name <user/name:tag>", "publish the flist under this name of yours")
    .option("--public", "everybody may see it under its name")
    .addOption(
      new Option("--profile <profile>", "how blocks are made; rfs's hub takes those of rfs only")
        .choices(["myfs", "rfs"] as const),
    )
    .addOption(excludeOption)
    .addOption(jobsOption)
    .addOption(hubOption)
    .addOption(serverOption)
    .addOption(quietOption)
    .addOption(jsonOption)
    .addHelpText(
      "after",
      examplesText(
        ["Upload the files", "myfs upload-dir --hub hub://127.0.0.1:3000 ./photos"],
        ["Upload it as an image", "myfs upload-dir --create-flist ./site"],
        [
          "Publish it under a name",
          "myfs upload-dir --create-flist --name alice/site:1.0 --public ./site",
        ],
      ),
    )
    .action((directory, options) =>
      execute(options, async (session) => {
        if (options.createFlist === true) return await uploadImage(directory, options, session);
        refuseMisplaced(options);
        const client = await openNamedHub(options, session);
        const { uploadDirectory } = await import("myfs");
        const report = await uploadDirectory(client, directory, {
          ...(options.exclude === undefined ? {} : { exclude: options.exclude }),
          signal: session.signal,
          onProgress: session.onProgress,
        });
        const { files, size, sentBytes } = report;
        await session.result(
          () => ({ hub: client.hub.name, ...report }),
          () => files.map(({ hash, path }) => `${hash}  ${path}`),
        );
        session.note(() => [
          `Uploaded ${formatNoun(files.length, "file")} of ${formatBytes(size)} to ` +
          `${client.hub.name}; ${formatBytes(sentBytes)} had to be sent`,
        ]);
        return warnOfGaps(session, report);
      }, { onInterrupt: "what was uploaded is kept for the next attempt" })
    );
}

async function uploadImage(
  directory: string,
  { flistOutput, name, public: isPublic, profile, jobs, exclude, ...hub }: UploadOptions,
  session: Session,
): Promise<number> {
  if (isPublic === true && name === undefined) {
    throw new UsageError("Option '--public' takes a name", "Give it with --name user/name:tag.");
  }
  const client = await openNamedHub(hub, session);
  const { parseHubFlist, uploadTree } = await import("myfs");
  const reference = name === undefined ? undefined : parseHubFlist(`${client.hub.name}/${name}`);
  if (reference?.kind === "digest") {
    throw new UsageError("A flist is published under a name", "Write --name user/name:tag.");
  }
  const { hash, pack } = await uploadTree(client, directory, {
    ...(flistOutput === undefined ? {} : { meta: flistOutput }),
    ...(reference === undefined ? {} : { name: reference }),
    ...(isPublic === true ? { visibility: "public" } : {}),
    ...(profile === undefined ? {} : { profile }),
    ...(jobs === undefined ? {} : { jobs }),
    ...(exclude === undefined ? {} : { exclude }),
    ...stateOptions(),
    signal: session.signal,
    onProgress: session.onProgress,
  });
  const { meta: _temporary, ...packed } = pack;
  const kept = flistOutput === undefined ? {} : { meta: flistOutput };
  await session.result(() => ({ hub: client.hub.name, hash, ...packed, ...kept }), () => [hash]);
  session.note(() => packSummary(directory, { ...pack, meta: flistOutput ?? client.hub.name }));
  return warnOfGaps(session, pack);
}

/** Options that would have no effect are refused. */
function refuseMisplaced(options: UploadOptions): void {
  const flags = {
    "--flist-output": options.flistOutput,
    "--name": options.name,
    "--public": options.public,
    "--profile": options.profile,
    "--jobs": options.jobs,
  };
  for (const [flag, value] of Object.entries(flags)) {
    if (value !== undefined) throw new UsageError(`Option '${flag}' takes --create-flist`);
  }
}

/** Makes `download-dir`. */
export function downloadDirectoryCommand(execute: Execute): CommandUnknownOpts {
  return new Command("download-dir")
    .summary("get a directory from a hub")
    .description(
      "Unpacks an image that a hub has, flist and blocks: the one with the hash that upload-dir " +
        "--create-flist printed, or with a name. For flists whose blocks are elsewhere, use unpack.",
    )
    .argument("<hash-or-name>", "hash of the flist, or user/name:tag")
    .option("-o, --output <directory>", "the directory to fill; made where it is missing")
    .option("--preserve-ownership", "restore users and groups (needs root)")
    .addOption(jobsOption)
    .addOption(hubOption)
    .addOption(serverOption)
    .addOption(quietOption)
    .addOption(jsonOption)
    .addHelpText(
      "after",
      examplesText(
        ["Get it by its hash", `myfs download-dir ${"ab".repeat(32)} --output ./site`],
        ["Get it by its name", "myfs download-dir alice/site:1.0 -o ./site"],
      ),
    )
    .action((flist, { output, preserveOwnership, jobs, ...options }) =>
      execute(options, async (session) => {
        const target = required(output, "--output <directory>");
        const client = await openNamedHub(options, session);
        const { downloadTree } = await import("myfs");
        const report = await downloadTree(client, flist, target, {
          ...(preserveOwnership === undefined ? {} : { preserveOwnership }),
          ...(jobs === undefined ? {} : { jobs }),
          signal: session.signal,
          onProgress: session.onProgress,
        });
        await session.result(() => ({ hub: client.hub.name, ...report }));
        session.note(() => unpackSummary(report, flist));
        return warnOfGaps(session, report);
      }, { onInterrupt: "nothing of it stays in the target" })
    );
}
