/**
 * Many blocks in one request, up or down, some of them in memory at a time.
 *
 * @module
 */

import { type BlockId, parseBlockId } from "myfs";
import {
  BLOCK_STREAM_MEDIA_TYPE,
  BlockStreamError,
  readBlockStream,
  writeBlockStream,
} from "../../lib/hub_api/block_stream.ts";
import { HubProblem } from "../../lib/hub_api/problem.ts";
import { checkIncoming, type IncomingBlock } from "../content/blocks.ts";
import type { Content } from "../content/content.ts";
import type { HubApp, Notes } from "../context.ts";
import { registerEndpoint } from "../endpoint.ts";
import { callerWith } from "../middleware/authentication.ts";
import { answerStream } from "./answer_stream.ts";

/** Blocks that are stored together: a few milliseconds of work, and a few MiB of memory. */
const GROUP_COUNT_MAX = 1000;
const GROUP_BYTES_MAX = 8 * 2 ** 20;

/** Blocks of a download that are read ahead of what was sent. */
const AHEAD_MAX = 4;

/** Registers the endpoints of streams of blocks. */
export function registerBlockStreamEndpoints(
  app: HubApp,
  content: Content,
  notes: Notes,
): void {
  const { blocks } = content;

  registerEndpoint(app, "uploadBlocks", async (context) => {
    const { user } = callerWith(context, "write");
    let [stored, count] = [0, 0];
    let group: IncomingBlock[] = [];
    let groupBytes = 0;
    const store = async (): Promise<void> => {
      const fresh = await blocks.put(user, group);
      stored += fresh.filter((isNew) => isNew).length;
      count += group.length;
      group = [];
      groupBytes = 0;
    };
    try {
      for await (const { id, block } of readBlockStream(context.req.raw.body ?? emptyBody())) {
        checkIncoming(id, block!);
        group.push({ id, block: block! });
        groupBytes += block!.length;
        if (group.length >= GROUP_COUNT_MAX || groupBytes >= GROUP_BYTES_MAX) await store();
      }
    } catch (error) {
      if (!(error instanceof BlockStreamError)) throw error;
      const [status, code] = error.isTooLarge
        ? [413, "too_large"] as const
        : [400, "bad_request"] as const;
      throw new HubProblem(status, code, "The stream of blocks cannot be read", error.message);
    }
    await store();
    return context.json({ stored, present: count - stored, blocks: count });
  });

  registerEndpoint(app, "downloadBlocks", async (context, { body }) => {
    const reader = context.get("caller")?.user;
    const ids = body.blocks.map((text) => parseBlockId(text));
    const stream = writeBlockStream(readAhead(content, ids, reader));
    return context.body(await answerStream(context, stream, notes), 200, {
      "content-type": BLOCK_STREAM_MEDIA_TYPE,
      "cache-control": "no-store",
    });
  });
}

async function* readAhead(
  { blocks }: Content,
  ids: readonly BlockId[],
  reader: string | undefined,
): AsyncGenerator<{ readonly id: BlockId; readonly block: Uint8Array | undefined }> {
  const ahead: Promise<Uint8Array | undefined>[] = [];
  let next = 0;
  const start = (): void => {
    if (next >= ids.length) return;
    const reading = blocks.find(ids[next++]!, reader);
    // Whoever breaks off does not wait for it.
    reading.catch(() => {});
    ahead.push(reading);
  };
  for (let at = 0; at < AHEAD_MAX; at++) start();
  for (const id of ids) {
    const block = await ahead.shift()!;
    start();
    yield { id, block };
  }
}

function emptyBody(): ReadableStream<Uint8Array> {
  return ReadableStream.from([]);
}
