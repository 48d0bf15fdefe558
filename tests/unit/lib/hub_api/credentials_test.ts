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
  const left = await Array.fromAsync(Deno.readDir(`${folder}/new`), ({ name }) => name);
  assert.deepEqual(left.sort(), ["hubs.json", "hubs.json.lock"]);
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

Deno.test("hub credentials: changes at once come one after the other, and none is lost", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/hubs.json`;
  let isBusy = false;
  await Promise.all(
    Array.from({ length: 8 }, (_, index) =>
      new HubCredentials(path).update(ONE, async (known) => {
        assert.equal(isBusy, false);
        isBusy = true;
        await Promise.resolve();
        isBusy = false;
        return { user: `${known?.user ?? ""}${index}`, accessToken: "a" };
      })),
  );
  const kept = await new HubCredentials(path).get(ONE);
  assert.deepEqual([...kept!.user].sort(), [..."01234567"]);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("hub credentials: a token that was given goes to its hub alone, and is not written", async () => {
  const credentials = new HubCredentials("/nonexistent/hubs.json", { hub: ONE, token: "T" });
  assert.deepEqual(await credentials.get(ONE), { user: "", accessToken: "T" });
  assert.equal(await credentials.get(OTHER), undefined);
  assert.throws(
    () => new HubCredentials("/nonexistent", { hub: ONE, token: "s3cret\r\n" }),
    (error: Error) => error instanceof TypeError && !error.message.includes("s3cret"),
  );
});
