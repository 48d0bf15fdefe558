/**
 * Goal: a store in a hub keeps the contract as far as the hub lets it. Method: the checks of
 * lib/store/store_contract.ts against a hub, and a server that answers as that of rfs. Two kinds of checks do
 * not apply: a hub neither lists nor deletes, and it does not replace a block
 * (unit/lib/store/hub_store_test.ts shows what happens then).
 */

import { toHex } from "../../lib/base/bytes.ts";
import { parseBlockId } from "../../lib/block/block_ref.ts";
import { blake2b256, blake3 } from "../../lib/block/digest.ts";
import { HubStore } from "../../lib/store/hub_store.ts";
import { STORE_CONTRACT } from "../../lib/store/store_contract.ts";
import { HubServer } from "../helpers/hub_server.ts";
import { HUB_TOKEN, RfsHub } from "../helpers/rfs_hub.ts";

const NOT_DONE = "put: writes again when told to replace";

const checks = STORE_CONTRACT.filter(({ needs, name }) => needs === undefined && name !== NOT_DONE);

for (const check of checks) {
  Deno.test(`hub store: rfs: ${check.name}`, async () => {
    await using hub = await RfsHub.start();
    await using store = await HubStore.open(`hub://${hub.host}?token=${HUB_TOKEN}`, {
      create: true,
    });
    await check.run({ store, idOf: (block) => parseBlockId(toHex(blake2b256(block))) });
  });
}

Deno.test("hub store: today's hub", async (t) => {
  await using hub = await HubServer.start();
  const { access_token: token } = await hub.signIn("bob");
  for (const check of checks) {
    await t.step(check.name, async () => {
      await using store = await HubStore.open(`${hub.hubUrl}?token=${token}`, { create: true });
      await check.run({ store, idOf: (block) => parseBlockId(toHex(blake3(block))) });
    });
  }
});
