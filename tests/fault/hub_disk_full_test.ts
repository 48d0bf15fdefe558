/**
 * Goal: on a full disk a hub refuses what would need room, says why, and goes on answering those who
 * read; and it takes more when there is room again.
 */

import assert from "node:assert/strict";
import { HUB_PASSWORDS, HubServer } from "../helpers/hub_server.ts";
import { requiringTest } from "../helpers/require.ts";
import { SmallDisk } from "../helpers/small_disk.ts";
import { TempFolder } from "../helpers/temp_folder.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";

const MIB = 2 ** 20;

requiringTest(
  ["linux", "root", "mount"],
  "hub on a full disk: who reads goes on, who writes is told, and nothing is lost",
  async () => {
    using folder = new TempFolder();
    using disk = new SmallDisk(folder, "size=16m");
    let nowMs = Date.now();
    await using hub = await HubServer.start(`data_dir = "${disk.path}/data"`, () => nowMs);
    const random = new SeededRandom(5);
    const { access_token: token } = await hub.signIn("bob");
    const { token: reader } = await hub.ask(201, "POST", "/api/v1/tokens", {
      token,
      json: { name: "reader", scopes: ["read"] },
    });
    const body = random.bytes(MIB);
    const { file_hash } = await hub.ask(201, "POST", "/api/v1/file", { token, body });
    const read = async (as: string): Promise<void> => {
      const response = await hub.send("GET", `/api/v1/file/${file_hash}`, { token: as });
      assert.equal(response.status, 200);
      assert.ok(Buffer.compare(await response.bytes(), body) === 0);
    };
    await read(reader);

    const other = random.bytes(32 * MIB);
    const refused = await hub.ask(507, "POST", "/api/v1/file", { token, body: other });
    assert.equal(refused.code, "storage_full");
    await fill(`${disk.path}/filler`);
    // Late enough for the time of the token's last use to be written again.
    nowMs += 10 * 60_000;
    await read(reader);
    await read(token);
    await hub.ask(200, "GET", "/ready");
    const json = { username: "bob", password: HUB_PASSWORDS.bob };
    assert.equal((await hub.ask(507, "POST", "/api/v1/signin", { json })).code, "storage_full");
    const { code } = await hub.ask(401, "GET", "/api/v1/me", { token: `${token}x` });
    assert.equal(code, "token_invalid");
    assert.ok(!hub.log.join("").includes(HUB_PASSWORDS.bob));

    disk.resize("128m");
    await hub.ask(201, "POST", "/api/v1/file", { token, body: other });
    await hub.signIn("bob");
    await read(reader);
  },
);

/** Writes zeros until nothing more fits. */
async function fill(path: string): Promise<void> {
  using file = await Deno.open(path, { create: true, write: true });
  try {
    for (;;) await file.write(new Uint8Array(4096));
  } catch (error) {
    assert.match(String(error), /No space left/);
  }
}
