/** Goal: what a hub removes by itself: one kind that fails holds up no other. */

import assert from "node:assert/strict";
import { cleanUp, collectGarbage } from "../../../hub/cleaning.ts";
import { loadConfig } from "../../../hub/mod.ts";
import { openHub } from "../../../hub/open_hub.ts";
import { TempFolder } from "../../helpers/temp_folder.ts";

const DAY_MS = 86_400_000;

Deno.test("cleaning: old notes, sessions and garbage go, whatever becomes of the others", async () => {
  using folder = new TempFolder();
  const text = `data_dir = "${folder.path}"\naudit_retention_days = 3\n`;
  await Deno.writeTextFile(folder.file("server.toml"), text);
  const config = await loadConfig({ path: folder.file("server.toml"), read: () => undefined });
  let now = Date.parse("2026-01-01T00:00:00Z");
  const log: string[] = [];
  await using hub = await openHub(config, {
    writeLog: (line) => log.push(line),
    showFirstAdmin: () => {},
    now: () => now,
  });
  const { uploads } = hub.content;
  const { state } = await uploads.create("admin", { kind: "file", size: 4, sha256: undefined });
  await uploads.putPart(state.id, "admin", 0, ReadableStream.from([new Uint8Array(4)]));
  now += 10 * DAY_MS;
  await hub.audit.record({ actor: "somebody", action: "user.create", object: "later" });
  const actions = async (): Promise<string[]> =>
    (await hub.audit.list({ page: 1, perPage: 100 })).events.map(({ action }) => action);
  assert.deepEqual(await actions(), ["user.create", "user.create"]);

  const broken = {
    ...hub,
    accounts: { clean: () => Promise.reject(new Error("no")) } as unknown as typeof hub.accounts,
  };
  await cleanUp(broken);
  assert.deepEqual(await actions(), ["garbage.collect", "user.create"]);
  assert.equal(log.filter((line) => line.includes("could not be removed")).length, 1);
  assert.deepEqual(await hub.content.usageOf("admin"), { bytes: 0, objects: 0 });

  // Nothing to note where there was nothing.
  await cleanUp(hub);
  assert.equal((await actions()).length, 2);
  now += 2 * 3_600_000;
  const report = await collectGarbage(hub, "somebody", { dryRun: true });
  assert.deepEqual([report.blocks, report.blockBytes], [1, 4]);
  assert.equal((await actions()).length, 2);
  assert.equal((await collectGarbage(hub, "somebody")).blocks, 1);
  const { events: [last] } = await hub.audit.list({ page: 1, perPage: 1 });
  assert.equal(last!.actor, "somebody");
  assert.equal(last!.detail, "blocks 1 bytes 4 flists 0 uploads 0");
});
