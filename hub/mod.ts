/**
 * The hub: what `myfs-hub` runs, and what `deno serve hub/mod.ts` serves. The latter takes its
 * configuration from the environment (`MYFS_HUB_CONFIG_PATH` and the like); it has no bounds of time
 * on headers and idle connections, and belongs behind a proxy.
 *
 * @module
 */

import { createHubApp } from "./app.ts";
import type { HubApp } from "./context.ts";
import { loadConfig } from "./config/load_config.ts";
import { type OpenHub, openHub } from "./open_hub.ts";

export { ConfigError, type HubConfig, loadConfig } from "./config/load_config.ts";
export { exampleConfig } from "./config/example_config.ts";
export { collectGarbage } from "./cleaning.ts";
export { type OpenAccounts, openAccounts, type OpenContent, openContent } from "./open_hub.ts";
export { serveHub, type ServingHub } from "./serve.ts";

let opened: Promise<{ readonly hub: OpenHub; readonly app: HubApp }> | undefined;

async function open(): Promise<{ readonly hub: OpenHub; readonly app: HubApp }> {
  const hub = await openHub(await loadConfig());
  return { hub, app: createHubApp(hub) };
}

/** For `deno serve`: opens the hub when it starts to listen, which ends where that fails. */
export default {
  async onListen(address: Deno.Addr): Promise<void> {
    opened ??= open();
    try {
      const { hub } = await opened;
      const place = "hostname" in address
        ? `http://${address.hostname}:${address.port}`
        : `unix:${"path" in address ? address.path : ""}`;
      hub.log.info("serving", { addresses: [place] });
    } catch (error) {
      // deno-lint-ignore no-console -- there is no command line around it
      console.error(`error: ${error instanceof Error ? error.message : error}`);
      Deno.exit(1);
    }
  },
  async fetch(request: Request, info?: Deno.ServeHandlerInfo): Promise<Response> {
    opened ??= open();
    const { app } = await opened;
    const peer = info?.remoteAddr;
    const where = peer !== undefined && "hostname" in peer ? { remoteAddress: peer.hostname } : {};
    return await app.fetch(request, where);
  },
};
