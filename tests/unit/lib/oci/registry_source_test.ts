/**
 * Goal: whatever a registry does, images come whole or fail with a clear error, and secrets stay with
 * whom they are for. Method: registries that follow a script.
 */

import assert from "node:assert/strict";
import {
  ImageFormatError,
  ImageNotFoundError,
  RegistryDeniedError,
  RegistryUnavailableError,
} from "../../../../lib/base/errors.ts";
import {
  openContainerImage,
  type OpenContainerImageOptions,
} from "../../../../lib/oci/container_image.ts";
import { MEDIA_TYPE } from "../../../../lib/oci/manifest.ts";
import { sha256Of } from "../../../../lib/oci/oci_digest.ts";
import { connectProxy } from "../../../helpers/connect_proxy.ts";
import { FakeClock } from "../../../helpers/fake_clock.ts";
import { type FaultAnswer, type FaultRequest, faultServer } from "../../../helpers/fault_server.ts";

const LAYER = new Uint8Array(300_000).map((_, i) => i % 251);
const CONFIG = new TextEncoder().encode(JSON.stringify({
  os: "linux",
  architecture: "amd64",
  rootfs: { type: "layers", diff_ids: [sha256Of(LAYER)] },
}));
const MANIFEST = bytesOf({
  schemaVersion: 2,
  mediaType: MEDIA_TYPE.ociManifest,
  config: { mediaType: MEDIA_TYPE.ociConfig, digest: sha256Of(CONFIG), size: CONFIG.length },
  layers: [{ mediaType: MEDIA_TYPE.ociLayer, digest: sha256Of(LAYER), size: LAYER.length }],
});

function bytesOf(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(value));
}

function manifestAnswer(
  body: Uint8Array = MANIFEST,
  type: string = MEDIA_TYPE.ociManifest,
): FaultAnswer {
  return { kind: "http", body, headers: { "Content-Type": type } };
}

/** What an honest registry answers. */
function honest({ target }: FaultRequest): FaultAnswer {
  if (target === "/v2/app/manifests/v1") return manifestAnswer();
  for (const blob of [CONFIG, LAYER]) {
    if (target === `/v2/app/blobs/${sha256Of(blob)}`) return { kind: "http", body: blob };
  }
  return { kind: "http", status: 404 };
}

const isLayer = ({ target }: FaultRequest): boolean => target.endsWith(sha256Of(LAYER));

const FAST = { attempts: 4, delayMs: 1, delayMaxMs: 2 };

/** Opens the image of the server at `port` and reads its layers. */
async function readImage(
  port: number,
  options: OpenContainerImageOptions = {},
): Promise<number> {
  await using image = await openContainerImage(`127.0.0.1:${port}/app:v1`, {
    plainHttp: true,
    retry: FAST,
    timeoutMs: 2000,
    ...options,
  });
  let size = 0;
  for (const layer of image.images[0]!.layers) {
    for await (const piece of layer.open()) size += piece.length;
  }
  return size;
}

Deno.test("registry source: an honest registry", async () => {
  await using server = await faultServer(honest);
  assert.equal(await readImage(server.port), LAYER.length);
  assert.ok(server.connectionCount <= 2, "connections are used again");
});

Deno.test("registry source: a download that breaks off goes on where it was", async () => {
  const ranges: (string | null)[] = [];
  await using server = await faultServer((request) => {
    if (!isLayer(request)) return honest(request);
    const range = request.headers.get("range");
    ranges.push(range);
    const from = Number(/\d+/.exec(range ?? "0")![0]);
    const to = Math.min(LAYER.length, from + 130_000);
    const headers = { "Content-Range": `bytes ${from}-${LAYER.length - 1}/${LAYER.length}` };
    return {
      kind: "http",
      status: range === null ? 200 : 206,
      headers,
      body: LAYER.subarray(from, to),
      declaredLength: LAYER.length - from,
    };
  });
  assert.equal(await readImage(server.port), LAYER.length);
  assert.deepEqual(ranges, [null, "bytes=130000-", "bytes=260000-"]);
});

Deno.test("registry source: one that knows no ranges sends all once more", async () => {
  let count = 0;
  await using server = await faultServer((request) =>
    !isLayer(request) || count++ > 0 ? honest(request) : {
      kind: "http",
      body: LAYER.subarray(0, 100_000),
      declaredLength: LAYER.length,
    }
  );
  assert.equal(await readImage(server.port), LAYER.length);
});

Deno.test("registry source: wrong bytes, too many and too few are told apart from others", async () => {
  const wrong: readonly [Uint8Array, RegExp][] = [
    [LAYER.with(7, 99), /other content/],
    [new Uint8Array(LAYER.length + 1), /more than its/],
  ];
  for (const [body, message] of wrong) {
    await using server = await faultServer((request) =>
      isLayer(request) ? { kind: "http", body } : honest(request)
    );
    await assert.rejects(
      readImage(server.port),
      (error: unknown) => error instanceof ImageFormatError && message.test(error.message),
    );
  }
  await using server = await faultServer((request) =>
    isLayer(request) ? { kind: "http", body: new Uint8Array(0) } : honest(request)
  );
  await assert.rejects(readImage(server.port), RegistryUnavailableError);
});

Deno.test("registry source: waits as long as a busy registry asks, and not for ever", async () => {
  let count = 0;
  await using server = await faultServer((request) =>
    isLayer(request) && count++ < 2
      ? { kind: "http", status: 429, headers: { "Retry-After": "0" } }
      : honest(request)
  );
  assert.equal(await readImage(server.port), LAYER.length);
  await using busy = await faultServer({
    kind: "http",
    status: 429,
    headers: { "Retry-After": "7200" },
  });
  await assert.rejects(
    readImage(busy.port),
    (error: unknown) =>
      error instanceof RegistryUnavailableError && error.retryAfterMs === 7_200_000,
  );
});

Deno.test("registry source: what is gone, refused, silent or no registry", async () => {
  const cases: readonly [
    (request: FaultRequest) => FaultAnswer,
    new (...args: never[]) => Error,
  ][] = [
    [
      (request) => isLayer(request) ? { kind: "http", status: 404 } : honest(request),
      ImageNotFoundError,
    ],
    [() => ({ kind: "http", status: 404 }), ImageNotFoundError],
    [() => ({ kind: "http", status: 403 }), RegistryDeniedError],
    [() => ({ kind: "http", status: 401 }), RegistryDeniedError],
    [() => ({ kind: "silence" }), RegistryUnavailableError],
    [() => ({ kind: "raw", bytes: "220 mail\r\n" }), RegistryUnavailableError],
    [() => ({ kind: "endless" }), ImageFormatError],
  ];
  for (const [script, error] of cases) {
    await using server = await faultServer(script);
    const retry = { ...FAST, attempts: 2 };
    await assert.rejects(readImage(server.port, { timeoutMs: 200, retry }), error);
  }
});

Deno.test("registry source: tokens come from the realm, are renewed, and stay with the registry", async () => {
  let issued = 0;
  let refusals = 0;
  await using elsewhere = await faultServer(({ headers }) => {
    assert.equal(headers.get("authorization"), null);
    return { kind: "http", body: LAYER };
  });
  await using tokens = await faultServer(({ headers, target }) => {
    assert.equal(headers.get("authorization"), `Basic ${btoa("user:secret")}`);
    assert.match(target, /service=reg&scope=repository%3Aapp%3Apull/);
    return { kind: "http", body: JSON.stringify({ token: `t${++issued}` }) };
  });
  await using server = await faultServer((request) => {
    const { headers } = request;
    // The first token ends early.
    const wanted = isLayer(request) ? "Bearer t2" : `Bearer t${issued}`;
    if (issued === 0 || headers.get("authorization") !== wanted) {
      refusals++;
      const challenge = `Bearer realm="${tokens.url}/token",service="reg",scope="x"`;
      return { kind: "http", status: 401, headers: { "WWW-Authenticate": challenge } };
    }
    if (!isLayer(request)) return honest(request);
    return { kind: "http", status: 307, headers: { Location: `${elsewhere.url}/blob` } };
  });
  const credentials = { kind: "password", username: "user", password: "secret" } as const;
  assert.equal(await readImage(server.port, { credentials }), LAYER.length);
  assert.deepEqual([issued, refusals], [2, 2]);
});

Deno.test("registry source: tokens that are never good end it", async () => {
  await using tokens = await faultServer({ kind: "http", body: '{"token":"x"}' });
  await using server = await faultServer({
    kind: "http",
    status: 401,
    headers: { "WWW-Authenticate": `Bearer realm="${tokens.url}/"` },
  });
  await assert.rejects(readImage(server.port), RegistryDeniedError);
  assert.equal(server.requests.length, 2);
});

Deno.test("registry source: an identity token is exchanged for another one", async () => {
  await using tokens = await faultServer(({ method, body }) => {
    const form = new URLSearchParams(new TextDecoder().decode(body));
    assert.deepEqual([method, form.get("grant_type")], ["POST", "refresh_token"]);
    assert.equal(form.get("refresh_token"), "refresh");
    return { kind: "http", body: '{"access_token":"good"}' };
  });
  await using server = await faultServer((request) =>
    request.headers.get("authorization") === "Bearer good" ? honest(request) : {
      kind: "http",
      status: 401,
      headers: { "WWW-Authenticate": `Bearer realm="${tokens.url}/"` },
    }
  );
  const credentials = { kind: "identity", token: "refresh" } as const;
  assert.equal(await readImage(server.port, { credentials }), LAYER.length);
});

Deno.test("registry source: private addresses are not even asked where that is forbidden", async () => {
  await using server = await faultServer(honest);
  for (const host of ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1"]) {
    const opening = openContainerImage(`${host}:${server.port}/app:v1`, {
      plainHttp: true,
      publicAddressesOnly: true,
      retry: FAST,
    });
    await assert.rejects(opening, RegistryDeniedError, host);
  }
  assert.equal(server.connectionCount, 0);
});

Deno.test("registry source: nor are private servers asked for tokens", async () => {
  await using inside = await faultServer({ kind: "http", body: '{"token":"t"}' });
  await using server = await faultServer({
    kind: "http",
    status: 401,
    headers: { "WWW-Authenticate": `Bearer realm="${inside.url}/token"` },
  });
  await using proxy = await connectProxy(() => server.port);
  const opening = openContainerImage("8.8.8.8:5000/app:v1", {
    plainHttp: true,
    publicAddressesOnly: true,
    proxies: { http: `127.0.0.1:${proxy.port}` },
    credentials: { kind: "password", username: "user", password: "canary" },
    retry: FAST,
  });
  await assert.rejects(opening, RegistryDeniedError);
  assert.equal(server.requests.length, 1);
  assert.equal(inside.connectionCount, 0);
});

Deno.test("registry source: tokens of a download that takes long are renewed before they end", async () => {
  const clock = new FakeClock();
  let issued = 0;
  const shown: string[] = [];
  await using tokens = await faultServer(() => ({
    kind: "http",
    body: JSON.stringify({ token: `t${++issued}`, expires_in: 300 }),
  }));
  await using server = await faultServer(async (request) => {
    const authorization = request.headers.get("authorization");
    if (authorization === null) {
      const challenge = `Bearer realm="${tokens.url}/"`;
      return { kind: "http", status: 401, headers: { "WWW-Authenticate": challenge } };
    }
    shown.push(authorization);
    // Each layer takes five minutes.
    if (isLayer(request)) await clock.advance(300_000);
    return honest(request);
  });
  await using image = await openContainerImage(`127.0.0.1:${server.port}/app:v1`, {
    plainHttp: true,
    retry: { ...FAST, clock },
  });
  for (let i = 0; i < 3; i++) {
    for await (const _ of image.images[0]!.layers[0]!.open());
  }
  const [manifest, config, ...layers] = shown;
  assert.deepEqual([manifest, config], ["Bearer t1", "Bearer t1"]);
  assert.deepEqual(layers, ["Bearer t1", "Bearer t2", "Bearer t3"]);
});

Deno.test("registry source: a mirror is asked first, and need not work", async () => {
  await using server = await faultServer(honest);
  await using mirror = await faultServer((request) =>
    isLayer(request) ? { kind: "http", status: 500 } : honest(request)
  );
  const mirrors = [`http://127.0.0.1:${mirror.port}`];
  assert.equal(await readImage(server.port, { mirrors }), LAYER.length);
  assert.equal(server.requests.length, 1);
});

Deno.test("registry source: indexes that lie in circles or too deep are refused", async () => {
  const documents = new Map<string, Uint8Array>();
  const entry = (bytes: Uint8Array): unknown => ({
    mediaType: MEDIA_TYPE.ociIndex,
    digest: sha256Of(bytes),
    size: bytes.length,
  });
  let top = MANIFEST;
  for (let depth = 0; depth < 8; depth++) {
    documents.set(sha256Of(top), top);
    top = bytesOf({ schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex, manifests: [entry(top)] });
  }
  await using server = await faultServer(({ target }) => {
    const inner = documents.get(target.slice(target.lastIndexOf("/") + 1));
    return manifestAnswer(inner ?? top, MEDIA_TYPE.ociIndex);
  });
  await assert.rejects(readImage(server.port), /deep/);
});

Deno.test("registry source: the platform that fits best is chosen, and what there is is named", async () => {
  const platform = (variant: string): unknown => ({
    mediaType: MEDIA_TYPE.ociManifest,
    digest: sha256Of(MANIFEST),
    size: MANIFEST.length,
    platform: { os: "linux", architecture: "arm", variant },
  });
  const index = bytesOf({ schemaVersion: 2, manifests: [platform("v6"), platform("v5")] });
  await using server = await faultServer((request) =>
    request.target.endsWith("/v1")
      ? manifestAnswer(index, MEDIA_TYPE.ociIndex)
      : request.target.includes("/manifests/")
      ? manifestAnswer()
      : honest(request)
  );
  assert.equal(await readImage(server.port, { platform: "linux/arm/v7" }), LAYER.length);
  await assert.rejects(
    readImage(server.port, { platform: "linux/s390x" }),
    (error: unknown) =>
      error instanceof ImageNotFoundError && error.hint!.includes("linux/arm/v6, linux/arm/v5"),
  );
});

Deno.test("registry source: an abort ends a download at once", async () => {
  const controller = new AbortController();
  await using server = await faultServer((request) => {
    if (!isLayer(request)) return honest(request);
    setTimeout(() => controller.abort(new Error("enough")), 20);
    return { kind: "trickle", body: LAYER };
  });
  await using image = await openContainerImage(`127.0.0.1:${server.port}/app:v1`, {
    plainHttp: true,
  });
  await assert.rejects(async () => {
    for await (const _ of image.images[0]!.layers[0]!.open(controller.signal));
  }, /enough/);
});
