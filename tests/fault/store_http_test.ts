/**
 * Goal: whatever a web server does wrong, a call on an HTTP store ends within its deadline with an
 * error that says which store, what was tried and what to do, and reads no more than a block.
 * Method: the fault server, with the wrappers that `openStore` puts around the store, and handshakes
 * with certificates that must be refused.
 */

import assert from "node:assert/strict";
import {
  BlockCorruptError,
  MyfsError,
  StoreDeniedError,
  StoreUnavailableError,
} from "../../lib/base/errors.ts";
import { BLOCK_SIZE_MAX } from "../../lib/base/limits.ts";
import { HttpStore } from "../../lib/store/http_store.ts";
import { openStore } from "../../lib/store/open_store.ts";
import type { Store } from "../../lib/store/store.ts";
import { makeCertificates } from "../helpers/certificates.ts";
import { type FaultAnswer, faultServer } from "../helpers/fault_server.ts";
import { randomBlock } from "../helpers/random_block.ts";
import { requiringTest } from "../helpers/require.ts";
import { TempFolder } from "../helpers/temp_folder.ts";

const { id, block } = randomBlock(3000);
const DEADLINE_MS = 150;

/** The store as the command line has it, but less patient. */
function open(url: string): Promise<Store> {
  return openStore([url], { deadlineMs: DEADLINE_MS, attempts: 1 });
}

/** What `get` throws, which must come in time. */
async function failureOf(answer: FaultAnswer): Promise<{ error: MyfsError; bytesSent: number }> {
  await using server = await faultServer(answer);
  await using store = await open(server.url);
  const start = performance.now();
  const error = await store.get(id).then(() => assert.fail("it succeeded"), (error) => error);
  const tookMs = performance.now() - start;
  assert.ok(error instanceof MyfsError, `${error?.stack}`);
  assert.ok(error.message.includes(id), error.message);
  assert.ok(error.message.includes(server.url), error.message);
  assert.ok(error.hint, error.message);
  // Twice the deadline at most, for a machine that is busy.
  assert.ok(tookMs < 20 * DEADLINE_MS, `${tookMs} ms`);
  return { error, bytesSent: server.bytesSent };
}

function assertUnavailable(error: MyfsError, retryable: boolean): void {
  assert.ok(error instanceof StoreUnavailableError, `${error}`);
  assert.equal(error.retryable, retryable, error.message);
}

const NEVER_ENDING: Readonly<Record<string, FaultAnswer>> = {
  "accepts and never answers": { kind: "silence" },
  "stops in the middle of the header": { kind: "half-header" },
  "sends a byte a second": { kind: "trickle", body: block },
  "says a length and does not send": { kind: "http", declaredLength: 3000, close: false },
};

for (const [name, answer] of Object.entries(NEVER_ENDING)) {
  Deno.test(`HTTP store: a server that ${name} is given up at the deadline`, async () => {
    assertUnavailable((await failureOf(answer)).error, true);
  });
}

const BROKEN: Readonly<Record<string, FaultAnswer>> = {
  "closes without an answer": { kind: "close" },
  "resets the connection": { kind: "reset" },
  "closes half-way through the header": { kind: "raw", bytes: "HTTP/1.1 200 O", close: true },
  "closes half-way through the body": { kind: "http", body: block, declaredLength: 6000 },
};

for (const [name, answer] of Object.entries(BROKEN)) {
  Deno.test(`HTTP store: a server that ${name} may answer the next time`, async () => {
    assertUnavailable((await failureOf(answer)).error, true);
  });
}

Deno.test("HTTP store: a server that is no web server is not asked again", async () => {
  for (const bytes of ["SSH-2.0-OpenSSH_9.2\r\n\r\n", "-ERR unknown command 'GET'\r\n\r\n"]) {
    assertUnavailable((await failureOf({ kind: "raw", bytes })).error, false);
  }
});

Deno.test("HTTP store: a body of more than it says is cut, and the next answer is not taken for it", async () => {
  const { id: other, block: wanted } = randomBlock(50);
  await using server = await faultServer(({ target }) =>
    target.includes(id)
      ? { kind: "http", body: new Uint8Array(9000), declaredLength: 3000, close: false }
      : { kind: "http", body: wanted }
  );
  await using store = await open(server.url);
  await assert.rejects(store.get(id), BlockCorruptError);
  for (let i = 0; i < 3; i++) assert.deepEqual(await store.get(other), wanted);
});

Deno.test("HTTP store: an endless body is not read past the size of a block", async () => {
  for (
    const answer of [
      { kind: "endless" } as const,
      {
        kind: "http",
        body: block,
        declaredLength: BLOCK_SIZE_MAX + 1,
      } as const,
    ]
  ) {
    await using server = await faultServer(answer);
    await using store = await HttpStore.open(server.url);
    await assert.rejects(store.get(id), (error) => {
      assert.ok(error instanceof BlockCorruptError, `${error}`);
      assert.match(error.message, /larger than any block/);
      assert.ok(error.message.includes(server.url));
      return true;
    });
    // What the system buffers on the way comes on top.
    assert.ok(server.bytesSent < BLOCK_SIZE_MAX + 16 * 1024 * 1024, `${server.bytesSent} bytes`);
  }
});

Deno.test("HTTP store: wrong bytes are a damaged block, asked for twice", async () => {
  await using server = await faultServer({ kind: "http", body: randomBlock(3000).block });
  await using store = await open(server.url);
  await assert.rejects(store.get(id), BlockCorruptError);
  assert.equal(server.requests.length, 2);
});

Deno.test("HTTP store: statuses keep their meaning through the wrappers", async () => {
  const of = async (status: number): Promise<MyfsError> =>
    (await failureOf({ kind: "http", status })).error;
  assert.ok(await of(401) instanceof StoreDeniedError);
  assert.ok(await of(403) instanceof StoreDeniedError);
  assertUnavailable(await of(429), true);
  assertUnavailable(await of(503), true);
  assertUnavailable(await of(418), false);
});

Deno.test("HTTP store: what fails for a moment is asked again, as soon as the server wants", async () => {
  let count = 0;
  await using server = await faultServer(() =>
    count++ < 2
      ? { kind: "http", status: 503, headers: { "Retry-After": "0" } }
      : { kind: "http", body: block }
  );
  await using store = await openStore([server.url], { verify: false });
  assert.deepEqual(await store.get(id), block);
  assert.equal(server.requests.length, 3);
});

Deno.test("HTTP store: a redirect in a circle, or away from the web, is told", async () => {
  for (const location of ["/", "file:///etc/passwd"]) {
    const headers = { Location: location };
    const { error } = await failureOf({ kind: "http", status: 302, headers });
    assertUnavailable(error, false);
    assert.match(error.message, /redirects/);
  }
});

Deno.test("HTTP store: https where there is no TLS is told", async () => {
  const answer: FaultAnswer = { kind: "raw", bytes: "HTTP/1.1 400 X\r\n\r\n" };
  await using server = await faultServer(answer, { protocol: "tcp" });
  await assert.rejects(open(server.url.replace("http:", "https:")), (error) => {
    assert.ok(error instanceof StoreUnavailableError && !error.retryable);
    assert.match(error.message, /TLS/);
    return true;
  });
});

requiringTest(
  ["openssl"],
  "HTTP store: certificates that must be refused are, with a hint",
  async () => {
    using folder = new TempFolder();
    const certificates = await makeCertificates(folder.path);
    const cases = {
      selfSigned: /self-signed/,
      expired: /expired/,
      // Good, but nobody has told this process of the authority.
      good: /not trusted/,
    };
    for (const [name, message] of Object.entries(cases)) {
      const { certificate, key } = certificates[name as keyof typeof cases];
      const tls = {
        cert: await Deno.readTextFile(certificate),
        key: await Deno.readTextFile(key),
      };
      await using server = await faultServer({ kind: "http", body: block }, { tls });
      await assert.rejects(open(server.url), (error) => {
        assert.ok(error instanceof StoreUnavailableError && !error.retryable, `${name}: ${error}`);
        assert.match(error.message, message);
        assert.ok(error.message.includes(server.url));
        assert.ok(error.hint);
        return true;
      });
      assert.equal(server.requests.length, 0, name);
    }
    // A server of TLS does not understand a request without it.
    const { certificate, key } = certificates.good;
    const tls = { cert: await Deno.readTextFile(certificate), key: await Deno.readTextFile(key) };
    await using server = await faultServer({ kind: "http", body: block }, { tls });
    await using store = await open(server.url.replace("https:", "http:"));
    await assert.rejects(store.get(id), (error) => {
      assert.ok(error instanceof StoreUnavailableError);
      assert.match(error.hint!, /https/);
      return true;
    });
  },
);

Deno.test("HTTP store: a TLS handshake that never ends is given up at the deadline", async () => {
  await using server = await faultServer({ kind: "silence" }, { protocol: "tcp" });
  await assert.rejects(open(server.url.replace("http:", "https:")), { retryable: true });
});

Deno.test("HTTP store: a host that nobody knows is told", async () => {
  await assert.rejects(open("http://name.invalid/blocks"), (error) => {
    assert.ok(error instanceof StoreUnavailableError);
    assert.match(error.message, /http:\/\/name\.invalid\/blocks.*(ENOTFOUND|EAI_AGAIN)/);
    return true;
  });
});
