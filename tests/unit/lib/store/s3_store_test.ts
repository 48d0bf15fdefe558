/**
 * Goal: which requests an S3 store makes, and what it says when the service fails it. Method: a
 * service in memory that counts and misbehaves. Real services are in tests/contract/s3_store_test.ts
 * and tests/integration/s3_services_test.ts.
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type http from "node:http";
import {
  BlockNotFoundError,
  MyfsError,
  StoreDeniedError,
  StoreUnavailableError,
} from "../../../../lib/base/errors.ts";
import { BLOCK_SIZE_MAX } from "../../../../lib/base/limits.ts";
import { S3Store, type S3StoreOptions } from "../../../../lib/store/s3_store.ts";
import { errorXml, MemoryS3, type Misbehaviour } from "../../../helpers/memory_s3.ts";
import { randomBlock } from "../../../helpers/random_block.ts";

/** Words that no message, property or stack may show. */
const SECRETS = ["AKIACANARY", "s3cr3t/canary", "s3cr3t%2Fcanary", "canary-token", "AWS4-HMAC"];
const USER = "AKIACANARY:s3cr3t%2Fcanary@";

/** A test with a service, and a store on it that was opened without a request. */
function storeTest(
  name: string,
  run: (service: MemoryS3, store: S3Store) => Promise<void>,
  options: S3StoreOptions = {},
): void {
  Deno.test(`S3Store: ${name}`, async () => {
    await using service = await MemoryS3.start();
    await using store = await S3Store.open(
      service.url("/pre?session-token=canary-token", USER),
      { mayBeAway: true, ...options },
    );
    await run(service, store);
  });
}

/** Asserts that a call fails as it should, with a hint and no secrets; gives the error. */
async function failure<Kind extends MyfsError>(
  call: Promise<unknown>,
  kind: new (...args: never[]) => Kind,
  message: RegExp,
): Promise<Kind> {
  const error = await call.then(() => assert.fail("It did not fail"), (error: unknown) => error);
  assert.ok(error instanceof kind, `${error}`);
  assert.match(error.message, message);
  assert.match(error.message, /^Cannot .*s3:\/\/127\.0\.0\.1:\d+\/blocks\/pre/);
  assert.ok(error.hint !== undefined);
  const shown = `${Deno.inspect(error, { depth: 20, showHidden: true })} ${error.hint} ` +
    `${error.stack} ${JSON.stringify(error)}`;
  for (const secret of SECRETS) assert.ok(!shown.includes(secret), shown);
  return error;
}

/** Refuses every request with a status and S3's name for the failure; HEAD without it. */
function refusing(status: number, code: string, headers = {}, inside = ""): Misbehaviour {
  return (request, response) => {
    response.writeHead(status, headers);
    response.end(request.method === "HEAD" ? undefined : errorXml(code, inside));
  };
}

const plain = (status: number, body: string): Misbehaviour => (request, response) => {
  response.writeHead(status, { "Content-Type": "text/html" });
  response.end(request.method === "HEAD" ? undefined : body);
};

storeTest("opens without a request when it may be away", async (service, store) => {
  assert.deepEqual(service.requests, []);
  assert.equal(store.url, `s3://127.0.0.1:${service.port}/blocks/pre`);
  await Promise.resolve();
});

Deno.test("S3Store: opens with one small request, and makes a bucket only when told", async () => {
  await using service = await MemoryS3.start();
  {
    await using _store = await S3Store.open(service.url("/pre"));
    assert.deepEqual(service.takeRequests(), ["LIST pre/"]);
  }
  const other = service.url("/pre").replace("/blocks/", "/other/");
  await assert.rejects(S3Store.open(other, { create: true }), {
    code: "store_unavailable",
    message: /no such bucket \(NoSuchBucket\)/,
    hint: /create=1/,
  });
  assert.deepEqual(service.takeRequests(), ["LIST pre/"]);
  let made = false;
  service.misbehave = (request, response) => {
    if (request.method !== "PUT") return "usual";
    made = request.url!.replace(/\?.*/, "").replace(/\/$/, "") === "/other";
    response.end();
  };
  await assert.rejects(S3Store.open(`${other}?create=1`), { code: "store_unavailable" });
  assert.equal(made, false);
  await using _store = await S3Store.open(`${other}?create=1`, { create: true });
  assert.equal(made, true);
});

storeTest("put asks first and sends what is missing or torn", async (service, store) => {
  const { id, block } = randomBlock(1000);
  const key = `pre/${id}`;
  assert.equal(await store.put(id, block), "stored");
  assert.deepEqual(service.takeRequests(), [`HEAD ${key}`, "LIST pre/", `PUT ${key}`]);
  assert.equal(await store.put(id, block), "present");
  assert.deepEqual(service.takeRequests(), [`HEAD ${key}`]);
  service.objects.set(key, block.subarray(0, 10));
  assert.equal(await store.put(id, block), "stored");
  assert.deepEqual(service.objects.get(key), Buffer.from(block));
  service.takeRequests();
  assert.equal(await store.put(id, block, { replace: true }), "stored");
  assert.deepEqual(service.takeRequests(), [`PUT ${key}`]);
});

storeTest("put sends at once where many in a row were missing", async (service, store) => {
  const blocks = Array.from({ length: 80 }, () => randomBlock(100));
  for (const { id, block } of blocks) assert.equal(await store.put(id, block), "stored");
  const asked = service.takeRequests().filter((request) => request.startsWith("HEAD"));
  assert.equal(asked.length, 16 + 4);
  // One that is there after all: it is told, and the next ones are asked for.
  const [first, second] = blocks;
  assert.equal(await store.put(first!.id, first!.block), "present");
  assert.deepEqual(service.takeRequests(), [`PUT pre/${first!.id}`, `HEAD pre/${first!.id}`]);
  assert.equal(await store.put(second!.id, second!.block), "present");
  assert.deepEqual(service.takeRequests(), [`HEAD pre/${second!.id}`]);
});

storeTest("put replaces a torn object that it meets on sending", async (service, store) => {
  for (let i = 0; i < 16; i++) {
    const { id, block } = randomBlock(100);
    await store.put(id, block);
  }
  const { id, block } = randomBlock(100);
  service.objects.set(`pre/${id}`, new Uint8Array(3));
  assert.equal(await store.put(id, block), "stored");
  assert.equal(service.objects.get(`pre/${id}`)!.length, 100);
});

for (const conditions of ["refused", "ignored"] as const) {
  storeTest(`put does without conditions where they are ${conditions}`, async (service, store) => {
    service.conditions = conditions;
    const blocks = Array.from({ length: 40 }, () => randomBlock(100));
    for (const { id, block } of blocks) assert.equal(await store.put(id, block), "stored");
    assert.equal(service.objects.size, 40);
    service.takeRequests();
    for (const { id, block } of blocks) await store.put(id, block);
    const sent = service.takeRequests().filter((request) => request.startsWith("PUT"));
    assert.ok(sent.length <= (conditions === "refused" ? 0 : 16), `${sent.length} were sent again`);
  });
}

storeTest("put works for who may write and not look", async (service, store) => {
  service.misbehave = (request, response) =>
    request.method === "PUT" ? "usual" : refusing(403, "AccessDenied")(request, response);
  const { id, block } = randomBlock(100);
  assert.equal(await store.put(id, block), "stored");
  await failure(store.has([id]), StoreDeniedError, /AccessDenied/);
});

storeTest("has of many ids lists a store that is not large", async (service, store) => {
  service.pageLength = 100;
  const blocks = Array.from({ length: 1000 }, () => randomBlock(20));
  const ids = [...blocks, ...blocks].map(({ id }) => id);
  for (const { id, block } of blocks.slice(0, 600)) service.objects.set(`pre/${id}`, block);
  service.objects.set(`pre/${blocks[700]!.id}`, new Uint8Array(0));
  const found = await store.has(ids);
  assert.deepEqual(found, ids.map((_, index) => index % 1000 < 600));
  assert.ok(service.takeRequests().every((request) => request.startsWith("LIST")));
  // Few of them are asked for one by one.
  await store.has(ids.slice(0, 10));
  assert.equal(service.takeRequests().filter((request) => request.startsWith("HEAD")).length, 10);
});

storeTest("has of many ids asks for each in a store that is large", async (service, store) => {
  // A thousand blocks with one first byte: by that the store has 256,000 at least.
  for (let i = 0; i < 1001; i++) {
    const id = `00${i.toString(16).padStart(8, "0")}${"0".repeat(54)}`;
    service.objects.set(`pre/${id}`, new Uint8Array(1));
  }
  const ids = Array.from({ length: 300 }, () => randomBlock(20).id);
  assert.deepEqual(await store.has(ids), ids.map(() => false));
  assert.equal(service.takeRequests().filter((request) => request.startsWith("HEAD")).length, 300);
});

storeTest("has asks for each id where it may not list", async (service, store) => {
  const blocks = Array.from({ length: 300 }, () => randomBlock(20));
  service.objects.set(`pre/${blocks[0]!.id}`, blocks[0]!.block);
  service.misbehave = (request, response) =>
    request.url!.includes("list-type=2")
      ? refusing(403, "AccessDenied")(request, response)
      : "usual";
  const found = await store.has(blocks.map(({ id }) => id));
  assert.deepEqual(found, blocks.map((_, index) => index === 0));
});

storeTest("list turns pages, and passes over what is no block", async (service, store) => {
  service.pageLength = 7;
  const blocks = Array.from({ length: 50 }, () => randomBlock(20));
  for (const { id, block } of blocks) service.objects.set(`pre/${id}`, block);
  const { id } = blocks[0]!;
  for (const key of ["pre/readme", `pre/x${id}`, `pre/deep/${id}`, `other/${id}`, id]) {
    service.objects.set(key, new Uint8Array(1));
  }
  const listed = await Array.fromAsync(store.list());
  assert.deepEqual(listed.toSorted(), blocks.map(({ id }) => id).toSorted());
});

storeTest("list ends with an error when the service turns no page", async (service, store) => {
  service.misbehave = (_request, response) => {
    response.end(
      "<ListBucketResult><IsTruncated>true</IsTruncated>" +
        "<NextContinuationToken>same</NextContinuationToken></ListBucketResult>",
    );
  };
  await assert.rejects(Array.fromAsync(store.list()), { code: "store_unavailable" });
});

storeTest("a missing bucket is not a missing block", async (service) => {
  await using store = await S3Store.open(
    service.url("/pre", USER).replace("/blocks/", "/gone/"),
    { mayBeAway: true },
  );
  const { id, block } = randomBlock(10);
  const calls = [
    () => store.get(id),
    () => store.has([id]),
    () => store.put(id, block),
    () => store.delete(id),
  ];
  for (const call of calls) {
    await assert.rejects(call(), { code: "store_unavailable", message: /NoSuchBucket/ });
  }
});

storeTest("an empty object is a missing block", async (service, store) => {
  const { id } = randomBlock(10);
  service.objects.set(`pre/${id}`, new Uint8Array(0));
  await assert.rejects(store.get(id), BlockNotFoundError);
  assert.deepEqual(await store.has([id]), [false]);
});

const REFUSALS: readonly [
  name: string,
  misbehaviour: Misbehaviour,
  kind: typeof StoreDeniedError | typeof StoreUnavailableError,
  message: RegExp,
  retryable?: boolean,
][] = [
  ["a wrong key", refusing(403, "InvalidAccessKeyId"), StoreDeniedError, /the key is unknown/],
  ["a wrong secret", refusing(403, "SignatureDoesNotMatch"), StoreDeniedError, /secret is wrong/],
  ["an expired token", refusing(400, "ExpiredToken"), StoreDeniedError, /have expired/],
  ["no permission", refusing(403, "AccessDenied"), StoreDeniedError, /access denied/],
  ["a refusal without a name", plain(403, "<html>no</html>"), StoreDeniedError, /access denied/],
  ["a wrong clock", refusing(403, "RequestTimeTooSkewed"), StoreUnavailableError, /clock/, true],
  [
    "overload",
    refusing(503, "SlowDown"),
    StoreUnavailableError,
    /go slower|cannot do it now/,
    true,
  ],
  [
    "a failure",
    refusing(500, "InternalError"),
    StoreUnavailableError,
    /service failed|cannot do it now/,
    true,
  ],
  ["a gateway's failure", plain(502, "<html>"), StoreUnavailableError, /status 502/, true],
  ["a full disk", refusing(507, "XMinioStorageFull"), StoreUnavailableError, /no space/, false],
  [
    "another region",
    refusing(301, "PermanentRedirect", { "x-amz-bucket-region": "eu-west-3" }),
    StoreUnavailableError,
    /in region eu-west-3/,
    false,
  ],
  [
    "another region by name",
    refusing(400, "AuthorizationHeaderMalformed", {}, "<Region>eu-west-3</Region>"),
    StoreUnavailableError,
    /in region eu-west-3/,
    false,
  ],
  [
    "a redirect",
    (_request, response): void => {
      response.writeHead(302, { Location: "http://127.0.0.1:1/" }).end();
    },
    StoreUnavailableError,
    /another address/,
    false,
  ],
  ["garbage", plain(400, "\0\xff<<<"), StoreUnavailableError, /not that of an S3 service/, false],
];

for (const [name, misbehaviour, kind, message, retryable] of REFUSALS) {
  storeTest(`tells of ${name}`, async (service, store) => {
    service.misbehave = misbehaviour;
    const { id, block } = randomBlock(2000);
    const calls = {
      get: () => store.get(id),
      put: () => store.put(id, block),
      replace: () => store.put(id, block, { replace: true }),
      has: () => store.has([id]),
      delete: () => store.delete(id),
      list: () => Array.fromAsync(store.list()),
    };
    for (const call of Object.values(calls)) {
      const error = await failure<MyfsError>(call(), kind, message);
      if (error instanceof StoreUnavailableError) assert.equal(error.retryable, retryable);
    }
    await assert.rejects(S3Store.open(service.url("/pre", USER)), (error) => {
      assert.ok(error instanceof kind || name === "no permission", `${error}`);
      return true;
    }).catch((error) => {
      // Who may not list may still read and write.
      if (name !== "no permission") throw error;
    });
  });
}

storeTest("passes on how long the service asks to wait", async (service, store) => {
  const { id } = randomBlock(10);
  service.misbehave = refusing(503, "SlowDown", { "Retry-After": "7" });
  const seconds = await failure(store.get(id), StoreUnavailableError, /SlowDown/);
  assert.equal(seconds.retryAfterMs, 7000);
  const date = new Date(Date.now() + 60_000).toUTCString();
  service.misbehave = refusing(503, "SlowDown", { "Retry-After": date });
  const { retryAfterMs } = await failure(store.get(id), StoreUnavailableError, /SlowDown/);
  assert.ok(retryAfterMs! > 50_000 && retryAfterMs! <= 60_000);
});

const BROKEN: readonly [name: string, misbehaviour: Misbehaviour, message: RegExp, boolean][] = [
  [
    "an answer that breaks off",
    (_request, response): void => {
      response.writeHead(200, { "Content-Length": 1000 });
      response.write(new Uint8Array(500), () => response.destroy());
    },
    /broke off/,
    true,
  ],
  [
    "an answer in pieces that breaks off",
    (_request, response): void => {
      response.writeHead(200);
      response.write(new Uint8Array(500), () => response.destroy());
    },
    /broke off/,
    true,
  ],
  [
    "a connection that closes without an answer",
    (_request, response) => void response.destroy(),
    /closed the connection|broke off|connection failed/,
    true,
  ],
  [
    "a block that is too large, as it says",
    (_request, response): void => {
      response.writeHead(200, { "Content-Length": BLOCK_SIZE_MAX + 1 });
      response.write(new Uint8Array(10));
    },
    /larger than any block/,
    false,
  ],
  [
    "a block that never ends",
    (_request, response): void => {
      const more = (): void => {
        while (!response.destroyed && response.write(new Uint8Array(1 << 20)));
        if (!response.destroyed) response.once("drain", more);
      };
      more();
    },
    /larger than any block/,
    false,
  ],
];

for (const [name, misbehaviour, message, retryable] of BROKEN) {
  storeTest(`tells of ${name}`, async (service, store) => {
    service.misbehave = misbehaviour;
    const error = await failure(store.get(randomBlock(10).id), StoreUnavailableError, message);
    assert.equal(error.retryable, retryable);
  });
}

storeTest("tells of a listing that is not one", async (service, store) => {
  for (const body of ["garbage", "<ListBucketResult><Contents>", "\0\0\0", "<Error></Error>"]) {
    service.misbehave = plain(200, body);
    await failure(
      Array.fromAsync(store.list()),
      StoreUnavailableError,
      /cannot be understood|service cannot do it now/,
    );
  }
  // A web page is not an empty listing.
  service.misbehave = plain(200, "<html><body>Welcome</body></html>");
  await failure(Array.fromAsync(store.list()), StoreUnavailableError, /not that of an S3 service/);
  await failure(
    S3Store.open(service.url("/pre")),
    StoreUnavailableError,
    /not that of an S3 service/,
  );
});

storeTest("a call that is not answered ends with its signal", async (service, store) => {
  let asked = Promise.withResolvers<void>();
  service.misbehave = () => asked.resolve();
  const { id, block } = randomBlock(1000);
  const calls = [
    (signal: AbortSignal) => store.get(id, { signal }),
    (signal: AbortSignal) => store.put(id, block, { signal }),
    (signal: AbortSignal) => store.has([id], { signal }),
    (signal: AbortSignal) => store.delete(id, { signal }),
    (signal: AbortSignal) => Array.fromAsync(store.list({ signal })),
  ];
  for (const call of calls) {
    asked = Promise.withResolvers();
    const controller = new AbortController();
    const reason = new Error("stop");
    const answer = call(controller.signal);
    await asked.promise;
    controller.abort(reason);
    await assert.rejects(answer, (error) => error === reason);
  }
});

storeTest("a call ends with its signal in the midst of an answer", async (service, store) => {
  const { id } = randomBlock(10);
  const controller = new AbortController();
  const closed = Promise.withResolvers<void>();
  service.misbehave = (_request, response): void => {
    response.on("close", () => closed.resolve());
    response.writeHead(200, { "Content-Length": 1000 });
    response.write(new Uint8Array(500), () => controller.abort(new Error("stop")));
  };
  await assert.rejects(store.get(id, { signal: controller.signal }), /stop/);
  // The connection is not left open.
  await closed.promise;
});

storeTest("connections are kept, and lost ones made anew", async (service, store) => {
  const ports = new Set<number>();
  const seen: Misbehaviour = (request) => {
    ports.add(request.socket.remotePort!);
    return "usual";
  };
  service.misbehave = seen;
  const { id, block } = randomBlock(1000);
  await store.put(id, block);
  for (let i = 0; i < 20; i++) await store.get(id);
  // A call may begin before the connection of the last one counts as free.
  assert.ok(ports.size <= 2, `${ports.size} connections`);
  service.misbehave = (_request, response) => void response.destroy();
  await assert.rejects(store.get(id), { retryable: true });
  service.misbehave = seen;
  assert.equal((await store.get(id)).length, 1000);
});

storeTest("many calls at once share a bounded number of connections", async (service, store) => {
  const sockets = new Set<number>();
  service.misbehave = (request) => {
    sockets.add(request.socket.remotePort!);
    return "usual";
  };
  const { id, block } = randomBlock(1000);
  await store.put(id, block);
  await Promise.all(Array.from({ length: 600 }, () => store.get(id)));
  assert.ok(sockets.size <= 129, `${sockets.size} connections`);
});

storeTest("a signature is made with what the URL says", async (service, store) => {
  await assert.rejects(store.get(randomBlock(10).id), BlockNotFoundError);
  const { authorization } = service.headers;
  assert.match(authorization!, /^AWS4-HMAC-SHA256 Credential=AKIACANARY\/\d{8}\/us-east-1\/s3\//);
  assert.equal(service.headers["x-amz-security-token"], "canary-token");
});

Deno.test("S3Store: nothing is signed for a public bucket", async () => {
  await using service = await MemoryS3.start();
  await using store = await S3Store.open(service.url("?anonymous=1", ""));
  const { id, block } = randomBlock(10);
  service.objects.set(id, block);
  assert.deepEqual(await store.get(id), block);
  assert.equal(service.headers.authorization, undefined);
  service.misbehave = refusing(403, "AccessDenied");
  await assert.rejects(store.get(id), { code: "store_denied", hint: /No credentials were sent/ });
});

Deno.test("S3Store: a foreign flist's store gets no credentials of the user", async () => {
  await using service = await MemoryS3.start();
  await using store = await S3Store.open(service.url("?profile=mine", ""), {
    publicAddressesOnly: true,
  });
  assert.equal(service.headers.authorization, undefined);
  service.misbehave = refusing(403, "AccessDenied");
  await assert.rejects(store.get(randomBlock(9).id), { hint: /--trust-routes/ });
});

Deno.test("S3Store: a foreign flist's store is not followed to this machine by name", async () => {
  await using service = await MemoryS3.start();
  await assert.rejects(
    S3Store.open(`s3://localhost:${service.port}/blocks`, { publicAddressesOnly: true }),
    { code: "untrusted_route" },
  );
  assert.deepEqual(service.requests, []);
});

Deno.test("S3Store: tells of a service that is not there", async () => {
  const service = await MemoryS3.start();
  const url = service.url("/pre", USER);
  await service[Symbol.asyncDispose]();
  const { retryable } = await failure(S3Store.open(url), StoreUnavailableError, /ECONNREFUSED/);
  assert.equal(retryable, true);
});

Deno.test("S3Store: opening ends with its signal when nobody answers", async () => {
  await using service = await MemoryS3.start();
  const controller = new AbortController();
  service.misbehave = () => controller.abort(new Error("stop"));
  await assert.rejects(S3Store.open(service.url(), { signal: controller.signal }), /stop/);
});

storeTest(
  "the clock of the service is taken over when this one is wrong",
  async (service, store) => {
    const ahead = new Date(Date.now() + 3_600_000);
    const dates: string[] = [];
    service.misbehave = (request: http.IncomingMessage, response: http.ServerResponse) => {
      dates.push(String(request.headers["x-amz-date"]));
      response.setHeader("Date", ahead.toUTCString());
      return refusing(403, "RequestTimeTooSkewed")(request, response);
    };
    const { id } = randomBlock(10);
    for (let i = 0; i < 2; i++) await assert.rejects(store.get(id), { retryable: true });
    const hour = ahead.toISOString().replace(/[-:]/g, "").slice(0, 11);
    assert.ok(!dates[0]!.startsWith(hour) && dates[1]!.startsWith(hour), dates.join());
  },
);
