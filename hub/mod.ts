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
  const hub = await openHub(await loadConfig());
  if (hub.firstAdmin !== undefined) {
    const { name, password } = hub.firstAdmin;
    const text = `The first administrator is ${name} with the password ${password}\n`;
    Deno.stderr.writeSync(new TextEncoder().encode(text));
  }
  return createHubApp(hub);
}

/** Opens the hub with the first request. */
export default {
  async fetch(request: Request, info?: Deno.ServeHandlerInfo): Promise<Response> {
    app ??= open();
    const peer = info?.remoteAddr;
    const remoteAddress = peer !== undefined && "hostname" in peer ? peer.hostname : "unix";
    return await (await app).fetch(request, { remoteAddress });
  },
};
