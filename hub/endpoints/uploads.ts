/**
 * Uploads in parts.
 *
 * @module
 */

import type * as z from "zod";
import type { UploadAnswer } from "../../lib/hub_api/messages/mod.ts";
import type { Content } from "../content/content.ts";
import type { UploadState } from "../content/uploads.ts";
import { type HubApp, type Notes, originOf } from "../context.ts";
import { registerEndpoint } from "../endpoint.ts";
import { callerWith } from "../middleware/authentication.ts";
import { parseFlistReference, published, writableNamespace } from "./flist_reference.ts";

/** Registers the endpoints of uploads. */
export function registerUploadEndpoints(app: HubApp, content: Content, notes: Notes): void {
  const { uploads, flists } = content;

  registerEndpoint(app, "createUpload", async (context, { body }) => {
    const caller = callerWith(context, "write");
    if (body.kind === "flist") {
      writableNamespace(caller, parseFlistReference(body.name).user);
    }
    const { state, isNew } = await uploads.create(caller.user, body);
    return context.json(answerOf(state), isNew ? 201 : 200);
  });
  registerEndpoint(app, "getUpload", async (context, { params }) => {
    const { user } = callerWith(context, "write");
    return context.json(answerOf(await uploads.get(params.id, user)));
  });
  registerEndpoint(app, "putUploadPart", async (context, { params }) => {
    const { user } = callerWith(context, "write");
    const body = context.req.raw.body ?? ReadableStream.from<Uint8Array>([]);
    await uploads.putPart(params.id, user, params.n, body);
    return context.body(null, 204);
  });
  registerEndpoint(app, "commitUpload", async (context, { params, body }) => {
    const caller = callerWith(context, "write");
    const state = await uploads.get(params.id, caller.user);
    const origin = { ...originOf(context), actor: caller.user };
    let file_hash = body.sha256;
    if (state.kind === "flist") {
      const reference = parseFlistReference(state.name);
      writableNamespace(caller, reference.user);
      await using incoming = await flists.receive();
      await uploads.check(state, body.sha256, (bytes) => incoming.write(bytes));
      const { visibility } = state;
      const { info } = await flists.publish(incoming, {
        reference,
        actor: caller.user,
        visibility,
      });
      await uploads.remove(state.id, caller.user);
      file_hash = info.digest;
      const { user, name, tag } = info;
      const entry = { action: "flist.publish", object: `${user}/${name}:${tag}` };
      await notes.audit.record({ ...origin, ...entry, detail: published(info) });
    } else {
      const checked = await uploads.check(state, body.sha256);
      await uploads.finishFile(state, body.sha256, state.size, checked);
      await notes.audit.record({ ...origin, action: "file.store", object: body.sha256 });
    }
    return context.json({ file_hash, message: "Upload stored" }, 201);
  });
  registerEndpoint(app, "deleteUpload", async (context, { params }) => {
    await uploads.remove(params.id, callerWith(context, "write").user);
    return context.body(null, 204);
  });
}

function answerOf(state: UploadState): z.infer<typeof UploadAnswer> {
  const { id, size, partSize, parts, expiresAt, sha256, kind } = state;
  return {
    id,
    size,
    part_size: partSize,
    parts: [...parts],
    expires_at: expiresAt,
    kind,
    ...(sha256 === undefined ? {} : { sha256 }),
  };
}
