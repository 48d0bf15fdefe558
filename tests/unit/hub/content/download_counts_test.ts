/** Goal: downloads are counted without a write each, and no count is lost or made twice. */

import assert from "node:assert/strict";
import { DownloadCounts } from "../../../../hub/content/download_counts.ts";
import { HubContent } from "../../../helpers/hub_content.ts";

const HOUR_MS = 3_600_000;

async function withBlock(hub: HubContent): Promise<string> {
  const [body, as] = ["a block", "alice"];
  const answer = await hub.send("POST", "/api/v1/block?file_hash=&idx=0", { as, body });
  return (await answer.json()).hash;
}

async function written(hub: HubContent, id: string): Promise<number> {
  const { downloads } = await hub.database.selectFrom("block").select("downloads")
    .where("id", "=", id).executeTakeFirstOrThrow();
  return Number(downloads);
}

Deno.test("download counts: they wait in memory, are written together, and at the end", async () => {
  await using hub = await HubContent.open();
  const id = await withBlock(hub);
  const counts = new DownloadCounts(hub.database, HOUR_MS);
  for (let count = 0; count < 1000; count++) counts.count(id);
  assert.equal(counts.pending(id), 1000);
  assert.equal(await written(hub, id), 0);
  await counts.flush();
  assert.deepEqual([counts.pending(id), await written(hub, id)], [0, 1000]);
  counts.count(id);
  // Two who want it written at once write it once.
  await Promise.all([counts.flush(), counts.flush()]);
  counts.count(id);
  await counts[Symbol.asyncDispose]();
  assert.equal(await written(hub, id), 1002);
});

Deno.test("download counts: they are written by themselves after a while", async () => {
  await using hub = await HubContent.open();
  const id = await withBlock(hub);
  await using counts = new DownloadCounts(hub.database, 5);
  counts.count(id);
  while (await written(hub, id) === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(counts.pending(id), 0);
});

Deno.test("download counts: what could not be written is written the next time", async () => {
  await using hub = await HubContent.open();
  const id = await withBlock(hub);
  let isAway = true;
  const database = new Proxy(hub.database, {
    get(target, name): unknown {
      if (name === "transaction" && isAway) throw new Error("away");
      const value = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const counts = new DownloadCounts(database, HOUR_MS);
  counts.count(id);
  await assert.rejects(counts.flush(), /away/);
  counts.count(id);
  assert.equal(counts.pending(id), 2);
  isAway = false;
  await counts[Symbol.asyncDispose]();
  assert.equal(await written(hub, id), 2);
});
