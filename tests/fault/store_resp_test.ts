/**
 * Goal: a server of `zdb://` or `redis://` that is down, silent, broken, hostile or full gives a typed
 * error that names the store and no secret, in time, and what comes after it works. Method: servers
 * that say what each test tells them to; the strict 0-db; redis-server where only it will do.
 */

import assert from "node:assert/strict";
import { releaseBytes } from "../../lib/base/bytes.ts";
import { BLOCK_SIZE_MAX } from "../../lib/base/limits.ts";
import {
  BlockNotFoundError,
  MyfsError,
  StoreDeniedError,
  StoreUnavailableError,
  UnsupportedError,
} from "../../lib/base/errors.ts";
import type { BlockId } from "../../lib/block/block_ref.ts";
import { openStore, type OpenStoreOptions } from "../../lib/store/open_store.ts";
import { openRedisStore, openZdbStore } from "../../lib/store/resp/resp_factory.ts";
import type { RespStore } from "../../lib/store/resp/resp_store.ts";
import type { Store } from "../../lib/store/store.ts";
import { randomBlock } from "../helpers/random_block.ts";
import { RedisServer } from "../helpers/redis_server.ts";
import { requiringTest } from "../helpers/require.ts";
import { hear, listen, say, type Script, ScriptedServer } from "../helpers/scripted_server.ts";
import { ZdbServer } from "../helpers/zdb_server.ts";

const SECRET = "s3cr3t";
const ONCE: OpenStoreOptions = { attempts: 1, deadlineMs: 100 };
const id = "ab".repeat(32) as BlockId;

/** Plain connections to a server that has greeted. */
async function openAfterPong(
  script: Script,
): Promise<{ server: ScriptedServer; store: RespStore }> {
  const server = new ScriptedServer(async (conn, index) => {
    await hear(conn);
    // The greeting, and what `open` asks to see that it is over.
    await say(conn, "+OK\r\n+PONG\r\n");
    if (index === 0) await hear(conn).then(() => say(conn, "+PONG\r\n"));
    await script(conn, index);
  });
  const store = await openRedisStore(`redis://me:${SECRET}@127.0.0.1:${server.port}`, {});
  return { server, store };
}

/** What a call throws, seen to hold no secret and to name the store. */
async function thrownBy(call: Promise<unknown>): Promise<MyfsError> {
  const error = await call.then(() => assert.fail("nothing was thrown"), (error) => error);
  assert.ok(error instanceof MyfsError, `${error}`);
  assert.ok(!Deno.inspect(error, { showHidden: true, depth: 9 }).includes(SECRET), error.message);
  assert.match(error.message, /(zdb|redis|rediss):\/\//);
  assert.match(error.message, /^(Cannot|Block) /);
  return error;
}

/** Answers to GET that are none, and what is said about them. */
const BROKEN: Readonly<Record<string, readonly [Script, RegExp]>> = {
  "closes instead of an answer": [() => Promise.resolve(), /the server closed it/],
  "closes half-way through a line": [(conn) => say(conn, "$52"), /half-way through a reply/],
  "closes half-way through a value": [
    (conn) => say(conn, "$5000\r\nabc"),
    /half-way through a value/,
  ],
  "closes before the end of the line after a value": [
    (conn) => say(conn, "$3\r\nabc"),
    /half-way through a reply/,
  ],
  "announces more than a block has": [
    async (conn) => (await say(conn, `$${BLOCK_SIZE_MAX + 1}\r\n`), await listen(conn)),
    /more than a block has/,
  ],
  "announces a size that is no number": [
    async (conn) => (await say(conn, "$12x\r\n"), await listen(conn)),
    /broken number/,
  ],
  "announces a list of 10 million": [
    async (conn) => (await say(conn, "*10000000\r\n"), await listen(conn)),
    /too large/,
  ],
  "sends lists in lists without end": [
    async (conn) => (await say(conn, "*1\r\n".repeat(1000)), await listen(conn)),
    /too large/,
  ],
  "sends a value longer than it said": [
    async (conn) => (await say(conn, "$1\r\nabcdef\r\n"), await listen(conn)),
    /longer than it said/,
  ],
  "sends garbage": [
    async (conn) => (await say(conn, "HTTP/1.1 400 Bad Request\r\n\r\n"), await listen(conn)),
    /no reply/,
  ],
  "sends a line that never ends": [
    async (conn) => (await say(conn, "+".repeat(10_000)), await listen(conn)),
    /line that does not end/,
  ],
};

for (const [what, [script, message]] of Object.entries(BROKEN)) {
  Deno.test(`resp store: a server that ${what} fails the call, and the next one connects anew`, async () => {
    const opened = await openAfterPong(async (conn, index) => {
      await hear(conn);
      if (index === 0) return await script(conn, index);
      await say(conn, "$2\r\nok\r\n");
      await listen(conn);
    });
    await using server = opened.server;
    await using store = opened.store;
    const error = await thrownBy(store.get(id));
    assert.ok(error instanceof StoreUnavailableError && error.retryable, `${error}`);
    assert.match(error.message, message);
    assert.equal(new TextDecoder().decode(await store.get(id)), "ok");
    assert.equal(server.connections, 2);
  });
}

/** Refusals, and what they become. */
const REFUSALS: readonly (readonly [string, "denied" | "retryable" | "final", RegExp])[] = [
  ["NOAUTH Authentication required.", "denied", /password/],
  ["NOPERM this user has no permissions", "denied", /Allow the user/],
  ["READONLY You can't write against a read only replica.", "denied", /primary/],
  ["Namespace is in read-only mode", "denied", /password/],
  ["LOADING Redis is loading the dataset in memory", "retryable", /again/],
  ["MASTERDOWN Link with MASTER is down", "retryable", /again/],
  ["TRYAGAIN Multiple keys request during rehashing", "retryable", /again/],
  ["BUSY Redis is busy running a script", "retryable", /again/],
  ["Namespace is temporarily locked (read-only)", "retryable", /again/],
  ["OOM command not allowed when used memory > 'maxmemory'.", "final", /maxmemory/],
  ["MOVED 3999 127.0.0.1:6381", "final", /cluster/],
  ["No space left on this namespace", "final", /maxsize/],
];

Deno.test("resp store: each refusal is denied, worth another try, or neither, with a hint", async () => {
  const texts = REFUSALS.map(([text]) => text);
  const opened = await openAfterPong(async (conn) => {
    for (const text of texts) await hear(conn).then(() => say(conn, `-${text}\r\n`));
    await listen(conn);
  });
  await using server = opened.server;
  await using store = opened.store;
  for (const [text, kind, hint] of REFUSALS) {
    const error = await thrownBy(store.put(id, new Uint8Array(10)));
    assert.ok(error.message.startsWith(`Cannot store block ${id}: `), error.message);
    assert.ok(error.message.endsWith(`says: ${text}`), error.message);
    assert.match(error.hint ?? "", hint);
    const found = error instanceof StoreDeniedError
      ? "denied"
      : (error as StoreUnavailableError).retryable
      ? "retryable"
      : "final";
    assert.equal(found, kind, text);
  }
  assert.equal(server.connections, 1, "a refusal ended the connection");
});

Deno.test("resp store: a server that repeats the password does not make us tell it", async () => {
  const opened = await openAfterPong(async (conn) => {
    await hear(conn);
    await say(conn, `-ERR you said ${SECRET}\u001b[2J, ${"x".repeat(3000)}\r\n`);
    await listen(conn);
  });
  await using _server = opened.server;
  await using store = opened.store;
  const error = await thrownBy(store.get(id));
  assert.match(error.message, /you said \*\*\* \[2J, x+…$/);
  assert.ok(error.message.length < 500);
});

Deno.test("resp store: a server that never answers is left at the deadline", async (t) => {
  await using server = new ScriptedServer(listen);
  await t.step("when it is opened", async () => {
    for (const scheme of ["zdb", "redis"]) {
      const url = `${scheme}://me:${SECRET}@127.0.0.1:${server.port}`;
      const error = await thrownBy(openStore([url], ONCE));
      assert.match(error.message, /did not answer within 0\.1 s/);
    }
  });
  await t.step("when it is called", async () => {
    const url = `zdb://:${SECRET}@127.0.0.1:${server.port}`;
    await using store = await openZdbStore(url, { mayBeAway: true });
    const reason = new Error("enough");
    const calls = (signal: AbortSignal): Promise<unknown>[] => [
      store.get(id, { signal }),
      store.put(id, new Uint8Array(3_000_000), { signal }),
      store.has([id], { signal }),
      store.delete(id, { signal }),
      Array.fromAsync(store.list({ signal })),
    ];
    const stop = new AbortController();
    const outcomes = Promise.allSettled(calls(stop.signal));
    stop.abort(reason);
    for (const outcome of await outcomes) {
      assert.equal((outcome as PromiseRejectedResult).reason, reason);
    }
  });
});

Deno.test("resp store: a server that greets and then falls silent is given up for a new connection", async () => {
  let silent = true;
  const opened = await openAfterPong(async (conn) => {
    while (silent) await hear(conn);
    await hear(conn).then(() => say(conn, "$2\r\nok\r\n"));
    await listen(conn);
  });
  await using server = opened.server;
  await using store = opened.store;
  const signal = AbortSignal.timeout(1100);
  await assert.rejects(store.get(id, { signal }), (error) => error === signal.reason);
  silent = false;
  assert.equal((await store.get(id)).length, 2);
  assert.equal(server.connections, 2);
});

Deno.test("resp store: calls that are given up leave the connection usable, and their arrays alone", async () => {
  await using server = new ZdbServer();
  await using store = await openZdbStore(`zdb://${server.address}`, {});
  const blocks = Array.from({ length: 40 }, () => randomBlock(60_000));
  const stop = new AbortController();
  const large = new Uint8Array(6_000_000).fill(1);
  const puts = blocks.map(({ id, block }, index) =>
    index % 2 === 0 ? store.put(id, block) : store.put(id, block, { signal: stop.signal })
  );
  const half = store.put(id, large, { signal: stop.signal });
  const settled = Promise.allSettled([...puts, half]);
  // Now some of the large one is on its way.
  await new Promise((resolve) => setTimeout(resolve, 1));
  stop.abort();
  await half.catch(() => large.fill(2));
  for (const [index, { status }] of (await settled).slice(0, -1).entries()) {
    if (index % 2 === 0) assert.equal(status, "fulfilled");
  }
  for (const { id, block } of blocks.filter((_, index) => index % 2 === 0)) {
    assert.deepEqual(await store.get(id), block);
  }
  const [stored] = await store.has([id]);
  if (stored) {
    assert.ok((await store.get(id)).every((byte) => byte === 1), "bytes changed on the way");
  }
  const gets = blocks.map(({ id }, index) => {
    const abort = new AbortController();
    const got = store.get(id, { signal: abort.signal }).catch(() => undefined);
    if (index % 3 === 0) abort.abort();
    return got;
  });
  for (const [index, block] of (await Promise.all(gets)).entries()) {
    if (index % 2 === 0 && index % 3 !== 0) assert.deepEqual(block, blocks[index]!.block);
    if (index % 3 === 0) assert.equal(block, undefined);
  }
});

Deno.test("zdb store: what cannot be opened says why and what to do", async () => {
  await using server = new ZdbServer({
    namespaces: {
      closed: { password: "right", isPublic: false },
      sequential: { mode: "sequential" },
    },
  });
  const open = (user: string, space: string): Promise<Store> =>
    openStore([`zdb://${user}${server.address}${space}`], ONCE);
  const missing = await thrownBy(open("", "/none"));
  assert.ok(missing instanceof StoreUnavailableError && !missing.retryable);
  assert.match(`${missing.message} ${missing.hint}`, /Namespace not found.*NSNEW/);
  const wrong = await thrownBy(open(`:${SECRET}@`, "/closed"));
  assert.ok(wrong instanceof StoreDeniedError);
  assert.match(`${wrong.message} ${wrong.hint}`, /Access denied.*password/);
  const none = await thrownBy(open("", "/closed"));
  assert.ok(none instanceof StoreDeniedError);
  assert.match(none.hint!, /zdb:\/\/:password@host\/namespace/);
  const sequential = await thrownBy(open("", "/sequential"));
  assert.ok(sequential instanceof UnsupportedError);
  assert.match(`${sequential.message} ${sequential.hint}`, /makes its own keys.*userkey/);
});

Deno.test("zdb store: a public namespace without its password can be read and not written", async () => {
  await using server = new ZdbServer({ namespaces: { shown: { password: "right" } } });
  const { id, block } = randomBlock(1000);
  await using owner = await openZdbStore(`zdb://:right@${server.address}/shown`, {});
  await owner.put(id, block);
  await using guest = await openZdbStore(`zdb://${server.address}/shown`, {});
  assert.deepEqual(await guest.get(id), block);
  assert.deepEqual(await guest.has([id]), [true]);
  assert.ok(await thrownBy(guest.put(id, block)) instanceof StoreDeniedError);
  assert.ok(await thrownBy(guest.delete(id)) instanceof StoreDeniedError);
});

Deno.test("zdb store: limits of namespaces and of 0-db", async () => {
  await using server = new ZdbServer({
    namespaces: { small: { sizeMax: 1500 }, worm: { worm: true } },
  });
  const [first, second] = [randomBlock(1000), randomBlock(1000)];
  await using small = await openZdbStore(`zdb://${server.address}/small`, {});
  await small.put(first.id, first.block);
  const full = await thrownBy(small.put(second.id, second.block));
  assert.ok(full instanceof StoreUnavailableError && !full.retryable);
  await using worm = await openZdbStore(`zdb://${server.address}/worm`, {});
  assert.equal(await worm.put(first.id, first.block), "stored");
  assert.equal(await worm.put(first.id, first.block), "present");
  assert.ok(await thrownBy(worm.delete(first.id)) instanceof StoreDeniedError);
  const size = 8 * 1024 * 1024;
  assert.equal(
    await small.put(id, new Uint8Array(size + 1)).catch((error) => error.code),
    "unsupported",
  );
  await using plain = await openZdbStore(`zdb://${server.address}`, {});
  assert.equal(await plain.put(id, new Uint8Array(size)), "stored");
  assert.equal((await plain.get(id)).length, size);
});

Deno.test("zdb store: a server that starts again in the midst of the work is found again", async () => {
  const { id, block } = randomBlock(1000);
  const server = new ZdbServer();
  const { port } = server;
  await using store = await openZdbStore(`zdb://${server.address}`, {});
  await store.put(id, block);
  server.hangUp();
  assert.deepEqual(await store.get(id).catch(() => store.get(id)), block);
  await server[Symbol.asyncDispose]();
  const down = await thrownBy(
    store.get(id).catch((error) => {
      // The first may still meet the old connection; the next finds nobody.
      return error.message.includes("refused") ? Promise.reject(error) : store.get(id);
    }),
  );
  assert.ok(down instanceof StoreUnavailableError && down.retryable, `${down}`);
  await using _again = new ZdbServer({ port });
  await assert.rejects(store.get(id), BlockNotFoundError);
  await store.put(id, block);
  assert.deepEqual(await store.get(id), block);
});

Deno.test("resp store: 1,000 gets at once are under way in part, and small calls pass by them", async () => {
  const value = new Uint8Array(256 * 1024);
  const reply = new TextEncoder().encode(`$${value.length}\r\n`);
  let [askedMax, existsAt, answered] = [0, -1, 0];
  const opened = await openAfterPong(async (conn) => {
    for (let heard = "";;) {
      heard += await hear(conn);
      const commands = [...heard.matchAll(/\r\n(GET|EXISTS)\r\n/g)];
      // A name that was cut in two is completed by what comes next.
      const last = commands.at(-1);
      if (last !== undefined) heard = heard.slice(last.index + last[0].length);
      askedMax = Math.max(askedMax, commands.length);
      for (const [, command] of commands) {
        if (command === "EXISTS") {
          existsAt = answered;
          await say(conn, ":1\r\n");
          continue;
        }
        await say(conn, reply);
        await say(conn, value);
        await say(conn, "\r\n");
        answered++;
      }
    }
  });
  await using _server = opened.server;
  await using store = opened.store;
  const before = Deno.memoryUsage().rss;
  let rssMax = 0;
  const gets = Array.from({ length: 1000 }, async () => {
    const block = await store.get(id);
    assert.equal(block.length, value.length);
    releaseBytes(block);
    rssMax = Math.max(rssMax, Deno.memoryUsage().rss);
  });
  assert.deepEqual(await store.has([id]), [true]);
  await Promise.all(gets);
  assert.ok(opened.server.connections <= 33, `${opened.server.connections} connections`);
  assert.ok(askedMax <= 8, `${askedMax} gets were under way on one connection`);
  assert.ok(existsAt < 100, `it waited for ${existsAt} blocks`);
  assert.ok(rssMax - before < 130e6, `${(rssMax - before) / 1e6} MB for 262 MB of blocks`);
});

Deno.test("resp store: a closed store fails calls under way and later ones", async () => {
  await using server = new ScriptedServer(listen);
  const store = await openZdbStore(`zdb://127.0.0.1:${server.port}`, { mayBeAway: true });
  const underWay = thrownBy(store.get(id));
  await store[Symbol.asyncDispose]();
  assert.match((await underWay).message, /closed/);
  assert.match((await thrownBy(store.get(id))).message, /closed/);
});

Deno.test("redis store: TLS with a server that does not speak it is an error that says so", async () => {
  await using talking = new ScriptedServer(async (conn) => {
    await say(conn, "-ERR unknown command\r\n");
    await listen(conn);
  });
  const refused = await thrownBy(openRedisStore(`rediss://127.0.0.1:${talking.port}`, {}));
  assert.ok(refused instanceof StoreUnavailableError && !refused.retryable);
  assert.match(refused.hint!, /TLS/);
  await using silent = new ScriptedServer(listen);
  const startedMs = performance.now();
  await thrownBy(openStore([`rediss://127.0.0.1:${silent.port}`], ONCE));
  assert.ok(performance.now() - startedMs < 900, "the handshake went on after the deadline");
});

requiringTest(["redis-server"], "redis store: what cannot be opened says why", async () => {
  await using server = await RedisServer.start({ password: "right" });
  const open = (url: string): Promise<Store> => openStore([url], ONCE);
  const at = `127.0.0.1:${server.port}`;
  assert.ok(await thrownBy(open(`redis://${at}`)) instanceof StoreDeniedError);
  assert.ok(await thrownBy(open(`redis://:${SECRET}@${at}`)) instanceof StoreDeniedError);
  const space = await thrownBy(open(`redis://:right@${at}/9`));
  assert.match(`${space.message} ${space.hint}`, /DB index is out of range.*0 to 15/);
  await using bare = await RedisServer.start();
  const needless = await thrownBy(open(`redis://:${SECRET}@127.0.0.1:${bare.port}`));
  assert.match(needless.hint!, /no password/);
  const mistaken = await thrownBy(open(`zdb://127.0.0.1:${bare.port}/space`));
  assert.match(mistaken.hint!, /redis:\/\/ in place of zdb:\/\//);
});

requiringTest(
  ["redis-server"],
  "redis store: a server that starts again is found again",
  async () => {
    const { id, block } = randomBlock(60_000);
    const server = await RedisServer.start();
    const { port } = server;
    await using store = await openStore([`redis://127.0.0.1:${port}`]);
    await store.put(id, block);
    await server[Symbol.asyncDispose]();
    const put = store.put(id, block);
    await using _again = await RedisServer.start({ port });
    assert.equal(await put, "stored");
    assert.deepEqual(await store.get(id), block);
  },
);

requiringTest(["redis-server"], "redis store: a full server says how to help", async () => {
  await using full = await RedisServer.start({ settings: ["--maxmemory", "2mb"] });
  await using store = await openRedisStore(`redis://127.0.0.1:${full.port}`, {});
  const puts = Array.from({ length: 50 }, () => randomBlock(60_000))
    .map(({ id, block }) => store.put(id, block));
  const outcomes = await Promise.allSettled(puts);
  const refused = outcomes.find(({ status }) => status === "rejected") as PromiseRejectedResult;
  const error = await thrownBy(Promise.reject(refused.reason));
  assert.match(error.hint!, /maxmemory/);
});
