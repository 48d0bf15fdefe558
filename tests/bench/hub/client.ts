/**
 * A client of the hub, in a process of its own: `client.ts <action> <url> <token> <count> <size>`
 * prints how many seconds an action took.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- a program that prints

import { BLOCK_STREAM_MEDIA_TYPE, joinBlockStream } from "../../../lib/hub_api/block_stream.ts";
import { IDS_A_REQUEST_MAX } from "../../../lib/hub_api/limits.ts";
import { forEachBounded } from "../../../lib/base/concurrency.ts";
import { median } from "../measure.ts";
import { BlockSet } from "../stores/block_set.ts";
import { secondsOf } from "../stores/transfers.ts";

/** What can be measured. */
export const CLIENT_ACTIONS = ["single", "batch", "has"] as const;

/** One of {@link CLIENT_ACTIONS}. */
export type ClientAction = typeof CLIENT_ACTIONS[number];

/** Requests under way at once, where each has one block. */
const AT_ONCE = 32;

/** Blocks of a batch. */
const BATCH_SIZE = 1000;

/** Batches under way at once: while the hub works at one, the next comes. */
const BATCHES_AT_ONCE = 2;

/** How often it is asked what is there. */
const ASKS = 20;

if (import.meta.main) {
  const [action, url, token, count, size] = Deno.args;
  const set = new BlockSet({
    kind: "small",
    name: "",
    size: Number(size),
    count: Number(count),
    concurrency: 1,
  });
  const authorization = `Bearer ${token}`;
  const ask = async (method: string, path: string, body: BodyInit, type: string): Promise<void> => {
    const headers = { authorization, "content-type": type };
    const response = await fetch(`${url}/api/v1/${path}`, { method, headers, body });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  };
  const blockOf = (index: number): Uint8Array<ArrayBuffer> => {
    const block = set.buffer();
    set.fill(block, index);
    return block;
  };
  const upload = async (indexes: readonly number[]): Promise<void> => {
    const batches = Array.from(
      { length: Math.ceil(indexes.length / BATCH_SIZE) },
      (_, at) => indexes.slice(at * BATCH_SIZE, (at + 1) * BATCH_SIZE),
    );
    await forEachBounded(batches, BATCHES_AT_ONCE, async (batch) => {
      const blocks = batch.map((index) => ({ id: set.ids[index]!, block: blockOf(index) }));
      await ask("POST", "blocks/upload", joinBlockStream(blocks), BLOCK_STREAM_MEDIA_TYPE);
    });
  };
  const all = Array.from(set.ids.keys());
  switch (action as ClientAction) {
    case "single":
      console.log(
        await secondsOf(() =>
          forEachBounded(all, AT_ONCE, async (index) => {
            const type = "application/octet-stream";
            await ask("PUT", `block/${set.ids[index]}`, blockOf(index), type);
          })
        ),
      );
      break;
    case "batch":
      console.log(await secondsOf(() => upload(all)));
      break;
    case "has": {
      // Half of them are there.
      await upload(all.slice(0, all.length >> 1));
      const body = JSON.stringify({ blocks: set.ids.slice(0, IDS_A_REQUEST_MAX) });
      const times: number[] = [];
      for (let attempt = 0; attempt < ASKS; attempt++) {
        times.push(await secondsOf(() => ask("POST", "blocks/missing", body, "application/json")));
      }
      // The first ones find out what has to be compiled; a hub that serves has done so long ago.
      console.log(median(times.slice(ASKS >> 1)));
    }
  }
}
