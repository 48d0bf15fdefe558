/**
 * The store that conversions pack into: blocks are the owner's, as long as the job goes on or the flist
 * that it made is there, and no longer.
 */

import assert from "node:assert/strict";
import { JobQueue, type JobRow } from "../../../../hub/jobs/job_queue.ts";
import { OwnedBlocks } from "../../../../hub/jobs/owned_blocks.ts";
import { convertLayers, type LayerSource } from "myfs";
import { HubContent } from "../../../helpers/hub_content.ts";
import { randomBlock } from "../../../helpers/random_block.ts";
import { makeLayer } from "../../../helpers/tar_maker.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";

/** A job of alice's that runs, and what it stores into. */
async function startJob(
  hub: HubContent,
): Promise<{ queue: JobQueue; job: JobRow; store: OwnedBlocks }> {
  const { database, content, store } = hub;
  const queue = new JobQueue({
    ...{ database, runner: "me", leaseMs: 60_000, queuedMax: 9, now: Date.now },
  });
  await queue.add({
    ...{ owner: "alice", image: "app", name: "app", tag: "latest", profile: "myfs" },
    ...{ platform: undefined, visibility: undefined, route: "hub://here", replaces: true },
  });
  const job = (await queue.take())!;
  const reason = { kind: "job", job: job.id, runner: "me" } as const;
  const { blocks } = content;
  const owned = new OwnedBlocks({ blocks, store, owner: "alice", reason, url: job.route });
  return { queue, job, store: owned };
}

Deno.test("owned blocks: what is put side by side is all there, and counted once", async () => {
  await using hub = await HubContent.open();
  await using parts = new AsyncDisposableStack();
  const { store } = await startJob(hub);
  parts.use(store);
  const blocks = Array.from({ length: 600 }, () => randomBlock(500));
  const results = await Promise.all(blocks.map(({ id, block }) => store.put(id, block)));
  assert.ok(results.every((result) => result === "stored"));
  assert.equal(await store.put(blocks[0]!.id, blocks[0]!.block), "present");
  assert.deepEqual(await hub.content.usageOf("alice"), { bytes: 300_000, objects: 600 });
  assert.deepEqual(await store.get(blocks[7]!.id), blocks[7]!.block);
  const ending = AbortSignal.abort(new Error("enough"));
  await assert.rejects(store.put(blocks[1]!.id, blocks[1]!.block, { signal: ending }), /enough/);
});

Deno.test("owned blocks: nothing more becomes the owner's once the job has ended, and all is given up", async () => {
  await using hub = await HubContent.open();
  const { store, queue, job } = await startJob(hub);
  // One that alice has anyway stays hers.
  const own = randomBlock(100);
  await hub.content.blocks.put("alice", [own]);
  const blocks = Array.from({ length: 20 }, () => randomBlock(100));
  await Promise.all([own, ...blocks].map(({ id, block }) => store.put(id, block)));
  await queue.cancel(job.id);
  assert.deepEqual(await hub.content.usageOf("alice"), { bytes: 100, objects: 1 });
  const late = randomBlock(100);
  await assert.rejects(store.put(late.id, late.block), { code: "job_ended" });
  assert.deepEqual(await hub.content.usageOf("alice"), { bytes: 100, objects: 1 });
  await hub.content.collectGarbage({ graceMs: -1 });
  assert.deepEqual(await hub.store.has([own.id, blocks[0]!.id]), [true, false]);
});

Deno.test("owned blocks: a quota without room refuses them, and the flist keeps those that it has", async () => {
  await using hub = await HubContent.open();
  using folder = new TempFolder();
  const { store, queue, job } = await startJob(hub);
  const spare = randomBlock(1000);
  await store.put(spare.id, spare.block);
  const layers: LayerSource[] = [
    makeLayer({ name: "data", content: crypto.getRandomValues(new Uint8Array(60_000)) }),
  ];
  const config = new TextEncoder().encode(JSON.stringify({ config: {}, rootfs: {} }));
  const meta = folder.file("app.fl");
  await convertLayers(layers, { name: "app", manifestDigest: undefined, config }, { meta, store });
  const incoming = await hub.content.flists.receive();
  await incoming.write(await Deno.readFile(meta));
  const reference = { user: "alice", name: "app", tag: "latest" };
  await hub.content.flists.publish(incoming, {
    reference,
    actor: "alice",
    keepsBlocks: true,
    alongside: (transaction, digest) => queue.finish(transaction, job.id, digest),
  });
  const all = await hub.content.usageOf("alice");
  await queue.releaseBlocks(job.id);
  // What the flist does not have is given up, the rest stays as long as the flist does.
  const { bytes, objects } = await hub.content.usageOf("alice");
  assert.deepEqual([all.bytes - bytes, all.objects - objects], [1000, 1]);
  const [block] = (await hub.content.blocks.listOwn("alice", { page: 1, perPage: 1 })).blocks;
  const denied = await hub.send("DELETE", `/api/v1/block/${block![0]}`, { as: "alice" });
  assert.equal(denied.status, 409);
  await hub.limit("alice", { bytes: bytes + 10 });
  const next = await startJob(hub);
  await assert.rejects(next.store.put(spare.id, spare.block), { code: "quota_exceeded" });
  await hub.content.flists.remove(reference, "alice");
  assert.deepEqual(await hub.content.usageOf("alice"), { bytes: 0, objects: 0 });
});
