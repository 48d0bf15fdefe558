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
import { openHub } from "./open_hub.ts";

export { ConfigError, type HubConfig, loadConfig } from "./config/load_config.ts";
export { exampleConfig } from "./config/example_config.ts";
export { type OpenAccounts, openAccounts } from "./open_hub.ts";
export { serveHub, type ServingHub } from "./serve.ts";

let app: Promise<HubApp> | undefined;

async function open(): Promise<HubApp> {
  return createHubApp(await openHub(await loadConfig()));
}

/** For `deno serve`: opens the hub when it starts to listen, which ends where that fails. */
export default {
  onListen(): void {
    app ??= open();
    app.catch((error) => {
      // deno-lint-ignore no-console -- there is no command line around it
      console.error(`error: ${error instanceof Error ? error.message : error}`);
      Deno.exit(1);
    });
  },
  async fetch(request: Request, info?: Deno.ServeHandlerInfo): Promise<Response> {
    app ??= open();
    const peer = info?.remoteAddr;
    const where = peer !== undefined && "hostname" in peer ? { remoteAddress: peer.hostname } : {};
    return await (await app).fetch(request, where);
  },
};
