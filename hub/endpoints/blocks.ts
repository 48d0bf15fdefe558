/**
 * One block at a time, and lists of them.
 *
 * @module
 */

import { parseBlockId } from "myfs";
import { RFS_PAGE_SIZE_MAX } from "../../lib/hub_api/messages/mod.ts";
import { BLOCK_BYTES_MAX, declaredLength, readBody } from "../content/body.ts";
import { checkIncoming, expectBytes, rfsBlockId } from "../content/blocks.ts";
import type { Content } from "../content/content.ts";
import { type HubApp, type HubContext, type Notes, originOf } from "../context.ts";
import { registerEndpoint } from "../endpoint.ts";
import { callerWith } from "../middleware/authentication.ts";
import { answerBytes, IMMUTABLE, PRIVATE_IMMUTABLE } from "./byte_answer.ts";

/** Who may keep blocks that were answered. */
export function blockCacheControl({ dedup }: Content): string {
  return dedup === "users" ? IMMUTABLE : PRIVATE_IMMUTABLE;
}

/** Registers the endpoints of single blocks. */
export function registerBlockEndpoints(app: HubApp, content: Content, notes: Notes): void {
  const { blocks, files } = content;
  const cacheControl = blockCacheControl(content);

  registerEndpoint(app, "uploadBlock", async (context, { query }) => {
    const { user } = callerWith(context, "write");
    const block = await readBlock(context);
    const id = rfsBlockId(block);
    const { file_hash: file, idx } = query;
    const reason = file === "" ? { kind: "direct" } as const : { kind: "file", file, idx } as const;
    const [isNew] = await blocks.put(user, [{ id, block }], reason);
    const message = isNew ? "Block stored" : "Block is there already";
    return context.json({ hash: id, message }, isNew ? 201 : 200);
  });
  registerEndpoint(app, "putBlock", async (context, { params }) => {
    const { user } = callerWith(context, "write");
    const id = parseBlockId(params.hash);
    const block = await readBlock(context);
    checkIncoming(id, block);
    const [isNew] = await blocks.put(user, [{ id, block }]);
    const message = isNew ? "Block stored" : "Block is there already";
    return context.json({ hash: id, message }, isNew ? 201 : 200);
  });
  registerEndpoint(app, "getBlock", async (context, { params }) => {
    const { begun } = context.env ?? {};
    if (begun !== undefined) throw begun.failure;
    const id = parseBlockId(params.hash);
    const reader = context.get("caller")?.user;
    const cheap = context.req.method === "HEAD" ||
      context.req.header("if-none-match") !== undefined;
    const block = cheap ? undefined : await blocks.get(id, reader);
    const size = block?.length ?? await blocks.sizeOf(id, reader);
    return await answerBytes(context, {
      digest: id,
      size,
      cacheControl,
      read: async (start, end) => {
        const whole = block ?? await blocks.get(id, reader);
        return start === 0 && end === size ? whole : whole.subarray(start, end);
      },
    });
  });
  registerEndpoint(app, "hasBlock", () => new Response(null));
  registerEndpoint(app, "deleteBlock", async (context, { params }) => {
    const { user: actor } = callerWith(context, "write");
    await blocks.release(parseBlockId(params.hash), actor);
    const entry = { actor, action: "block.delete", object: params.hash };
    await notes.audit.record({ ...originOf(context), ...entry });
    return context.body(null, 204);
  });
  registerEndpoint(app, "blockDownloads", async (context, { params }) => {
    const id = parseBlockId(params.hash);
    const { count, size } = await blocks.downloads(id, context.get("caller")?.user);
    return context.json({ block_hash: id, downloads_count: count, block_size: size });
  });
  registerEndpoint(app, "verifyBlocks", async (context, { body }) => {
    const missing = await files.missingClaims(context.get("caller")?.user, body.blocks);
    return context.json({ missing });
  });
  registerEndpoint(app, "blocks", async (context, { query }) => {
    const { page, perPage } = pageOf(query);
    const { ids, total } = await blocks.list(context.get("caller")?.user, { page, perPage });
    return context.json({ blocks: ids, total, page, per_page: perPage });
  });
  registerEndpoint(app, "blocksOfFile", async (context, { params }) => {
    const found = await files.blocksOf(params.hash, context.get("caller")?.user);
    return context.json({ blocks: found.map(({ id, idx }) => [id, idx]) });
  });
  registerEndpoint(app, "userBlocks", async (context, { query }) => {
    const { user } = callerWith(context, "read");
    const { blocks: own, total, all } = await blocks.listOwn(user, pageOf(query));
    return context.json({ blocks: own, total, all_blocks: all });
  });
  registerEndpoint(app, "missingBlocks", async (context, { body }) => {
    const { user } = callerWith(context, "write");
    return context.json({ missing: await blocks.missing(user, body.blocks) });
  });
}

async function readBlock(context: HubContext): Promise<Uint8Array<ArrayBuffer>> {
  const declared = declaredLength(context.req.header("content-length"));
  const block = await readBody(context.req.raw.body, BLOCK_BYTES_MAX, declared);
  expectBytes(block);
  return block;
}

function pageOf(
  { page, per_page }: { readonly page: number; readonly per_page: number },
): { readonly page: number; readonly perPage: number } {
  return { page, perPage: Math.min(per_page, RFS_PAGE_SIZE_MAX) };
}
