/**
 * `myfs pack`: a directory or an archive becomes a flist and blocks.
 *
 * @module
 */

import { Command, type CommandUnknownOpts, Option } from "@commander-js/extra-typings";
import {
  type ArchiveLimitFlags,
  entriesMaxOption,
  limitsOf,
  plainBytesMaxOption,
  ratioMaxOption,
} from "../archive_limits.ts";
import { stateOptions } from "../cache_folder.ts";
import { flistToWrite, localFlist } from "../flist_reference.ts";
import { examplesText } from "../help.ts";
import { packSummary } from "../output/summaries.ts";
import { warnOfGaps } from "../partial_result.ts";
import type { Execute } from "../session.ts";
import {
  collect,
  jobsOption,
  jsonOption,
  quietOption,
  required,
  storeOption,
  storesOf,
  storeSpecOption,
  wholeNumber,
} from "../shared_options.ts";
import {
  concurrencyOption,
  limitRateOption,
  retriesOption,
  timeoutOption,
  tuningOf,
} from "../store_tuning.ts";
import { collectTag } from "../tag.ts";

/** Makes the command. */
export function packCommand(execute: Execute): CommandUnknownOpts {
  return new Command("pack")
    .summary("turn a directory or an archive into a flist and blocks")
    .description(
      "Packs a directory, or a tar archive that is plain or compressed by gzip or zstd: its blocks go to a store, its tree to a flist. Blocks that the store has " +
        "already are not written again, so a pack that was interrupted goes on quickly.",
    )
    .argument("<source>", "the directory or archive to pack, - for an archive on standard input")
    .option("-m, --meta <flist>", "the flist to write")
    .addOption(storeOption(
      "where blocks go, such as dir:///path; repeatable, also with a range of ids in front: " +
        "00-7f=dir:///path",
    ))
    .addOption(storeSpecOption)
    .addOption(
      new Option("--profile <profile>", "how blocks are made; rfs is for readers of that format")
        .choices(["myfs", "rfs"]).default("myfs" as const),
    )
    .option("--base <flist>", "an earlier flist: what has not changed since is not read again")
    .option("--trust-base", "build on a base that was not made here")
    .option("--exclude <pattern>", "leave out paths that match the glob; repeatable", collect)
    .option("--one-file-system", "stay on the directory's file system")
    .option("--level <level>", "zstd's compression level, 1 to 19 (default: 3)", wholeNumber(1, 19))
    .addOption(entriesMaxOption("an archive"))
    .addOption(plainBytesMaxOption("an archive"))
    .addOption(ratioMaxOption("an archive"))
    .addOption(jobsOption)
    .option("--tag <key=value>", "tag the flist; repeatable", collectTag)
    .option("--no-strip-password", "keep passwords of store URLs in the flist")
    .addOption(quietOption)
    .addOption(jsonOption)
    .addOption(timeoutOption)
    .addOption(retriesOption)
    .addOption(concurrencyOption)
    .addOption(limitRateOption)
    .addHelpText(
      "after",
      examplesText(
        [
          "Pack a tree into a local store",
          "myfs pack --meta tree.fl --store dir:///srv/blocks ./tree",
        ],
        [
          "Pack an archive without unpacking it",
          "myfs pack --meta tree.fl --store dir:///srv/blocks tree.tar.zst",
        ],
        [
          "Spread the blocks over two disks",
          "myfs pack -m tree.fl -s 00-7f=dir:///disk1 -s 80-ff=dir:///disk2 ./tree",
        ],
        [
          "Pack the next version, reading only what has changed",
          "myfs pack -m new.fl --base tree.fl -s dir:///srv/blocks ./tree",
        ],
      ),
    )
    .action((source, options) =>
      execute(options, async (session) => {
        const meta = flistToWrite(required(options.meta, "--meta <flist>"));
        const store = required(storesOf(options), "--store <spec>");
        const { packDirectory, packTar } = await import("myfs");
        // The options have the library's names; only those that differ are spelt out.
        const common = {
          ...options,
          ...await tuningOf(options),
          ...stateOptions(),
          ...(options.base === undefined ? {} : { base: await localFlist(options.base, session) }),
          meta,
          store,
          keepSecrets: !options.stripPassword,
          tags: options.tag ?? {},
          signal: session.signal,
          onProgress: session.onProgress,
        };
        const isArchive = await namesArchive(source);
        refuseMisplaced(isArchive, options);
        const report = isArchive
          ? await packTar(source === "-" ? Deno.stdin.readable : source, {
            ...common,
            limits: limitsOf(options),
          })
          : await packDirectory(source, common);
        await session.result(() => ({ ...report }));
        session.note(() => packSummary(source, report));
        return warnOfGaps(session, report);
      }, {
        onInterrupt: "no flist was written, and blocks that were stored will be reused",
      })
    );
}

/** Whether `source` is something to be read, not a directory. What is wrong with it shows later. */
async function namesArchive(source: string): Promise<boolean> {
  if (source === "-") return true;
  try {
    return !(await Deno.stat(source)).isDirectory;
  } catch {
    return false;
  }
}

interface DirectoryOptions {
  readonly base?: string | undefined;
  readonly trustBase?: boolean | undefined;
  readonly oneFileSystem?: boolean | undefined;
}

/** Options that would have no effect are refused. */
function refuseMisplaced(isArchive: boolean, options: ArchiveLimitFlags & DirectoryOptions): void {
  const misplaced = isArchive
    ? {
      base: options.base,
      "trust-base": options.trustBase,
      "one-file-system": options.oneFileSystem,
    }
    : {
      "entries-max": options.entriesMax,
      "plain-bytes-max": options.plainBytesMax,
      "ratio-max": options.ratioMax,
    };
  for (const [name, value] of Object.entries(misplaced)) {
    if (value === undefined) continue;
    const what = isArchive ? "a directory" : "an archive";
    throw new RangeError(`Cannot use --${name}: it is for ${what} as the source only`);
  }
}
