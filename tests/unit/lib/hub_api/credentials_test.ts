/** The file of credentials: for its owner alone, changed at once, and quiet about what it holds. */

import assert from "node:assert/strict";
import { HubCredentials } from "../../../../lib/hub_api/credentials.ts";
import { parseHubAddress } from "../../../../lib/hub_api/hub_address.ts";

const ONE = parseHubAddress("hub://one:1");
const OTHER = parseHubAddress("hubs://one:1");

Deno.test("hub credentials: kept by hub, in a file for its owner alone, and forgotten", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/new/hubs.json`;
  const credentials = new HubCredentials(path);
  assert.equal(await credentials.get(ONE), undefined);
  assert.equal(await credentials.delete(ONE), false);
  const entry = { user: "alice", accessToken: "a", refreshToken: "r" };
  await credentials.set(ONE, entry);
  await credentials.set(OTHER, { user: "bob", accessToken: "b" });
  assert.deepEqual(await new HubCredentials(path).get(ONE), entry);
  assert.deepEqual(await credentials.get(OTHER), { user: "bob", accessToken: "b" });
  assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
  assert.equal((await Deno.stat(`${folder}/new`)).mode! & 0o777, 0o700);
  assert.equal(await credentials.delete(ONE), true);
  assert.equal(await credentials.get(ONE), undefined);
  assert.deepEqual(await Array.fromAsync(Deno.readDir(`${folder}/new`), ({ name }) => name), [
    "hubs.json",
  ]);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("hub credentials: a damaged file is named, and nothing of it is shown", async () => {
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, '{"http://one:1/": {"accessToken": "s3cret"');
  await assert.rejects(new HubCredentials(path).get(ONE), (error: Error) => {
    assert.ok(error.message.includes(path) && !String(error.stack).includes("s3cret"));
    return true;
  });
  await Deno.writeTextFile(path, '{"http://one:1/": {"user": 1}}');
  assert.equal(await new HubCredentials(path).get(ONE), undefined);
  await Deno.remove(path);
});
