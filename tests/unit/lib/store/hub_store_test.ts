/**
 * Goal: a hub's answers are understood, and what it cannot do is told. Method: a server that answers
 * as that of rfs, and ones that do not. tests/contract has the rest.
 */

import assert from "node:assert/strict";
import { toHex } from "../../../../lib/base/bytes.ts";
import {
  BlockNotFoundError,
  StoreDeniedError,
  StoreUnavailableError,
  UnsupportedError,
} from "../../../../lib/base/errors.ts";
import { type BlockId, parseBlockId } from "../../../../lib/block/block_ref.ts";
import { blake2b256, blake3 } from "../../../../lib/block/digest.ts";
import { readBlockStream } from "../../../../lib/hub_api/block_stream.ts";
import { HubCredentials } from "../../../../lib/hub_api/credentials.ts";
import { parseHubAddress } from "../../../../lib/hub_api/hub_address.ts";
import { HubStore } from "../../../../lib/store/hub_store.ts";
import { openStore } from "../../../../lib/store/open_store.ts";
import type { PutResult } from "../../../../lib/store/store.ts";
import { type FaultAnswer, faultServer } from "../../../helpers/fault_server.ts";
import { randomBlock } from "../../../helpers/random_block.ts";
import { HUB_TOKEN, RfsHub } from "../../../helpers/rfs_hub.ts";

function rfsBlock(size = 100): { id: BlockId; block: Uint8Array<ArrayBuffer> } {
  const { block } = randomBlock(size);
  return { id: parseBlockId(toHex(blake2b256(block))), block };
}

Deno.test("hub store: keeps blocks and gives them back, in every form of URL", async () => {
  await using hub = await RfsHub.start();
  const { id, block } = rfsBlock();
  const query = `?token=${HUB_TOKEN}`;
  const forms = [`hub://${hub.host}`, `server://${hub.host}`, `server://http://${hub.host}`];
  for (const [index, form] of forms.entries()) {
    await using store = await openStore([form + query], { create: true });
    assert.equal(store.url, form);
    assert.equal(await store.put(id, block), index === 0 ? "stored" : "present");
    assert.deepEqual(await store.get(id), block);
    await using reader = await openStore([form]);
    assert.deepEqual(await reader.get(id), block);
  }
  assert.ok(hub.requests.includes("POST /api/v1/block?file_hash=&idx=0"));
});

Deno.test("hub store: asks for many blocks with few requests", async () => {
  await using hub = await RfsHub.start();
  await using store = await HubStore.open(`hub://${hub.host}?token=${HUB_TOKEN}`);
  const { id, block } = rfsBlock();
  await store.put(id, block);
  const others = Array.from(
    { length: 2500 },
    (_, i) => parseBlockId(i.toString(16).padStart(64, "0")),
  );
  const before = hub.requests.length;
  const found = await store.has([id, ...others, id, others[7]!]);
  assert.deepEqual(found, [true, ...others.map(() => false), true, false]);
  assert.equal(hub.requests.length - before, 3);
  assert.deepEqual(await store.has([]), []);
  assert.equal(hub.requests.length - before, 3);
});

Deno.test("hub store: writing takes a token, and one that the hub knows", async () => {
  await using hub = await RfsHub.start();
  const { id, block } = rfsBlock();
  await assert.rejects(HubStore.open(`hub://${hub.host}`, { create: true }), (error) => {
    assert.ok(error instanceof StoreDeniedError);
    assert.match(error.hint!, /\?token=/);
    return true;
  });
  await using reader = await HubStore.open(`hub://${hub.host}`);
  await assert.rejects(reader.put(id, block), StoreDeniedError);
  await using store = await HubStore.open(`hub://${hub.host}?token=s3cr3t`, { create: true });
  await assert.rejects(store.put(id, block), (error) => {
    assert.ok(error instanceof StoreDeniedError);
    assert.ok(!`${error.message}${error.hint}${error.stack}`.includes("s3cr3t"));
    return true;
  });
  assert.equal(hub.blocks.size, 0);
});

Deno.test("hub store: tells when the hub has another id for a block", async () => {
  await using hub = await RfsHub.start();
  await using store = await HubStore.open(`hub://${hub.host}?token=${HUB_TOKEN}`);
  const { id, block } = randomBlock(100);
  await assert.rejects(store.put(id, block), (error) => {
    assert.ok(error instanceof UnsupportedError);
    assert.match(error.hint!, /--profile rfs/);
    return true;
  });
});

Deno.test("hub store: a block that is there cannot be replaced, a new one can be stored so", async () => {
  await using hub = await RfsHub.start();
  await using store = await HubStore.open(`hub://${hub.host}?token=${HUB_TOKEN}`);
  const { id, block } = rfsBlock();
  assert.equal(await store.put(id, block, { replace: true }), "stored");
  await assert.rejects(store.put(id, block, { replace: true }), UnsupportedError);
});

Deno.test("hub store: sizes are checked here and by the hub", async () => {
  await using hub = await RfsHub.start();
  await using store = await HubStore.open(`hub://${hub.host}?token=${HUB_TOKEN}`);
  const { id } = rfsBlock();
  await assert.rejects(store.put(id, new Uint8Array(0)), RangeError);
  await assert.rejects(store.put(id, new Uint8Array(2 * 1024 * 1024 + 1)), (error) => {
    assert.ok(error instanceof StoreUnavailableError && !error.retryable);
    assert.match(error.message, /413/);
    return true;
  });
});

Deno.test("hub store: opening tells when there is no hub, unless it may be away", async () => {
  await using web = await faultServer({ kind: "http", status: 404 });
  const url = `hub://127.0.0.1:${web.port}`;
  await assert.rejects(HubStore.open(url), (error) => {
    assert.ok(error instanceof StoreUnavailableError && !error.retryable);
    assert.match(error.message, /no hub/);
    return true;
  });
  assert.deepEqual(web.requests.map(({ target }) => target), ["/api/v1"]);
  await using away = await HubStore.open(url, { mayBeAway: true });
  await assert.rejects(away.get(rfsBlock().id), BlockNotFoundError);
  await using busy = await faultServer({ kind: "http", status: 503 });
  await assert.rejects(HubStore.open(`hub://127.0.0.1:${busy.port}`), { retryable: true });
  await assert.rejects(HubStore.open(url, { publicAddressesOnly: true }), {
    code: "untrusted_route",
  });
});

Deno.test("hub store: answers that no hub gives are told apart", async () => {
  const { id, block } = rfsBlock();
  const nonsense: readonly FaultAnswer[] = [
    { kind: "http", body: "<html>" },
    { kind: "http", body: "[]" },
    { kind: "http", body: "null" },
    { kind: "http", body: '{"missing":1}' },
  ];
  for (const answer of nonsense) {
    await using server = await faultServer(answer);
    await using store = await HubStore.open(`hub://127.0.0.1:${server.port}?token=t`);
    await assert.rejects(store.has([id]), StoreUnavailableError);
    await assert.rejects(store.put(id, block), StoreUnavailableError);
  }
});

Deno.test("hub store: an aborted call rejects with the reason", async () => {
  await using server = await faultServer(({ target }) =>
    target === "/api/v1" ? { kind: "http" } : { kind: "silence" }
  );
  await using store = await HubStore.open(`hub://127.0.0.1:${server.port}?token=t`);
  const reason = new Error("enough");
  const { id, block } = rfsBlock();
  for (
    const call of [
      (signal: AbortSignal) => store.get(id, { signal }),
      (signal: AbortSignal) => store.has([id], { signal }),
      (signal: AbortSignal) => store.put(id, block, { signal }),
    ]
  ) {
    const controller = new AbortController();
    const result = call(controller.signal);
    setTimeout(() => controller.abort(reason), 5);
    await assert.rejects(result, (error) => error === reason);
    await assert.rejects(call(AbortSignal.abort(reason)), (error) => error === reason);
  }
});

/** A hub that takes many blocks at once, in memory. */
class TodaysHub implements AsyncDisposable {
  readonly blocks = new Map<string, Uint8Array>();
  readonly requests: string[] = [];
  /** Answers in place of the hub, where it answers. */
  before: (request: Request) => Promise<Response | undefined> = () => Promise.resolve(undefined);
  readonly #server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    async (request) => {
      const { pathname } = new URL(request.url);
      this.requests.push(`${request.method} ${pathname.replace(/[0-9a-f]{64}/, "id")}`);
      return await this.before(request) ?? await this.#answer(request, pathname);
    },
  );

  get url(): string {
    return `hub://127.0.0.1:${this.#server.addr.port}`;
  }

  async open(create = true): Promise<HubStore> {
    return await HubStore.open(`${this.url}?token=T`, { create, mayBeAway: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  async #answer(request: Request, pathname: string): Promise<Response> {
    if (pathname.endsWith("/blocks/missing")) {
      const { blocks } = await request.json();
      assert.ok(blocks.length <= 10_000);
      return Response.json({ missing: blocks.filter((id: string) => !this.blocks.has(id)) });
    }
    if (pathname.endsWith("/blocks/upload")) {
      let count = 0;
      for await (const { id, block } of readBlockStream(request.body!)) {
        if (toHex(blake3(block!)) !== id) return Response.json({}, { status: 422 });
        this.blocks.set(id, block!);
        count++;
      }
      return Response.json({ stored: count, present: 0, blocks: count });
    }
    if (request.method !== "PUT") return Response.json({ msg: "a hub" });
    const hash = pathname.split("/").at(-1)!;
    const block = await request.bytes();
    if (toHex(blake3(block)) !== hash) return Response.json({}, { status: 422 });
    this.blocks.set(hash, block);
    return Response.json({ hash, message: "stored" }, { status: 201 });
  }
}

Deno.test("hub store: small blocks go together, and what the hub has is not sent", async () => {
  await using hub = new TodaysHub();
  await using store = await hub.open();
  const blocks = Array.from({ length: 3000 }, () => randomBlock(1000));
  const put = async (): Promise<PutResult[]> =>
    await Promise.all(blocks.map(({ id, block }) => store.put(id, block)));
  assert.deepEqual(new Set(await put()), new Set(["stored"]));
  assert.deepEqual(hub.blocks.size, 3000);
  for (const { id, block } of blocks) assert.deepEqual(hub.blocks.get(id), block);
  const uploads = hub.requests.filter((line) => line === "POST /api/v1/blocks/upload");
  assert.ok(uploads.length >= 3 && uploads.length <= 10, `${uploads.length} uploads`);
  hub.requests.length = 0;
  assert.deepEqual(new Set(await put()), new Set(["present"]));
  assert.ok(hub.requests.every((line) => line === "POST /api/v1/blocks/missing"));
});

Deno.test("hub store: a block twice at once is stored once", async () => {
  await using hub = new TodaysHub();
  await using store = await hub.open();
  const { id, block } = randomBlock(100);
  const results = await Promise.all([store.put(id, block), store.put(id, block)]);
  assert.deepEqual(results.sort(), ["present", "stored"]);
});

Deno.test("hub store: a large block goes alone", async () => {
  await using hub = new TodaysHub();
  await using store = await hub.open();
  const block = new Uint8Array(1024 * 1024);
  const id = parseBlockId(toHex(blake3(block)));
  assert.equal(await store.put(id, block), "stored");
  assert.deepEqual(hub.requests, ["POST /api/v1/blocks/missing", "PUT /api/v1/block/id"]);
});

Deno.test("hub store: of blocks that go together, only the bad one fails", async () => {
  await using hub = new TodaysHub();
  await using store = await hub.open();
  const good = Array.from({ length: 20 }, () => randomBlock(100));
  const bad = { id: randomBlock(10).id, block: Uint8Array.of(1) };
  const results = await Promise.allSettled(
    [...good, bad].map(({ id, block }) => store.put(id, block)),
  );
  assert.deepEqual(
    results.slice(0, -1).map((result) => result.status),
    Array(20).fill("fulfilled"),
  );
  assert.equal(results.at(-1)!.status, "rejected");
  assert.equal(hub.blocks.size, 20);
});

Deno.test("hub store: a hub that is busy, or denies, says so of all that go together", async () => {
  for (const [status, code] of [[503, "store_unavailable"], [403, "store_denied"]] as const) {
    await using hub = new TodaysHub();
    await using store = await hub.open();
    hub.before = async (request) => {
      if (!request.url.endsWith("/blocks/upload")) return undefined;
      await request.body?.cancel();
      return new Response(null, { status });
    };
    const blocks = Array.from({ length: 5 }, () => randomBlock(100));
    const results = await Promise.allSettled(blocks.map(({ id, block }) => store.put(id, block)));
    for (const result of results) {
      assert.ok(result.status === "rejected");
      assert.equal(result.reason.code, code);
    }
    assert.ok(!hub.requests.some((line) => line.startsWith("PUT")));
  }
});

Deno.test("hub store: who gives up may use the bytes again, and spoils nothing for the others", async () => {
  await using hub = new TodaysHub();
  await using store = await hub.open();
  const reason = new Error("enough");
  const controller = new AbortController();
  const blocks = Array.from({ length: 50 }, () => randomBlock(100));
  const results = blocks.map(({ id, block }, index) =>
    store.put(id, block, index % 2 === 0 ? { signal: controller.signal } : {})
  );
  const given = results.filter((_, index) => index % 2 === 0).map((result) =>
    assert.rejects(result, reason)
  );
  controller.abort(reason);
  await Promise.all(given);
  blocks.forEach(({ block }, index) => index % 2 === 0 && block.fill(0));
  for (const [index, result] of results.entries()) {
    if (index % 2 === 1) assert.equal(await result, "stored");
  }
  for (const [id, block] of hub.blocks) assert.equal(toHex(blake3(block)), id);
});

Deno.test("hub store: for writing, what is there becomes one's own; for reading, it is only looked at", async () => {
  await using hub = new TodaysHub();
  hub.before = (request) =>
    Promise.resolve(request.url.endsWith("/verify") ? Response.json({ missing: [] }) : undefined);
  const ids = Array.from(
    { length: 12_000 },
    (_, index) => parseBlockId(index.toString(16).padStart(64, "0")),
  );
  for (const [create, found] of [[true, false], [false, true]] as const) {
    hub.requests.length = 0;
    await using store = await hub.open(create);
    assert.deepEqual(await store.has(ids), ids.map(() => found));
    const path = create ? "blocks/missing" : "block/verify";
    assert.deepEqual(new Set(hub.requests), new Set([`POST /api/v1/${path}`]));
    assert.equal(hub.requests.length, create ? 2 : 12);
  }
});

Deno.test("hub store: rfs's hub is asked in the newer way once", async () => {
  await using hub = await RfsHub.start();
  await using store = await HubStore.open(`hub://${hub.host}?token=${HUB_TOKEN}`, { create: true });
  for (const block of [Uint8Array.of(1), Uint8Array.of(2)]) {
    assert.equal(await store.put(parseBlockId(toHex(blake2b256(block))), block), "stored");
  }
  const methods = hub.requests.map((line) => line.split(" ")[0]);
  assert.deepEqual(methods, ["GET", "POST", "POST", "POST"]);
  assert.deepEqual(hub.requests.filter((line) => line.endsWith("/missing")).length, 1);
  assert.deepEqual(await store.has([...hub.blocks.keys()].map(parseBlockId)), [true, true]);
});

/** Credentials in a file of their own, for the hub at `host`. */
async function credentialsFor(
  host: string,
  accessToken: string,
): Promise<{ readonly credentials: HubCredentials; [Symbol.asyncDispose](): Promise<void> }> {
  const folder = await Deno.makeTempDir();
  const credentials = new HubCredentials(`${folder}/hubs.json`);
  await credentials.set(parseHubAddress(`hub://${host}`), {
    user: "alice",
    accessToken,
    refreshToken: "R",
  });
  return {
    credentials,
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

Deno.test("hub store: a hub where the user signed in is written to without a token in the URL", async () => {
  await using hub = await RfsHub.start();
  await using kept = await credentialsFor(hub.host, HUB_TOKEN);
  const hubCredentials = kept.credentials;
  const { id, block } = rfsBlock();
  await using store = await openStore([`hub://${hub.host}`], { create: true, hubCredentials });
  assert.equal(await store.put(id, block), "stored");
  // Another hub, which is the same server here, gets nothing.
  const other = `hub://${hub.host.replace("127.0.0.1", "localhost")}`;
  await assert.rejects(openStore([other], { create: true, hubCredentials }), StoreDeniedError);
  // The URL comes first.
  await using wrong = await openStore([`hub://${hub.host}?token=wrong`], { hubCredentials });
  await assert.rejects(wrong.put(id, block), StoreDeniedError);
});

Deno.test("hub store: a token that has ended is refreshed once for all calls, and kept", async () => {
  const requests: string[] = [];
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    (request) => {
      const { pathname } = new URL(request.url);
      requests.push(pathname);
      if (pathname === "/api/v1/token/refresh") {
        return Response.json({ access_token: "NEW", refresh_token: "R2" });
      }
      if (request.headers.get("authorization") !== "Bearer NEW") {
        return Response.json({ title: "The token has ended" }, { status: 401 });
      }
      return new Response("block");
    },
  );
  const host = `127.0.0.1:${server.addr.port}`;
  await using kept = await credentialsFor(host, "OLD");
  await using store = await HubStore.open(`hub://${host}`, {
    mayBeAway: true,
    hubCredentials: kept.credentials,
  });
  const { id } = rfsBlock();
  const blocks = await Promise.all([store.get(id), store.get(id), store.get(id)]);
  assert.deepEqual(blocks.map((block) => new TextDecoder().decode(block)), Array(3).fill("block"));
  assert.equal(requests.filter((path) => path.endsWith("refresh")).length, 1);
  const next = await kept.credentials.get(parseHubAddress(`hub://${host}`));
  assert.deepEqual(next, { user: "alice", accessToken: "NEW", refreshToken: "R2" });
});

Deno.test("hub store: a token that the hub takes no more is told, with what to do", async () => {
  await using server = await faultServer({ kind: "http", status: 401 });
  const host = `127.0.0.1:${server.port}`;
  await using kept = await credentialsFor(host, "s3cr3t");
  await using store = await HubStore.open(`hub://${host}`, {
    mayBeAway: true,
    hubCredentials: kept.credentials,
  });
  await assert.rejects(store.get(rfsBlock().id), (error) => {
    assert.ok(error instanceof StoreDeniedError);
    assert.match(error.hint!, /myfs login/);
    assert.ok(!`${error.message}${error.hint}${error.stack}`.includes("s3cr3t"));
    return true;
  });
});
