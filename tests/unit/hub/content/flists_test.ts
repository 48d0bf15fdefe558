/**
 * Goal: flists survive who clears away at the same time, cost no more room than a user has, and open
 * no block that their publisher does not have. Method: the content of a hub in this process, with the
 * moments of a race chosen.
 */

import assert from "node:assert/strict";
import { packDirectory, parseBlockId } from "../../../../mod.ts";
import { HubContent } from "../../../helpers/hub_content.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";

const DAY_MS = 86_400_000;
const PATH = "/api/v1/flists/alice/x/y";

async function pack(hub: HubContent, folder: TempFolder): Promise<Uint8Array<ArrayBuffer>> {
  const meta = folder.file("one.fl");
  const store = `dir://${hub.folder}/blocks`;
  await packDirectory(folder.tree("one", { "a": "content" }), { meta, store });
  return await Deno.readFile(meta);
}

Deno.test("flists: one that is published again while it is cleared away is there", async () => {
  let now = Date.now();
  await using hub = await HubContent.open({ now: () => now });
  using folder = new TempFolder();
  const body = await pack(hub, folder);
  const publish = async (): Promise<number> => {
    const answer = await hub.send("PUT", PATH, { as: "alice", body });
    await answer.body?.cancel();
    return answer.status;
  };
  assert.equal(await publish(), 201);
  assert.equal((await hub.send("DELETE", PATH, { as: "alice" })).status, 204);
  now += 40 * DAY_MS;
  // Garbage is collected at the moment when the file has its place.
  const receive = hub.content.flists.receive.bind(hub.content.flists);
  hub.content.flists.receive = async () => {
    const incoming = await receive();
    const moveTo = incoming.moveTo.bind(incoming);
    incoming.moveTo = async (path) => {
      await moveTo(path);
      await hub.content.collectGarbage();
    };
    return incoming;
  };
  assert.equal(await publish(), 201);
  const got = await hub.send("GET", PATH, { as: "alice" });
  assert.deepEqual(await got.bytes(), body);
});

Deno.test("flists: one without room is not kept, and one in another's place needs none", async () => {
  await using hub = await HubContent.open();
  using folder = new TempFolder();
  const body = await pack(hub, folder);
  await hub.limit("alice", { bytes: body.length - 1, objects: 1 });
  // Its length is not said before.
  const stream = (): ReadableStream<Uint8Array> => new Blob([body]).stream();
  const refused = await hub.send("PUT", PATH, { as: "alice", body: stream() });
  assert.equal(refused.status, 507);
  await refused.body?.cancel();
  const kept = await Array.fromAsync(Deno.readDir(`${hub.folder}/flists`));
  assert.deepEqual(kept.map(({ name }) => name), ["incoming"]);
  await hub.limit("alice", { bytes: body.length, objects: 1 });
  for (const status of [201, 200]) {
    const answer = await hub.send("PUT", PATH, { as: "alice", body });
    assert.equal(answer.status, status);
    await answer.body?.cancel();
  }
});

Deno.test("flists: within one user, a copy of another's flist opens none of the other's blocks", async () => {
  await using hub = await HubContent.open({ dedup: "user" });
  using folder = new TempFolder();
  const body = await pack(hub, folder);
  const ids = await Array.fromAsync(hub.store.list!());
  const block = `/api/v1/block/${ids[0]}`;
  await hub.content.blocks.put("alice", [
    { id: parseBlockId(ids[0]!), block: await hub.store.get(ids[0]!) },
  ]);
  assert.equal((await hub.send("PUT", PATH, { as: "alice", body })).status, 201);
  const copy = await hub.send("PUT", "/api/v1/flists/bob/x/y?visibility=public", {
    as: "bob",
    body,
  });
  assert.equal(copy.status, 201);
  for (const as of ["bob", "carol"]) {
    const answer = await hub.send("GET", block, { as });
    assert.equal(answer.status, 404, as);
    await answer.body?.cancel();
  }
  const open = await hub.send("PATCH", PATH, { as: "alice", json: { visibility: "public" } });
  assert.equal(open.status, 200);
  const got = await hub.send("GET", block, { as: "bob" });
  assert.equal(got.status, 200);
  await got.body?.cancel();
});
