/**
 * Options that say how much is asked of stores, and how patiently; the same on every command that
 * reads or writes blocks.
 *
 * @module
 */

import { InvalidArgumentError, Option } from "@commander-js/extra-typings";
import type { StoreTuning } from "myfs";
import { hubCredentialsOption } from "./hub_credentials.ts";
import { wholeNumber } from "./shared_options.ts";

const GROUP = "Options for stores:";

/** `--timeout` */
export const timeoutOption = new Option(
  "--timeout <seconds>",
  "how long a store on the network may take to answer (default: 30)",
).argParser(wholeNumber(1, 86_400)).helpGroup(GROUP);

/** `--retries` */
export const retriesOption = new Option(
  "--retries <count>",
  "how often a request that fails for the moment is made again (default: 5)",
).argParser(wholeNumber(0, 99)).helpGroup(GROUP);

/** `--concurrency` */
export const concurrencyOption = new Option(
  "--concurrency <count>",
  "requests under way at once to each store on the network",
).argParser(wholeNumber(1, 10_000)).helpGroup(GROUP);

/** `--limit-rate` */
export const limitRateOption = new Option(
  "--limit-rate <bytes>",
  "bytes of blocks a second, such as 500K or 10M",
).argParser(byteCount).helpGroup(GROUP);

/** What the options gave. */
export interface TuningOptions {
  readonly timeout?: number;
  readonly retries?: number;
  readonly concurrency?: number;
  readonly limitRate?: number;
}

/** The library's option that says the same, and who the user is to hubs. */
export async function tuningOf(
  options: TuningOptions,
): Promise<{ readonly storeOptions: StoreTuning }> {
  const { timeout, retries, concurrency, limitRate } = options;
  return {
    storeOptions: {
      ...(timeout === undefined ? {} : { deadlineMs: timeout * 1000 }),
      ...(retries === undefined ? {} : { attempts: retries + 1 }),
      ...(concurrency === undefined ? {} : { concurrency }),
      ...(limitRate === undefined ? {} : { bytesPerSecond: limitRate }),
      ...await hubCredentialsOption(),
    },
  };
}

const FACTORS: Readonly<Record<string, number>> = {
  "": 1,
  K: 1024,
  M: 1024 ** 2,
  G: 1024 ** 3,
  T: 1024 ** 4,
};

/** Reads a number of bytes such as `1000`, `500K`, `1.5M` or `10GiB`; KB and MB could mean two things. */
export function byteCount(text: string): number {
  const match = /^(\d{1,15}(?:\.\d{1,6})?)(?:([KMGT])(?:iB)?)?$/i.exec(text);
  const factor = FACTORS[match?.[2]?.toUpperCase() ?? ""]!;
  const value = match === null ? 0 : Math.floor(Number(match[1]) * factor);
  if (value >= 1 && Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError("Expected a number of bytes such as 500K or 10M");
}
