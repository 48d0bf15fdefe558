/**
 * Flists by name and tag.
 *
 * @module
 */

import { FLIST_MEDIA_TYPE } from "../../lib/hub_api/endpoints.ts";
import { RFS_PAGE_SIZE_MAX } from "../../lib/hub_api/messages/mod.ts";
import { declaredLength } from "../content/body.ts";
import type { Content } from "../content/content.ts";
import type { FlistReference } from "../content/flists.ts";
import { type HubApp, type HubContext, type Notes, originOf } from "../context.ts";
import { registerEndpoint } from "../endpoint.ts";
import { callerWith } from "../middleware/authentication.ts";
import { answerStream } from "./answer_stream.ts";
import { answerBytes, IMMUTABLE, PRIVATE_IMMUTABLE, REVALIDATED } from "./byte_answer.ts";
import { attachment } from "./content_disposition.ts";
import { published, writableNamespace } from "./flist_reference.ts";

/** Registers the endpoints of flists. */
export function registerFlistEndpoints(app: HubApp, content: Content, notes: Notes): void {
  const { flists } = content;
  const readerOf = (context: HubContext): string | undefined => context.get("caller")?.user;

  const note = async (
    context: HubContext,
    { action, params: { user, name, tag }, detail }: {
      readonly action: string;
      readonly params: FlistReference;
      readonly detail?: string;
    },
  ): Promise<void> => {
    const { user: actor } = callerWith(context, "write");
    const entry = { actor, action, object: `${user}/${name}:${tag}` };
    await notes.audit.record({ ...originOf(context), ...entry, ...(detail ? { detail } : {}) });
  };

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
      read: (start, end) => answerStream(context, flists.read(digest, start, end), notes),
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
      read: (start, end) => answerStream(context, flists.read(digest, start, end), notes),
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
    await note(context, { action: "flist.publish", params, detail: published(info) });
    context.header("etag", `"${info.digest}"`);
    return context.json(info, isNew ? 201 : 200);
  });
  registerEndpoint(app, "changeFlist", async (context, { params, body }) => {
    writableNamespace(callerWith(context, "write"), params.user);
    const info = await flists.change(params, body.visibility);
    await note(context, { action: "flist.change", params, detail: body.visibility });
    return context.json(info);
  });
  registerEndpoint(app, "deleteFlist", async (context, { params }) => {
    const caller = callerWith(context, "write");
    writableNamespace(caller, params.user);
    await flists.remove(params, caller.user);
    await note(context, { action: "flist.delete", params });
    return context.body(null, 204);
  });
}
