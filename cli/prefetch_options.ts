/**
 * Options of what a mount fetches ahead, and of the order in which programs used it.
 *
 * @module
 */

import { Option } from "@commander-js/extra-typings";
import type { BlockId, ImageMount, Prefetch } from "myfs";
import { library } from "./library.ts";
import { UsageError } from "./problem.ts";
import { byteCount } from "./store_tuning.ts";

const GROUP = "Fetching ahead:";

/** `--prefetch` */
export const prefetchOption = new Option(
  "--prefetch <what>",
  "put blocks in the cache in the background: all, list (those of --trace-in), or none",
).choices(["all", "list", "none"] as const).helpGroup(GROUP);

/** `--prefetch-rate` */
export const prefetchRateOption = new Option(
  "--prefetch-rate <bytes>",
  "most bytes a second that are fetched so, such as 10M (default 32M)",
).argParser(byteCount).helpGroup(GROUP);

/** `--trace-in` */
export const traceInOption = new Option(
  "--trace-in <file>",
  "fetch what an earlier mount used first, in that order (implies --prefetch list)",
).helpGroup(GROUP);

/** `--trace-out` */
export const traceOutOption = new Option(
  "--trace-out <file>",
  "at the end, write which blocks were used, in the order of first use",
).helpGroup(GROUP);

/** What the options gave. */
export interface PrefetchOptions {
  readonly prefetch?: "all" | "list" | "none";
  readonly traceIn?: string;
}

/** Which blocks to fetch ahead. @throws {UsageError} when the options contradict each other. */
export async function prefetchOf(
  { prefetch, traceIn }: PrefetchOptions,
): Promise<{ readonly prefetch?: Prefetch }> {
  if (prefetch === "list" && traceIn === undefined) {
    throw new UsageError("--prefetch list needs a list", "Name the file with --trace-in.");
  }
  if (prefetch === "all" && traceIn !== undefined) {
    throw new UsageError("--prefetch all fetches everything, so --trace-in has no meaning");
  }
  if (prefetch === "none") return {};
  if (traceIn === undefined) return prefetch === "all" ? { prefetch } : {};
  return { prefetch: await readTrace(traceIn) };
}

async function readTrace(path: string): Promise<readonly BlockId[]> {
  const { parseUseTrace, USE_TRACE_SIZE_MAX } = await library();
  const { size, isFile } = await Deno.stat(path);
  // What is no file could be endless.
  if (!isFile || size > USE_TRACE_SIZE_MAX) {
    throw new UsageError(
      `Cannot read the trace ${path}: it is no file of at most ${USE_TRACE_SIZE_MAX} bytes`,
    );
  }
  return parseUseTrace(await Deno.readTextFile(path));
}

/** Writes what a mount used to `path`, whole or not at all. */
export async function writeTrace(path: string, mount: ImageMount): Promise<void> {
  const { formatUseTrace } = await library();
  const unfinished = `${path}.${crypto.randomUUID()}`;
  try {
    await Deno.writeTextFile(unfinished, formatUseTrace(mount.firstUses()), { createNew: true });
    await Deno.rename(unfinished, path);
  } catch (error) {
    await Deno.remove(unfinished).catch(() => {});
    throw error;
  }
}
