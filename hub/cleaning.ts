/**
 * What a hub removes by itself, and when somebody asks for it.
 *
 * @module
 */

import type { GarbageOptions, GarbageReport } from "./content/garbage.ts";
import type { Hub } from "./context.ts";

const DAY_MS = 86_400_000;

/** Removes what nobody needs any more, each kind whatever becomes of the others. */
export async function cleanUp(
  hub: Pick<Hub, "content" | "jobs" | "accounts" | "audit" | "log" | "config" | "now">,
): Promise<void> {
  const { accounts, jobs, audit, log, now } = hub;
  const { audit_retention_days: days } = hub.config;
  const works: (() => Promise<unknown>)[] = [
    () => accounts.clean(),
    () => jobs.clean(),
    () => collectGarbage(hub, "hub"),
    ...(days === 0 ? [] : [() => audit.forget(now() - days * DAY_MS)]),
  ];
  for (const work of works) {
    try {
      await work();
    } catch (error) {
      log.warn("what nobody needs any more could not be removed", { error });
    }
  }
}

/** Removes what nobody needs any more of what the hub keeps, and notes it where there was some. */
export async function collectGarbage(
  { content, audit }: Pick<Hub, "content" | "audit">,
  actor: string,
  options: GarbageOptions = {},
): Promise<GarbageReport> {
  const report = await content.collectGarbage(options);
  const { blocks, blockBytes, flists, uploads } = report;
  if (options.dryRun !== true && blocks + flists + uploads > 0) {
    const detail = `blocks ${blocks} bytes ${blockBytes} flists ${flists} uploads ${uploads}`;
    await audit.record({ actor, action: "garbage.collect", detail });
  }
  return report;
}
