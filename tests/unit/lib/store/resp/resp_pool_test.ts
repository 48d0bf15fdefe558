import assert from "node:assert/strict";
import type { RespEndpoint } from "../../../../../lib/store/resp/resp_connection.ts";
import { RespPool } from "../../../../../lib/store/resp/resp_pool.ts";
import { respRequest } from "../../../../../lib/store/resp/resp_request.ts";
import { hear, listen, say, ScriptedServer } from "../../../../helpers/scripted_server.ts";

const MIB = 1024 * 1024;

function endpointOf(server: ScriptedServer): RespEndpoint {
  return {
    url: "zdb://host",
    connect: async () => await Deno.connect({ hostname: "127.0.0.1", port: server.port }),
    greeting: respRequest("HI"),
    checkGreeting: () => {},
  };
}

/** Answers the greeting and, once the gate is open, everything else. */
function gatedServer(gate: Promise<void>): ScriptedServer & { readonly words: string[] } {
  const words: string[] = [];
  const server = new ScriptedServer(async (conn) => {
    const buffer = new Uint8Array(64 * 1024);
    for (;;) {
      const count = await conn.read(buffer);
      if (count === null) return;
      const heard = new TextDecoder().decode(buffer.subarray(0, count));
      for (const [, word] of heard.matchAll(/\$\d+\r\n(\w+)\r\n/g)) {
        words.push(word!);
        if (word === "LARGE") await gate;
        await say(conn, "+OK\r\n");
      }
    }
  });
  return Object.assign(server, { words });
}

Deno.test("resp pool: large calls are spread over all connections, small ones pass by them on one", async () => {
  const gate = Promise.withResolvers<void>();
  await using server = gatedServer(gate.promise);
  await using pool = new RespPool(endpointOf(server), { connectionsMax: 4 });
  const call = (word: string, weight: number): Promise<unknown> =>
    pool.call(respRequest(word), weight);
  await Promise.all(Array.from({ length: 50 }, () => call("SMALL", 1000)));
  assert.equal(server.connections, 1);
  const large = Array.from({ length: 40 }, () => call("LARGE", MIB));
  while (server.words.filter((word) => word === "LARGE").length < 4) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assert.equal(server.connections, 4);
  await Promise.all(Array.from({ length: 50 }, () => call("SMALL", 1000)));
  assert.equal(server.connections, 5);
  gate.resolve();
  await Promise.all(large);
  assert.equal(server.connections, 5);
});

Deno.test("resp pool: calls have connections to themselves where that is the pace", async () => {
  const gate = Promise.withResolvers<void>();
  await using server = gatedServer(gate.promise);
  const pace = { connectionsMax: 2, sharedLoadMax: 0, joinAfterMs: 60_000 };
  await using pool = new RespPool(endpointOf(server), pace);
  const call = (word: string): Promise<unknown> => pool.call(respRequest(word), 100_000);
  const large = call("LARGE");
  // The second connection is made, used and free again; the first is not.
  await Promise.all([call("A"), call("B"), call("C")]);
  assert.equal(server.connections, 2);
  gate.resolve();
  await large;
});

for (const joinAfterMs of [20, 60_000]) {
  const isJoined = joinAfterMs < 1000;
  Deno.test(`resp pool: calls that waited long go ${isJoined ? "together" : "alone when others may not follow"}`, async () => {
    const [gate, isHeard] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const heard: number[] = [];
    await using server = new ScriptedServer(async (conn) => {
      for (let first = true;;) {
        const words = [...(await hear(conn)).matchAll(/\r\n(HI|CALL)\r\n/g)].map(([, word]) =>
          word
        );
        if (words.length === 0) return;
        if (words[0] === "CALL") heard.push(words.length);
        if (words[0] === "CALL" && first) {
          first = false;
          isHeard.resolve();
          await gate.promise;
        }
        await say(conn, "+OK\r\n".repeat(words.length));
      }
    });
    const pace = { connectionsMax: 1, sharedLoadMax: 0, burstSizeMax: 50, joinAfterMs };
    await using pool = new RespPool(endpointOf(server), pace);
    const calls = Array.from({ length: 5 }, () => pool.call(respRequest("CALL"), 100_000));
    await isHeard.promise;
    await new Promise((resolve) => setTimeout(resolve, 50));
    gate.resolve();
    await Promise.all(calls);
    // Three of 14 bytes are a burst.
    assert.deepEqual(heard, isJoined ? [1, 3, 1] : [1, 1, 1, 1, 1]);
  });
}

Deno.test("resp pool: nothing that is too long for a burst follows what is not answered", async () => {
  const gate = Promise.withResolvers<void>();
  await using server = gatedServer(gate.promise);
  const pace = { connectionsMax: 1, sharedLoadMax: 0, burstSizeMax: 60 };
  await using pool = new RespPool(endpointOf(server), pace);
  const call = (word: string): Promise<unknown> => pool.call(respRequest(word), 100_000);
  const calls = [call("LARGE"), call("SHORT"), call("X".repeat(50)), call("Y")];
  while (!server.words.includes("LARGE")) await new Promise((resolve) => setTimeout(resolve, 1));
  gate.resolve();
  await Promise.all(calls);
  assert.deepEqual(server.words.slice(1), ["LARGE", "SHORT", "X".repeat(50), "Y"]);
});

Deno.test("resp pool: who waits for room may give up, or is told when the pool is closed", async () => {
  await using server = new ScriptedServer(listen);
  const pool = new RespPool(endpointOf(server), { connectionsMax: 4 });
  const stop = new AbortController();
  const first = Array.from({ length: 32 }, () => pool.call(respRequest("A"), MIB));
  const gone = pool.call(respRequest("B"), MIB, stop.signal);
  const last = pool.call(respRequest("C"), MIB);
  stop.abort(new Error("stop"));
  await assert.rejects(gone, { message: "stop" });
  const outcomes = Promise.allSettled([...first, last]);
  await pool[Symbol.asyncDispose]();
  for (const outcome of await outcomes) {
    assert.match((outcome as PromiseRejectedResult).reason.message, /closed/);
  }
  await assert.rejects(pool.call(respRequest("D"), 1), /it was closed/);
});

Deno.test("resp pool: a connection that cannot be made fails its calls, and the next call tries anew", async () => {
  await using server = gatedServer(Promise.resolve());
  let attempts = 0;
  const endpoint = endpointOf(server);
  await using pool = new RespPool({
    ...endpoint,
    connect: (signal) =>
      attempts++ === 0 ? Promise.reject(new Error("no way")) : endpoint.connect(signal),
  });
  await assert.rejects(pool.call(respRequest("A"), 1), /no way/);
  assert.deepEqual(await pool.call(respRequest("A"), 1), ["OK"]);
});
