/** Goal: hubs that start at the same time on the same data become two processes of one hub. */

import assert from "node:assert/strict";
import { loadConfig } from "../../../hub/mod.ts";
import { type FirstAdmin, openContent, openHub } from "../../../hub/open_hub.ts";
import { TempFolder } from "../../helpers/temp_folder.ts";

const ORIGIN = {};

Deno.test("hub: of several that start at once, one makes the tables, the secret and the administrator", async () => {
  using folder = new TempFolder();
  const path = folder.file("server.toml");
  await Deno.writeTextFile(path, `data_dir = "${folder.path}/data"\n`);
  const config = await loadConfig({ path, read: () => undefined });
  const admins: FirstAdmin[] = [];
  const hubs = await Promise.all(
    Array.from({ length: 4 }, () =>
      openHub(config, {
        writeLog: () => {},
        showFirstAdmin: (admin) => admins.push(admin),
      })),
  );
  await using stack = new AsyncDisposableStack();
  for (const hub of hubs) stack.use(hub);
  assert.equal(admins.length, 1);
  const { name, password } = admins[0]!;
  // Who signs in at one is known to all.
  const { access_token } = await hubs[0]!.accounts.signIn(name, password, ORIGIN);
  for (const hub of hubs) {
    assert.equal((await hub.accounts.authenticate(access_token)).user, "admin");
  }
  const { total } = await hubs[0]!.accounts.listUsers();
  assert.equal(total, 1);
});

Deno.test("hub: what it keeps opens beside one that serves, without a user of its own", async () => {
  using folder = new TempFolder();
  const path = folder.file("server.toml");
  await Deno.writeTextFile(path, `data_dir = "${folder.path}/data"\n`);
  const config = await loadConfig({ path, read: () => undefined });
  await using beside = await openContent(config);
  assert.deepEqual(await beside.content.usageOf("admin"), { bytes: 0, objects: 0 });
  await using hub = await openHub(config, { writeLog: () => {}, showFirstAdmin: () => {} });
  const { state } = await hub.content.uploads.create("admin", { kind: "file", size: 3 });
  await hub.content.uploads.putPart(state.id, "admin", 0, ReadableStream.from([new Uint8Array(3)]));
  assert.deepEqual(await beside.content.usageOf("admin"), { bytes: 3, objects: 1 });
});
