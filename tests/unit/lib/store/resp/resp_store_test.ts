/**
 * How a store in 0-db or Redis uses its server. That it keeps the contract is shown in
 * tests/contract/, and what it makes of faults in tests/fault/.
 */

import assert from "node:assert/strict";
import { StoreUnavailableError, UntrustedRouteError } from "../../../../../lib/base/errors.ts";
import { openRedisStore, openZdbStore } from "../../../../../lib/store/resp/resp_factory.ts";
import { randomBlock } from "../../../../helpers/random_block.ts";
import { hear, listen, say, ScriptedServer } from "../../../../helpers/scripted_server.ts";
import { ZdbServer } from "../../../../helpers/zdb_server.ts";

Deno.test("resp store: asks 0-db for nothing that it does not know, and says what was new", async () => {
  await using server = new ZdbServer({ namespaces: { space: {} } });
  await using store = await openZdbStore(`zdb://${server.address}/space`, {});
  const blocks = Array.from({ length: 30 }, () => randomBlock(100));
  for (const { id, block } of blocks) assert.equal(await store.put(id, block), "stored");
  assert.equal(await store.put(blocks[0]!.id, blocks[0]!.block), "present");
  const ids = blocks.map(({ id }) => id);
  assert.deepEqual((await Array.fromAsync(store.list())).sort(), ids.toSorted());
  assert.deepEqual(server.unknown, []);
  await using other = await openZdbStore(`zdb://${server.address}`, {});
  assert.deepEqual(await other.has(ids), ids.map(() => false), "the namespace is another one");
});

Deno.test("resp store: repairs a damaged block", async () => {
  await using server = new ZdbServer();
  await using store = await openZdbStore(`zdb://${server.address}`, {});
  const { id, block } = randomBlock(100);
  await store.put(id, new Uint8Array(50).fill(1));
  assert.equal(await store.put(id, block, { replace: true }), "stored");
  assert.deepEqual(await store.get(id), block);
});

Deno.test("resp store: a large block that is there is not sent, until many in a row were missing", async () => {
  await using server = new ZdbServer();
  await using store = await openZdbStore(`zdb://${server.address}`, {});
  const blocks = Array.from({ length: 20 }, () => randomBlock(65_536));
  const put = async (): Promise<string[]> => {
    const results = [];
    for (const { id, block } of blocks) results.push(await store.put(id, block));
    return results;
  };
  const sent = (): number => server.counts.get("SET") ?? 0;
  assert.deepEqual(await put(), blocks.map(() => "stored"));
  assert.equal(sent(), 20);
  assert.ok(server.counts.get("EXISTS")! < 20, "it gave up asking");
  assert.deepEqual(await put(), blocks.map(() => "present"));
  assert.equal(sent(), 21, "the first answer shows that it is worth asking again");
  const { id, block } = blocks[0]!;
  assert.equal(await store.put(id, block, { replace: true }), "stored");
  assert.equal(sent(), 22, "told to replace it sends without asking");
});

Deno.test("resp store: answers for thousands of ids at once", async () => {
  await using server = new ZdbServer();
  await using store = await openZdbStore(`zdb://${server.address}`, {});
  const { id, block } = randomBlock(100);
  await store.put(id, block);
  const absent = randomBlock(10).id;
  const ids = Array.from({ length: 5000 }, (_, index) => index % 3 === 0 ? id : absent);
  assert.deepEqual(await store.has(ids), ids.map((asked) => asked === id));
});

Deno.test("resp store: lists each id once, and no key that is none", async () => {
  const key = "k".repeat(32);
  const page = (cursor: string, keys: readonly string[]): string =>
    `*2\r\n$${cursor.length}\r\n${cursor}\r\n*${keys.length}\r\n` +
    keys.map((name) => `$${name.length}\r\n${name}\r\n`).join("");
  const pages = [page("17", [key, "short"]), page("4", []), page("0", [key])];
  await using server = new ScriptedServer(async (conn) => {
    for (const reply of ["+PONG\r\n", "+PONG\r\n", ...pages]) {
      await hear(conn);
      await say(conn, reply);
    }
    await listen(conn);
  });
  await using store = await openRedisStore(`redis://127.0.0.1:${server.port}`, {});
  assert.deepEqual(await Array.fromAsync(store.list()), ["6b".repeat(32)]);
});

Deno.test("resp store: an answer of the wrong kind is an error, not a result", async () => {
  await using server = new ScriptedServer(async (conn) => {
    for (const reply of ["+PONG\r\n", "+PONG\r\n"]) await hear(conn).then(() => say(conn, reply));
    for (;;) await hear(conn).then(() => say(conn, "*1\r\n:1\r\n"));
  });
  await using store = await openRedisStore(`redis://127.0.0.1:${server.port}`, {});
  const { id, block } = randomBlock(10);
  const calls = [
    () => store.get(id),
    () => store.put(id, block),
    () => store.has([id]),
    () => store.delete(id),
    () => Array.fromAsync(store.list()),
  ];
  for (const call of calls) {
    await assert.rejects(call, (error) => {
      assert.ok(error instanceof StoreUnavailableError && !error.retryable);
      return /answered something else/.test(error.message);
    });
  }
});

Deno.test("resp store: of what answers in another language it says so", async () => {
  for (const [open, scheme] of [[openZdbStore, "zdb"], [openRedisStore, "redis"]] as const) {
    await using server = new ScriptedServer(async (conn) => {
      await hear(conn);
      await say(conn, ":1\r\n");
      await listen(conn);
    });
    await assert.rejects(open(`${scheme}://127.0.0.1:${server.port}`, {}), /does not answer as/);
  }
});

Deno.test("resp store: for a foreign flist it connects to public addresses alone", async () => {
  await using server = new ZdbServer();
  const open = openZdbStore(`zdb://localhost:${server.port}`, { publicAddressesOnly: true });
  await assert.rejects(open, UntrustedRouteError);
  assert.equal(server.connections, 0);
});

Deno.test("resp store: who cannot be reached is named, with what to check", async () => {
  const server = new ScriptedServer(listen);
  await server[Symbol.asyncDispose]();
  const refused = openZdbStore(`zdb://127.0.0.1:${server.port}`, {});
  await assert.rejects(refused, (error) => {
    assert.ok(error instanceof StoreUnavailableError && error.retryable);
    return /^Cannot connect to zdb:.*refused/.test(error.message) && /port/.test(error.hint!);
  });
  await assert.rejects(openZdbStore("zdb:///nowhere/at.all", {}), (error) => {
    assert.ok(error instanceof StoreUnavailableError);
    return /^Cannot connect to zdb:\/\/\/nowhere/.test(error.message) && /socket/.test(error.hint!);
  });
});
