/** Goal: figures of a mount are those of its stores and of its blocks. */

import assert from "node:assert/strict";
import { packDirectory } from "../../../../lib/image/pack.ts";
import { FlistReader } from "../../../../lib/flist/flist_reader.ts";
import { ShareSampler, storeStatuses } from "../../../../lib/mount/mount_status.ts";
import { MemoryStore } from "../../../../lib/store/memory_store.ts";
import { StoreMetricsCollector } from "../../../../lib/store/wrappers/store_metrics.ts";
import { requiringTest } from "../../../helpers/require.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";

Deno.test("mount status: the slowest store comes first, with its failures", () => {
  const metrics = new StoreMetricsCollector();
  for (const [store, durationMs] of [["http://near", 1], ["http://far", 100]] as const) {
    const meter = metrics.meter(store);
    meter.begin("get");
    meter.end("get", { durationMs, bytesIn: 1, bytesOut: 0 });
  }
  metrics.meter("http://far").begin("get");
  metrics.meter("http://far").fail("get", 200, new Error("x"), undefined);
  const [slowest, other] = storeStatuses(metrics.snapshot());
  assert.deepEqual([slowest?.store, slowest?.requests, slowest?.errors], ["http://far", 2, 1]);
  assert.ok(slowest!.p50Ms > other!.p50Ms);
  assert.deepEqual([other?.store, other?.requests, other?.errors], ["http://near", 1, 0]);
});

requiringTest(["linux"], "mount status: a share goes by bytes", async () => {
  using folder = new TempFolder();
  const noise = crypto.getRandomValues(new Uint8Array(65_536));
  const source = folder.tree("tree", {
    "large": Uint8Array.from(
      { length: 20 * 65_536 },
      (_, i) => noise[i % 65_536]! ^ Math.floor(i / 65_536),
    ),
    "small": "s",
  });
  const meta = folder.file("a.fl");
  await packDirectory(source, { meta, store: new MemoryStore() });
  using flist = FlistReader.open(meta);
  const sampler = new ShareSampler(flist);
  assert.equal(sampler.share(() => true), 1);
  assert.equal(sampler.share(() => false), 0);
  const chunks = [...flist.chunks()].map(({ ref }) => ref);
  assert.ok(chunks.length > 2);
  const first = chunks[0]!;
  const all = chunks.reduce((sum, { size }) => sum + size, 0);
  assert.equal(sampler.share((id) => id === first.id), first.size / all);
});
