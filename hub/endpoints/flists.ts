/**
 * Flists by name and tag.
 *
 * @module
 */

import { FLIST_MEDIA_TYPE } from "../../lib/hub_api/endpoints.ts";
import { RFS_PAGE_SIZE_MAX } from "../../lib/hub_api/messages/mod.ts";
import { declaredLength } from "../content/body.ts";
import type { Content } from "../content/content.ts";
import type { HubApp, HubContext } from "../context.ts";
import { registerEndpoint } from "../endpoint.ts";
import { callerWith } from "../middleware/authentication.ts";
import { answerBytes, IMMUTABLE, PRIVATE_IMMUTABLE, REVALIDATED } from "./byte_answer.ts";
import { attachment } from "./content_disposition.ts";
import { writableNamespace } from "./flist_reference.ts";

/** Registers the endpoints of flists. */
export function registerFlistEndpoints(app: HubApp, content: Content): void {
  const { flists } = content;
  const readerOf = (context: HubContext): string | undefined => context.get("caller")?.user;

  registerEndpoint(app, "flists", async (context, { query }) => {
    const { page, query: text, user } = query;
    const perPage = Math.min(query.per_page, RFS_PAGE_SIZE_MAX);
    const found = await flists.list(readerOf(context), { page, perPage, query: text, user });
    return context.json({ ...found, page, per_page: perPage });
  });
  // Before those with a user in its place.
  registerEndpoint(app, "getFlistByDigest", async (context, { params }) => {
    const { digest, size, isPublic } = await flists.getByDigest(params.sha256, readerOf(context));
    return await answerBytes(context, {
      digest,
      size,
      mediaType: FLIST_MEDIA_TYPE,
      cacheControl: isPublic ? IMMUTABLE : PRIVATE_IMMUTABLE,
      headers: { "content-disposition": attachment(`${digest}.fl`) },
      read: (start, end) => flists.read(digest, start, end),
    });
  });
  registerEndpoint(app, "flistHistory", async (context, { params }) => {
    return context.json(await flists.history(params.user, params.name, readerOf(context)));
  });
  registerEndpoint(app, "getFlist", async (context, { params }) => {
    const { digest, size } = await flists.get(params, readerOf(context));
    return await answerBytes(context, {
      digest,
      size,
      mediaType: FLIST_MEDIA_TYPE,
      cacheControl: REVALIDATED,
      headers: { "content-disposition": attachment(`${params.name}-${params.tag}.fl`) },
      read: (start, end) => flists.read(digest, start, end),
    });
  });
  registerEndpoint(app, "hasFlist", () => new Response(null));
  registerEndpoint(app, "putFlist", async (context, { params, query }) => {
    const caller = callerWith(context, "write");
    writableNamespace(caller, params.user);
    const declared = declaredLength(context.req.header("content-length"));
    await flists.expectRoom(params, declared ?? 0);
    await using incoming = await flists.receive();
    for await (const bytes of context.req.raw.body ?? []) await incoming.write(bytes);
    const { info, isNew } = await flists.publish(incoming, {
      reference: params,
      actor: caller.user,
      visibility: query.visibility,
    });
    context.header("etag", `"${info.digest}"`);
    return context.json(info, isNew ? 201 : 200);
  });
  registerEndpoint(app, "changeFlist", async (context, { params, body }) => {
    writableNamespace(callerWith(context, "write"), params.user);
    return context.json(await flists.change(params, body.visibility));
  });
  registerEndpoint(app, "deleteFlist", async (context, { params }) => {
    const caller = callerWith(context, "write");
    writableNamespace(caller, params.user);
    await flists.remove(params, caller.user);
    return context.body(null, 204);
  });
}
