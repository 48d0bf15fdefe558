/**
 * Options of the commands that make images, defined once so that they mean the same everywhere.
 *
 * @module
 */

import { Option } from "@commander-js/extra-typings";
import { collect, type RepeatableOption, wholeNumber } from "./shared_options.ts";
import { collectTag } from "./tag.ts";

/** `--profile`, where blocks are made. */
export const profileOption = new Option(
  "--profile <profile>",
  "how blocks are made; rfs is for readers of that format",
).choices(["myfs", "rfs"] as const).default("myfs" as const);

/** `--exclude` */
export const excludeOption: RepeatableOption<"--exclude <pattern>"> = new Option(
  "--exclude <pattern>",
  "leave out paths that match the glob; repeatable",
).argParser(collect);

/** `--level` */
export const levelOption = new Option(
  "--level <level>",
  "zstd's compression level, 1 to 19 (default: 3)",
).argParser(wholeNumber(1, 19));

/** `--tag` */
export const tagOption = new Option("--tag <key=value>", "tag the flist; repeatable")
  .argParser(collectTag);

/** `--no-strip-password`, of all commands that write routes. */
export const noStripPasswordOption = new Option(
  "--no-strip-password",
  "keep passwords of store URLs in the flist",
);
