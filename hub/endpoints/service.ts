/**
 * What the hub says of itself: health, readiness, metrics, name, and its API's documentation.
 *
 * @module
 */

import { parseBlockId } from "myfs";
import config from "../../deno.json" with { type: "json" };
import { HUB_ENDPOINTS } from "../../lib/hub_api/endpoints.ts";
import type { Hub, HubApp } from "../context.ts";
import { checkDatabase } from "../database/open_database.ts";
import { registerEndpoint } from "../endpoint.ts";

/** How long a part may take to answer, in milliseconds. */
const CHECK_TIMEOUT_MS = 3000;

const NO_BLOCK = parseBlockId("0".repeat(64));
const UI = "/swagger-ui";
const DOCUMENT = "/api-docs/openapi.json";

/** Files of the page, with their media types. The first is ours, the others swagger-ui's. */
const UI_FILES: Readonly<Record<string, string>> = {
  "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
  "swagger-ui.css": "text/css; charset=utf-8",
  "favicon-32x32.png": "image/png",
};

/** Nothing from elsewhere, and no script that does not lie beside the page. */
const UI_POLICY = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; " +
  "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; " +
  "frame-ancestors 'none'";

const UI_PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>myfs hub API</title>
<link rel="stylesheet" href="${UI}/swagger-ui.css">
<link rel="icon" href="${UI}/favicon-32x32.png">
<div id="ui"></div>
<script src="${UI}/swagger-ui-bundle.js"></script>
<script src="${UI}/start.js"></script>
</html>
`;

const UI_START =
  `SwaggerUIBundle({ url: "${DOCUMENT}", dom_id: "#ui", deepLinking: true, validatorUrl: null });\n`;

/** Registers the endpoints. */
export function registerServiceEndpoints(app: HubApp, hub: Hub): void {
  registerEndpoint(
    app,
    "health",
    (context) => context.json({ status: "ok", version: config.version }),
  );
  registerEndpoint(app, "ready", async (context) => {
    const [database, store] = await Promise.all([
      outcome(hub, "database", () => checkDatabase(hub.database)),
      outcome(hub, "store", (signal) => hub.store.has([NO_BLOCK], { signal })),
    ]);
    const checks = { database, store };
    const isReady = database === "ok" && store === "ok" && !hub.state.isDraining;
    const status = hub.state.isDraining ? "draining" : isReady ? "ready" : "not_ready";
    return context.json({ status, checks }, isReady ? 200 : 503);
  });
  registerEndpoint(app, "metrics", async (context) => {
    try {
      await hub.jobs.measure();
    } catch (error) {
      // The other figures say what is going on when the database is away.
      hub.log.warn("jobs could not be counted", { error });
    }
    return context.body(hub.metrics.text(), 200, { "content-type": "text/plain; version=0.0.4" });
  });
  registerEndpoint(app, "heroService", (context) =>
    context.json({
      name: "myfs",
      version: config.version,
      description: "Stores and serves flists, files and blocks",
      api: "/api/v1",
      openapi: DOCUMENT,
      health: HUB_ENDPOINTS.health.path,
    }));
  registerEndpoint(app, "service", (context) => context.json({ msg: "myfs hub" }));
  registerDocumentation(app);
}

function registerDocumentation(app: HubApp): void {
  app.openAPIRegistry.registerComponent("securitySchemes", "bearer", {
    type: "http",
    scheme: "bearer",
    description: "An access token of POST /api/v1/signin, or an API token",
  });
  let document: string | undefined;
  app.get(DOCUMENT, (context) => {
    context.set("endpoint", DOCUMENT);
    document ??= JSON.stringify(openApiDocument(app));
    return context.body(document, 200, { "content-type": "application/json" });
  });
  app.get(UI, (context) => {
    context.set("endpoint", UI);
    return context.html(UI_PAGE, 200, { "content-security-policy": UI_POLICY });
  });
  app.get(`${UI}/:file`, async (context) => {
    context.set("endpoint", `${UI}/{file}`);
    const file = context.req.param("file");
    const headers = { "cache-control": "public, max-age=86400" };
    if (file === "start.js") {
      return context.body(UI_START, 200, { ...headers, "content-type": "text/javascript" });
    }
    const type = Object.hasOwn(UI_FILES, file) ? UI_FILES[file] : undefined;
    if (type === undefined) return context.notFound();
    const { default: folder } = await import("swagger-ui-dist/absolute-path.js");
    const bytes = await Deno.readFile(`${folder()}/${file}`);
    return context.body(bytes, 200, { ...headers, "content-type": type });
  });
}

/** The OpenAPI document of all endpoints that are registered. */
export function openApiDocument(app: HubApp): unknown {
  const document = app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "myfs hub",
      version: config.version,
      description: "Stores and serves flists, files and blocks.",
      license: { name: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
  });
  return JSON.parse(JSON.stringify(document), (_name, value) => withLength(value));
}

/** A tuple is as long as it says, in words that older tools know as well. */
function withLength(value: unknown): unknown {
  if (typeof value !== "object" || value === null || !("prefixItems" in value)) return value;
  const { prefixItems, ...rest } = value;
  if (!Array.isArray(prefixItems)) return value;
  const { length } = prefixItems;
  return { ...rest, items: { anyOf: prefixItems }, minItems: length, maxItems: length };
}

async function outcome(
  hub: Hub,
  part: string,
  work: (signal: AbortSignal) => Promise<unknown>,
): Promise<"ok" | "failed"> {
  try {
    await work(AbortSignal.timeout(CHECK_TIMEOUT_MS));
    return "ok";
  } catch (error) {
    hub.log.warn("not ready", { part, error });
    return "failed";
  }
}
