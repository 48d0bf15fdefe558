/**
 * Goal: a block is found in either layout with few requests, and what servers say about missing,
 * forbidden and odd files is understood. Method: a server with a table of files that records what it
 * is asked. tests/contract and tests/integration have real servers, tests/fault broken ones.
 */

import assert from "node:assert/strict";
import {
  BlockNotFoundError,
  StoreDeniedError,
  StoreUnavailableError,
} from "../../../../lib/base/errors.ts";
import type { BlockId } from "../../../../lib/block/block_ref.ts";
import { HttpStore } from "../../../../lib/store/http_store.ts";
import { openStore } from "../../../../lib/store/open_store.ts";
import {
  type FaultAnswer,
  type FaultServer,
  faultServer,
  type HttpAnswer,
} from "../../../helpers/fault_server.ts";
import { randomBlock } from "../../../helpers/random_block.ts";

const MISSING: HttpAnswer = { kind: "http", status: 404, body: "not here" };

/** A server of these files, by path; of what is not there it gives `missing`. */
function fileServer(
  files: Readonly<Record<string, Uint8Array | FaultAnswer>>,
  missing: FaultAnswer = MISSING,
): Promise<FaultServer> {
  return faultServer(({ target }) => {
    const file = files[target.replace(/\?.*/, "")];
    if (file === undefined) return missing;
    return file instanceof Uint8Array ? { kind: "http", body: file } : file;
  });
}

function nested(id: BlockId, root = ""): string {
  return `${root}/${id.slice(0, 2)}/${id}`;
}

const one = randomBlock(100);
const two = randomBlock(200);
const three = randomBlock(300);

Deno.test("HTTP store: a block is found in both layouts, and the layout is remembered", async () => {
  await using server = await fileServer({
    [`/${one.id}`]: one.block,
    [`/${two.id}`]: two.block,
    [nested(three.id)]: three.block,
  });
  await using store = await HttpStore.open(server.url);
  const asked = async (id: BlockId, block: Uint8Array): Promise<number> => {
    const before = server.requests.length;
    assert.deepEqual(await store.get(id), block);
    return server.requests.length - before;
  };
  assert.equal(await asked(one.id, one.block), 2, "the first of an old store");
  assert.equal(await asked(two.id, two.block), 1, "the next");
  assert.equal(await asked(three.id, three.block), 2, "one in the new layout");
  assert.equal(await asked(three.id, three.block), 1, "and again");
  assert.equal(await asked(one.id, one.block), 2, "back in the old one");
  await assert.rejects(store.get(randomBlock(10).id), BlockNotFoundError);
  assert.deepEqual(await store.has([one.id, randomBlock(10).id, three.id]), [true, false, true]);
});

Deno.test("HTTP store: the path, the query and credentials go with every request", async () => {
  await using server = await fileServer({ [nested(one.id, "/a%20b")]: one.block });
  const url = `${server.url.replace("//", "//user:s3cr3t@")}/a%20b/?token=t0k3n&x=%20`;
  await using store = await HttpStore.open(url);
  assert.equal(store.url, `${server.url}/a%20b/?x=%20`);
  await store.get(one.id);
  await store.has([one.id, two.id]);
  assert.equal(server.requests.length, 4);
  for (const { target, headers } of server.requests) {
    assert.match(target, /^\/a%20b\/[0-9a-f/]+\?token=t0k3n&x=%20$/);
    assert.equal(headers.get("authorization"), `Basic ${btoa("user:s3cr3t")}`);
  }
  const error = await store.get(two.id).catch((error) => error);
  assert.ok(!/s3cr3t|t0k3n/.test(`${error.message}${error.hint}${JSON.stringify(error)}`));
});

Deno.test("HTTP store: has asks with HEAD, and with GET where a server knows no HEAD", async () => {
  await using server = await faultServer(({ method, target }) => {
    if (method === "HEAD") return { kind: "http", status: 405 };
    return target === nested(one.id) ? { kind: "http", body: one.block } : MISSING;
  });
  await using store = await HttpStore.open(server.url);
  assert.deepEqual(await store.has([one.id, two.id, one.id]), [true, false, true]);
  await using plain = await fileServer({ [nested(one.id)]: one.block });
  await using plainStore = await HttpStore.open(plain.url);
  await plainStore.has([one.id, two.id]);
  assert.ok(plain.requests.every(({ method }) => method === "HEAD"));
});

Deno.test("HTTP store: has asks side by side, within bounds, and answers in order", async () => {
  let underWay = 0;
  let most = 0;
  await using server = await faultServer(async ({ target }) => {
    most = Math.max(most, ++underWay);
    await new Promise((resolve) => setTimeout(resolve, 2));
    underWay--;
    return target.includes(`/${one.id}`) ? { kind: "http", body: one.block } : MISSING;
  });
  await using store = await HttpStore.open(server.url);
  const ids = Array.from({ length: 200 }, (_, i) => i % 3 === 0 ? one.id : two.id);
  assert.deepEqual(await store.has(ids), ids.map((id) => id === one.id));
  assert.ok(most > 8 && most <= 64, `${most} at once`);
});

Deno.test("HTTP store: a page for people instead of 404 is no block", async () => {
  const page: FaultAnswer = {
    kind: "http",
    headers: { "Content-Type": "text/html; charset=utf-8" },
    body: "\n<!DOCTYPE html><title>Not found</title>",
  };
  await using server = await fileServer({ [nested(one.id)]: one.block }, page);
  await using store = await HttpStore.open(server.url);
  assert.deepEqual(await store.has([one.id, two.id]), [true, false]);
  assert.deepEqual(await store.get(one.id), one.block);
  await assert.rejects(store.get(two.id), BlockNotFoundError);
});

Deno.test("HTTP store: a block whose type is wrong is a block", async () => {
  const file: FaultAnswer = {
    kind: "http",
    headers: { "Content-Type": "text/html" },
    body: one.block,
  };
  await using server = await fileServer({ [nested(one.id)]: file });
  await using store = await HttpStore.open(server.url);
  assert.deepEqual(await store.has([one.id]), [true]);
  assert.deepEqual(await store.get(one.id), one.block);
});

Deno.test("HTTP store: an empty file is no block", async () => {
  await using server = await fileServer({ [nested(one.id)]: new Uint8Array(0) });
  await using store = await HttpStore.open(server.url);
  assert.deepEqual(await store.has([one.id]), [false]);
  await assert.rejects(store.get(one.id), BlockNotFoundError);
});

Deno.test("HTTP store: 410 is missing too", async () => {
  await using server = await fileServer({}, { kind: "http", status: 410 });
  await using store = await HttpStore.open(server.url);
  assert.deepEqual(await store.has([one.id]), [false]);
});

Deno.test("HTTP store: 403 in one layout does not hide the block in the other", async () => {
  const forbidden: FaultAnswer = { kind: "http", status: 403 };
  await using server = await fileServer({ [`/${one.id}`]: one.block }, forbidden);
  await using store = await HttpStore.open(server.url);
  assert.deepEqual(await store.get(one.id), one.block);
  // Forbidden in both: it cannot be told whether it is there.
  await assert.rejects(store.get(two.id), (error) => {
    assert.ok(error instanceof StoreDeniedError);
    assert.match(error.hint!, /missing/);
    return true;
  });
  await assert.rejects(store.has([two.id]), StoreDeniedError);
});

Deno.test("HTTP store: other refusals end the call at once, as what they are", async () => {
  const cases = [
    [401, StoreDeniedError, false],
    [407, StoreDeniedError, false],
    [429, StoreUnavailableError, true],
    [500, StoreUnavailableError, true],
    [503, StoreUnavailableError, true],
    [400, StoreUnavailableError, false],
  ] as const;
  for (const [status, kind, retryable] of cases) {
    const refusal: FaultAnswer = { kind: "http", status, headers: { "Retry-After": "2" } };
    await using server = await fileServer({}, refusal);
    await using store = await HttpStore.open(server.url);
    for (const call of [() => store.get(one.id), () => store.has([one.id])]) {
      await assert.rejects(call, (error) => {
        assert.ok(error instanceof kind, `${status}: ${error}`);
        assert.equal(error.store, store.url);
        assert.ok(error.message.includes(one.id));
        if (error instanceof StoreUnavailableError) {
          assert.equal(error.retryable, retryable);
          assert.equal(error.retryAfterMs, 2000);
        }
        return true;
      });
    }
    assert.equal(server.requests.length, 2);
  }
});

Deno.test("HTTP store: a server that compresses unasked is told apart from a damaged block", async () => {
  const compressed: FaultAnswer = {
    kind: "http",
    headers: { "Content-Encoding": "gzip" },
    body: one.block,
  };
  await using server = await fileServer({ [nested(one.id)]: compressed });
  await using store = await HttpStore.open(server.url);
  await assert.rejects(store.get(one.id), (error) => {
    assert.ok(error instanceof StoreUnavailableError && !error.retryable);
    assert.match(error.message, /compresses/);
    return true;
  });
});

Deno.test("HTTP store: wrong bytes come as they are, and are caught where stores are opened", async () => {
  await using server = await fileServer({ [nested(one.id)]: two.block });
  await using store = await HttpStore.open(server.url);
  assert.deepEqual(await store.get(one.id), two.block);
  await using opened = await openStore([server.url]);
  await assert.rejects(opened.get(one.id), { code: "block_corrupt" });
});

Deno.test("HTTP store: nothing can be written, and one asks before the work is done", async () => {
  await using server = await fileServer({});
  await assert.rejects(openStore([server.url], { create: true }), (error) => {
    assert.ok(error instanceof StoreDeniedError);
    assert.match(error.hint!, /dir:\/\/.*s3:\/\/.*hub:\/\//);
    return true;
  });
  assert.equal(server.connectionCount, 0);
  await using store = await HttpStore.open(server.url);
  await assert.rejects(store.put(one.id), StoreDeniedError);
  assert.equal("delete" in store || "list" in store, false);
  await store.flush();
});

Deno.test("HTTP store: opening tells that nobody answers, unless the store may be away", async () => {
  const gone = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = `http://127.0.0.1:${gone.addr.port}/`;
  gone.close();
  await assert.rejects(HttpStore.open(url), (error) => {
    assert.ok(error instanceof StoreUnavailableError && error.retryable);
    assert.match(error.message, /^Cannot open store http:.*ECONNREFUSED/);
    return true;
  });
  await using store = await HttpStore.open(url, { mayBeAway: true });
  await assert.rejects(store.get(one.id), StoreUnavailableError);
});

Deno.test("HTTP store: one of a foreign flist connects to no address near", async () => {
  await using server = await fileServer({ [nested(one.id)]: one.block });
  for (const host of [`127.0.0.1:${server.port}`, `localhost:${server.port}`]) {
    await assert.rejects(HttpStore.open(`http://${host}/`, { publicAddressesOnly: true }), {
      code: "untrusted_route",
    });
    await using away = await HttpStore.open(`http://${host}/`, {
      publicAddressesOnly: true,
      mayBeAway: true,
    });
    await assert.rejects(away.get(one.id), { code: "untrusted_route" });
  }
  assert.equal(server.connectionCount, 0);
});

Deno.test("HTTP store: an aborted call rejects with the reason", async () => {
  await using server = await faultServer({ kind: "silence" });
  await using store = await HttpStore.open(server.url);
  const reason = new Error("enough");
  for (
    const call of [
      (signal: AbortSignal) => store.get(one.id, { signal }),
      (signal: AbortSignal) => store.has([one.id], { signal }),
    ]
  ) {
    const controller = new AbortController();
    const result = call(controller.signal);
    setTimeout(() => controller.abort(reason), 5);
    await assert.rejects(result, (error) => error === reason);
    await assert.rejects(call(AbortSignal.abort(reason)), (error) => error === reason);
  }
  await assert.rejects(
    store.flush({ signal: AbortSignal.abort(reason) }),
    (error) => error === reason,
  );
});
