/**
 * Signing in and out, API tokens, users, and the audit log.
 *
 * @module
 */

import { type Hub, type HubApp, type HubContext, originOf } from "../context.ts";
import { registerEndpoint } from "../endpoint.ts";
import { accountBuckets, callerWith, takeOne } from "../middleware/authentication.ts";

/** Rows that a page has at most. */
const PAGE_SIZE_MAX = 100;

/** Registers the endpoints. */
export function registerAccountEndpoints(app: HubApp, hub: Hub): void {
  const { accounts, audit } = hub;
  const buckets = accountBuckets(hub);
  const limit = (context: HubContext): void =>
    takeOne(context, buckets, `address:${context.get("address")}`);

  registerEndpoint(app, "signIn", async (context, { body }) => {
    limit(context);
    const pair = await accounts.signIn(body.username, body.password, originOf(context));
    return context.json(pair, 201);
  });
  registerEndpoint(app, "refreshToken", async (context, { body }) => {
    limit(context);
    return context.json(await accounts.refresh(body.refresh_token, originOf(context)));
  });
  registerEndpoint(app, "signOut", async (context, { body }) => {
    limit(context);
    await accounts.signOut(context.get("caller"), body.refresh_token, originOf(context));
    return context.body(null, 204);
  });
  registerEndpoint(app, "me", async (context) => {
    const { user, role, scopes, namespace } = callerWith(context, "signed-in");
    const { bytes_used, bytes_max, objects_used, objects_max } = await accounts.user(user);
    return context.json({
      user,
      role,
      scopes,
      ...(namespace === undefined ? {} : { namespace }),
      bytes_used,
      bytes_max,
      objects_used,
      objects_max,
    });
  });

  registerEndpoint(app, "tokens", async (context) => {
    const { user } = callerWith(context, "signed-in");
    return context.json({ tokens: await accounts.listTokens(user) });
  });
  registerEndpoint(app, "createToken", async (context, { body }) => {
    const caller = callerWith(context, "signed-in");
    return context.json(await accounts.createToken(caller, body, originOf(context)), 201);
  });
  registerEndpoint(app, "revokeToken", async (context, { params }) => {
    await accounts.revokeToken(callerWith(context, "signed-in"), params.id, originOf(context));
    return context.body(null, 204);
  });

  registerEndpoint(app, "users", async (context, { query }) => {
    const { page, per_page } = pageOf(query);
    return context.json({ ...await accounts.listUsers(page, per_page), page, per_page });
  });
  registerEndpoint(app, "createUser", async (context, { body }) => {
    const { user } = callerWith(context, "admin");
    return context.json(await accounts.createUser(body, user, originOf(context)), 201);
  });
  registerEndpoint(app, "changeUser", async (context, { params, body }) => {
    const { user } = callerWith(context, "admin");
    return context.json(await accounts.changeUser(params.name, body, user, originOf(context)));
  });
  registerEndpoint(app, "audit", async (context, { query }) => {
    const { page, per_page } = pageOf(query);
    const { actor, action } = query;
    const found = await audit.list({ actor, action, page, perPage: per_page });
    return context.json({ ...found, page, per_page });
  });
}

function pageOf(query: { readonly page: number; readonly per_page: number }): {
  readonly page: number;
  readonly per_page: number;
} {
  return { page: query.page, per_page: Math.min(query.per_page, PAGE_SIZE_MAX) };
}
