/**
 * Whole files.
 *
 * @module
 */

import { declaredLength } from "../content/body.ts";
import type { Content } from "../content/content.ts";
import { type HubApp, type HubContext, type Notes, originOf } from "../context.ts";
import { registerEndpoint } from "../endpoint.ts";
import { callerWith } from "../middleware/authentication.ts";
import { answerStream } from "./answer_stream.ts";
import { answerBytes, IMMUTABLE, PRIVATE_IMMUTABLE } from "./byte_answer.ts";
import { attachment } from "./content_disposition.ts";

/** Registers the endpoints of files. */
export function registerFileEndpoints(app: HubApp, content: Content, notes: Notes): void {
  const { files, uploads } = content;
  const cacheControl = content.dedup === "users" ? IMMUTABLE : PRIVATE_IMMUTABLE;

  const note = async (context: HubContext, action: string, object: string): Promise<void> => {
    const { user: actor } = callerWith(context, "write");
    await notes.audit.record({ ...originOf(context), actor, action, object });
  };

  registerEndpoint(app, "uploadFile", async (context) => {
    const { user } = callerWith(context, "write");
    const declared = declaredLength(context.req.header("content-length"));
    const body = context.req.raw.body ?? ReadableStream.from<Uint8Array>([]);
    const file_hash = await uploads.putWhole(user, body, { declared });
    await note(context, "file.store", file_hash);
    return context.json({ file_hash, message: "File stored" }, 201);
  });
  registerEndpoint(app, "getFile", async (context, { params }) => {
    const file = await files.find(params.hash, context.get("caller")?.user);
    return await answerBytes(context, {
      digest: file.hash,
      size: file.size,
      cacheControl,
      headers: { "content-disposition": attachment(file.name ?? file.hash) },
      read: (start, end) => answerStream(context, files.read(file, start, end), notes),
    });
  });
  registerEndpoint(app, "hasFile", () => new Response(null));
  registerEndpoint(app, "keepFile", async (context, { params }) => {
    await files.keep(params.hash, callerWith(context, "write").user);
    await note(context, "file.keep", params.hash);
    return context.json({ file_hash: params.hash, message: "File kept" });
  });
  registerEndpoint(app, "deleteFile", async (context, { params }) => {
    await files.remove(params.hash, callerWith(context, "write").user);
    await note(context, "file.delete", params.hash);
    return context.body(null, 204);
  });
}
