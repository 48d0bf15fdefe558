/**
 * Files at a hub of rfs: they go there as rfs's clients send them, what is there is not sent again, and
 * what comes back is right however it comes.
 */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { toHex } from "../../../../lib/base/bytes.ts";
import { blake2b256 } from "../../../../lib/block/digest.ts";
import { connectHub, type HubClient } from "../../../../lib/hub_api/hub_client.ts";
import { rfsBlocksOf } from "../../../../lib/hub_api/rfs_files.ts";
import {
  downloadFile,
  existsAtHub,
  findAtHub,
  uploadFile,
} from "../../../../lib/hub_api/transfer.ts";
import { HubServer } from "../../../helpers/hub_server.ts";
import { HUB_TOKEN, RfsHub } from "../../../helpers/rfs_hub.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";

const MIB = 1024 * 1024;
/** Two blocks that are the same, one that is not, and the beginning of one. */
const CONTENT = new Uint8Array(3 * MIB + 5).map((_, at) => at < 2 * MIB ? at % MIB : at * 7 >> 5);
const IDS = [0, 1, 2, 3].map((at) => toHex(blake2b256(CONTENT.subarray(at * MIB, (at + 1) * MIB))));
const HASH = createHash("sha256").update(IDS.join("")).digest("hex");

const connect = (hub: RfsHub): Promise<HubClient> =>
  connectHub(`hub://${hub.host}`, { token: HUB_TOKEN, retries: 0 });

function sourceIn(folder: TempFolder, content: Uint8Array = CONTENT): string {
  const path = folder.file("source");
  Deno.writeFileSync(path, content);
  return path;
}

Deno.test("rfs files: a file goes up in blocks, and is not sent a second time", async () => {
  await using hub = await RfsHub.start();
  using folder = new TempFolder();
  const client = await connect(hub);
  const path = sourceIn(folder);
  assert.equal(await findAtHub(client, path), undefined);
  const report = await uploadFile(client, path);
  assert.equal(report.hash, HASH);
  assert.equal(report.sentBytes, CONTENT.length);
  assert.deepEqual(hub.files.get(HASH), IDS);
  assert.equal((await uploadFile(client, path)).sentBytes, 0);
  assert.equal(await findAtHub(client, path), HASH);
  assert.equal((await existsAtHub(client, HASH)).file, true);
});

Deno.test("rfs files: of an upload that broke off, only what is missing goes up", async () => {
  await using hub = await RfsHub.start();
  using folder = new TempFolder();
  const client = await connect(hub);
  const path = sourceIn(folder);
  await uploadFile(client, path);
  hub.blocks.delete(IDS[3]!);
  const seen: number[] = [];
  const { sentBytes } = await uploadFile(client, path, { onBytes: (bytes) => seen.push(bytes) });
  assert.equal(sentBytes, 5);
  assert.deepEqual(seen, [3 * MIB, 3 * MIB + 5]);
});

for (const servesFiles of [true, false]) {
  const way = servesFiles ? "whole" : "in blocks";
  Deno.test(`rfs files: a file comes back ${way}, also where some of it is there`, async () => {
    await using hub = await RfsHub.start();
    using folder = new TempFolder();
    const client = await connect(hub);
    await uploadFile(client, sourceIn(folder));
    hub.servesFiles = servesFiles;
    const target = folder.file("target");
    const whole = { hash: HASH, size: CONTENT.length };
    const report = await downloadFile(client, HASH, target);
    assert.deepEqual(report, { ...whole, receivedBytes: CONTENT.length });
    assert.deepEqual(await Deno.readFile(target), CONTENT);

    const left = CONTENT.slice(0, 2 * MIB + 100);
    await Deno.writeFile(`${target}.${HASH}.part`, left);
    const { receivedBytes } = await downloadFile(client, HASH, target);
    assert.deepEqual(await Deno.readFile(target), CONTENT);
    assert.equal(receivedBytes, servesFiles ? MIB - 95 : MIB + 5);

    left[MIB] = left[MIB]! ^ 1;
    await Deno.writeFile(`${target}.${HASH}.part`, left);
    await downloadFile(client, HASH, target);
    assert.deepEqual(await Deno.readFile(target), CONTENT);
    const names = await Array.fromAsync(Deno.readDir(folder.path), ({ name }) => name);
    assert.deepEqual(names.sort(), ["source", "target"]);
  });
}

Deno.test("rfs files: a damaged block is never taken for the right one", async () => {
  await using hub = await RfsHub.start();
  using folder = new TempFolder();
  const client = await connect(hub);
  await uploadFile(client, sourceIn(folder));
  hub.blocks.set(IDS[2]!, new Uint8Array(MIB));
  const target = folder.file("target");
  for (const servesFiles of [true, false]) {
    hub.servesFiles = servesFiles;
    await assert.rejects(downloadFile(client, HASH, target), {
      code: "store_unavailable",
      message: /another block/,
    });
    await assert.rejects(Deno.stat(target), Deno.errors.NotFound);
  }
});

Deno.test("rfs files: blocks whose digests do not come to the hash are no file", async () => {
  await using hub = await RfsHub.start();
  const client = await connect(hub);
  hub.files.set("ab".repeat(32), IDS);
  assert.equal(await rfsBlocksOf(client, "ab".repeat(32), undefined), undefined);
  assert.equal(await rfsBlocksOf(client, "cd".repeat(32), undefined), undefined);
  hub.files.set(HASH, IDS);
  assert.deepEqual(await rfsBlocksOf(client, HASH, undefined), IDS);
  hub.blocks.set(IDS[0]!, CONTENT.subarray(0, MIB));
  assert.deepEqual(await rfsBlocksOf(client, IDS[0]!, undefined), [IDS[0]]);
});

Deno.test("rfs files: an empty file has no blocks, and comes back all the same", async () => {
  await using hub = await RfsHub.start();
  using folder = new TempFolder();
  const client = await connect(hub);
  const { hash } = await uploadFile(client, sourceIn(folder, new Uint8Array()));
  const target = folder.file("target");
  assert.equal((await downloadFile(client, hash, target)).size, 0);
  assert.deepEqual(await Deno.readFile(target), new Uint8Array());
  await assert.rejects(downloadFile(client, HASH, target), { code: "hub", status: 404 });
});

Deno.test("rfs files: today's hub gives back what rfs's clients sent there", async () => {
  await using hub = await HubServer.start();
  using folder = new TempFolder();
  const { access_token: token } = await hub.signIn("bob");
  for (const [index, id] of IDS.entries()) {
    const body = CONTENT.subarray(index * MIB, (index + 1) * MIB);
    const path = `/api/v1/block?file_hash=${HASH}&idx=${index}`;
    const { hash } = await hub.ask(index === 1 ? 200 : 201, "POST", path, { token, body });
    assert.equal(hash, id);
  }
  const client = await connectHub(hub.hubUrl, { token, retries: 0 });
  const target = folder.file("target");
  await downloadFile(client, HASH, target);
  assert.deepEqual(await Deno.readFile(target), CONTENT);
  assert.equal(await findAtHub(client, target), HASH);
});
