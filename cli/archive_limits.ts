/**
 * Options that bound what an archive, or the layers of an image, may ask for.
 *
 * @module
 */

import { Option } from "@commander-js/extra-typings";
import type { ArchiveLimits } from "myfs";
import { wholeNumber } from "./shared_options.ts";

/** Highest limit that an option takes. */
const COUNT_MAX = 999_999_999_999_999;

/** What the options gave. */
export interface ArchiveLimitFlags {
  readonly entriesMax?: number | undefined;
  readonly plainBytesMax?: number | undefined;
  readonly ratioMax?: number | undefined;
}

/** An option that takes a number. */
type NumberOption<Usage extends string> = Option<Usage, undefined, undefined, number>;

/** `--entries-max`: see {@link ArchiveLimits.entriesMax}. @param what Such as "an archive". */
export function entriesMaxOption(what: string): NumberOption<"--entries-max <count>"> {
  return new Option("--entries-max <count>", `most entries of ${what} (default: 1000000)`)
    .argParser(wholeNumber(1, COUNT_MAX));
}

/** `--plain-bytes-max`: see {@link ArchiveLimits.plainBytesMax}. */
export function plainBytesMaxOption(what: string): NumberOption<"--plain-bytes-max <bytes>"> {
  return new Option(
    "--plain-bytes-max <bytes>",
    `most bytes of ${what} without compression (default: 1 TiB)`,
  ).argParser(wholeNumber(1, COUNT_MAX));
}

/** `--ratio-max`: see {@link ArchiveLimits.ratioMax}. */
export function ratioMaxOption(what: string): NumberOption<"--ratio-max <ratio>"> {
  return new Option(
    "--ratio-max <ratio>",
    `how many times its size ${what} may come to, counted from 1 GiB on (default: 1000)`,
  ).argParser(wholeNumber(1, COUNT_MAX));
}

/** The library's limits that say the same. */
export function limitsOf(
  { entriesMax, plainBytesMax, ratioMax }: ArchiveLimitFlags,
): ArchiveLimits {
  return {
    ...(entriesMax === undefined ? {} : { entriesMax }),
    ...(plainBytesMax === undefined ? {} : { plainBytesMax }),
    ...(ratioMax === undefined ? {} : { ratioMax }),
  };
}
