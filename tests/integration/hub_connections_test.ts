/**
 * What a hub does with connections: bounds of time and size, requests that are none, ending in good
 * order, its Unix socket, and TLS.
 */

import assert from "node:assert/strict";
import { loadConfig, serveHub } from "../../hub/mod.ts";
import { makeCertificates } from "../helpers/certificates.ts";
import { HubServer } from "../helpers/hub_server.ts";
import { sendRaw } from "../helpers/raw_connection.ts";
import { requiringTest } from "../helpers/require.ts";
import { TempFolder } from "../helpers/temp_folder.ts";
import { until } from "../helpers/until.ts";

/** The adapter of node's server waits half a second for the rest of a body that was refused. */
const REST_OF_BODY_MS = 700;

/** Registers a test in which bodies are refused: it ends when nothing waits for them any more. */
function testRefusals(name: string, test: () => Promise<void>): void {
  Deno.test({
    name,
    sanitizeOps: false,
    fn: async () => {
      await test();
      await wait(REST_OF_BODY_MS);
    },
  });
}

const SHORT_BOUNDS = `header_timeout_seconds = 0.3
body_idle_seconds = 0.3
body_bytes_per_second_min = 1000
keep_alive_seconds = 0.3
json_bytes_max = 2048
body_bytes_max = 65536`;

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const portOf = (hub: HubServer): number => Number(new URL(hub.url).port);
const repeat = (count: number, ...pieces: (string | number)[]): (string | number)[] =>
  Array.from({ length: count }, () => pieces).flat();
const chunk = `400\r\n${"x".repeat(1024)}\r\n`;

testRefusals(
  "hub connections: whoever is slow is let go, by a status that says why",
  async () => {
    await using hub = await HubServer.start(SHORT_BOUNDS);
    const port = portOf(hub);
    const { access_token: token } = await hub.signIn("bob");
    const upload = `POST /api/v1/file HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${token}\r\n`;
    const cases: Record<string, [number | undefined, (string | number)[]]> = {
      "nothing at all": [408, []],
      "half a header": [408, ["GET /health HTT"]],
      "a header, letter by letter": [408, ["GET /", ...repeat(40, "a", 50)]],
      "half a body": [408, [`${upload}Content-Length: 1000\r\n\r\nsome`]],
      "a body, byte by byte": [408, [
        `${upload}Content-Length: 1000\r\n\r\n`,
        ...repeat(60, "x", 50),
      ]],
      "no next request": [200, ["GET /health HTTP/1.1\r\nHost: h\r\n\r\n"]],
    };
    await Promise.all(
      Object.entries(cases).map(async ([name, [status, pieces]]) => {
        const answer = await sendRaw({ port, pieces });
        assert.ok(answer.isEnded, `${name}: it is still connected`);
        assert.equal(answer.status, status, `${name}: ${answer.text}`);
      }),
    );
    await hub.ask(200, "GET", "/health");
  },
);

testRefusals(
  "hub connections: a body without end is refused once it is too large",
  async () => {
    await using hub = await HubServer.start(SHORT_BOUNDS);
    const port = portOf(hub);
    const { access_token: token } = await hub.signIn("bob");
    const head = (path: string, ...more: string[]): string =>
      [`POST ${path} HTTP/1.1`, "Host: h", `Authorization: Bearer ${token}`, ...more, "", ""]
        .join("\r\n");
    const endless = "Transfer-Encoding: chunked";
    const cases: Record<string, [number, (string | number)[]]> = {
      "a file": [413, [head("/api/v1/file", endless), ...repeat(1000, chunk, 1)]],
      "JSON": [413, [
        head("/api/v1/signin", endless, "Content-Type: application/json"),
        ...repeat(1000, chunk, 1),
      ]],
      "a length that is too large": [413, [head("/api/v1/file", "Content-Length: 9999999999")]],
      "a path that is not there": [404, [head("/nothing", endless), ...repeat(1000, chunk, 1)]],
      "nobody who is known": [401, [
        `POST /api/v1/file HTTP/1.1\r\nHost: h\r\n${endless}\r\n\r\n`,
        ...repeat(1000, chunk, 1),
      ]],
    };
    await Promise.all(
      Object.entries(cases).map(async ([name, [status, pieces]]) => {
        const answer = await sendRaw({ port, pieces });
        assert.ok(answer.isEnded, `${name}: it is still connected`);
        assert.equal(answer.status, status, `${name}: ${answer.text}`);
      }),
    );
  },
);

testRefusals(
  "hub connections: what is no request of HTTP is answered with 400",
  async () => {
    await using hub = await HubServer.start(SHORT_BOUNDS);
    const port = portOf(hub);
    const json = "POST /api/v1/signin HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n";
    const cases: Record<string, [number | undefined, string]> = {
      "no HTTP": [400, "\x16\x03\x01 hello\r\n\r\n"],
      "two ways to say how long it is": [
        400,
        `${json}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
      ],
      "two lengths": [400, `${json}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`],
      "a chunk without a length": [400, `${json}Transfer-Encoding: chunked\r\n\r\nZZ\r\n`],
      "no host": [400, "GET /health HTTP/1.1\r\n\r\n"],
      "a host that is none": [400, "GET /health HTTP/1.1\r\nHost: a/b?c\r\n\r\n"],
      "no host, as health checks have it": [200, "GET /health HTTP/1.0\r\n\r\n"],
      "a large header": [
        431,
        `GET /health HTTP/1.1\r\nHost: h\r\nX: ${"a".repeat(100_000)}\r\n\r\n`,
      ],
      "a path that does not decode": [
        400,
        "GET /api/v1/block/%E0%A4%A HTTP/1.1\r\nHost: h\r\n\r\n",
      ],
      "a path above the root": [404, "GET /../../etc/passwd HTTP/1.1\r\nHost: h\r\n\r\n"],
      "a method that nothing has": [405, "PATCH /health HTTP/1.1\r\nHost: h\r\n\r\n"],
    };
    await Promise.all(
      Object.entries(cases).map(async ([name, [status, text]]) => {
        const answer = await sendRaw({ port, pieces: [text] });
        assert.equal(answer.status, status, `${name}: ${answer.text}`);
        assert.ok(answer.isEnded, `${name}: it is still connected`);
        assert.ok(!/\.ts:|\n\s+at /.test(answer.text), answer.text);
        if (status !== 200 && name !== "no host") {
          const problem = JSON.parse(answer.text.slice(answer.text.indexOf("\r\n\r\n")));
          assert.equal(problem.status, status, name);
          assert.match(answer.text, /^content-type: application\/problem\+json/im, name);
        }
      }),
    );
    // A tunnel is not opened.
    const tunnel = await sendRaw({ port, pieces: ["CONNECT a:1 HTTP/1.1\r\nHost: h\r\n\r\n"] });
    assert.notEqual(tunnel.status, 200);
    assert.ok(hub.log.every((line) => JSON.parse(line).level !== "error"), hub.log.join(""));
  },
);

Deno.test("hub connections: who takes nothing of an answer is let go, who takes it slowly is not", async () => {
  await using hub = await HubServer.start("answer_idle_seconds = 1");
  const { access_token: token } = await hub.signIn("bob");
  const size = 48 * 2 ** 20;
  const { file_hash } = await hub.ask(201, "POST", "/api/v1/file", {
    token,
    body: new Uint8Array(size).fill(7),
  });
  const request = `GET /api/v1/file/${file_hash} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`;
  const read = async (pauseFirstMs: number, pauseMs: number): Promise<number> => {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port: portOf(hub) });
    await connection.write(new TextEncoder().encode(request));
    await wait(pauseFirstMs);
    const buffer = new Uint8Array(2 ** 20);
    let bytes = 0;
    for (let count; (count = await connection.read(buffer).catch(() => null)) !== null;) {
      bytes += count;
      if (pauseMs > 0) await wait(pauseMs);
    }
    return bytes;
  };
  const [stalled, slow] = await Promise.all([read(3000, 0), read(0, 20)]);
  assert.ok(stalled < size, "the one that stalled got all of it");
  assert.ok(slow > size, "the slow one did not get all of it");
});

Deno.test("hub connections: a client that goes away in the middle is no error of the hub's", async () => {
  await using hub = await HubServer.start();
  const { access_token: token } = await hub.signIn("bob");
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: portOf(hub) });
  await connection.write(new TextEncoder().encode(
    `POST /api/v1/file HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${token}\r\n` +
      "Content-Length: 100000\r\n\r\nthe beginning",
  ));
  await until(() => hub.log.length > 0);
  await wait(50);
  connection.close();
  await until(() => hub.log.some((line) => line.includes('"path":"/api/v1/file"')));
  const lines = hub.log.map((line) => JSON.parse(line));
  assert.deepEqual(lines.filter(({ level }) => level === "error"), []);
});

Deno.test("hub connections: more than there may be at the same time are turned away", async () => {
  await using hub = await HubServer.start("connections_max = 3");
  const port = portOf(hub);
  const held = await Promise.all(
    Array.from({ length: 3 }, () => Deno.connect({ hostname: "127.0.0.1", port })),
  );
  const request = "GET /health HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
  const refused = await sendRaw({ port, pieces: [request] });
  assert.equal(refused.status, undefined);
  for (const connection of held) connection.close();
  await until(async () => (await sendRaw({ port, pieces: [request] })).status === 200);
});

Deno.test("hub connections: told to end, it finishes what runs and takes nothing new", async () => {
  const hub = await HubServer.start("drain_seconds = 20");
  const port = portOf(hub);
  const { access_token: token } = await hub.signIn("bob");
  const head = `POST /api/v1/file HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${token}\r\n`;
  const ending = Promise.withResolvers<void>();
  function* pieces(): Generator<string | number> {
    yield `${head}Content-Length: 10\r\n\r\nhello`;
    yield 100;
    hub[Symbol.asyncDispose]().then(ending.resolve, ending.reject);
    yield 100;
    yield "world";
  }
  const startedMs = performance.now();
  const answer = await sendRaw({ port, pieces: pieces() });
  assert.equal(answer.status, 201, answer.text);
  assert.ok(answer.isEnded && /connection: close/i.test(answer.text));
  await ending.promise;
  assert.ok(performance.now() - startedMs < 10_000);
  await assert.rejects(Deno.connect({ hostname: "127.0.0.1", port }));
});

Deno.test("hub connections: clients that only wait do not hold up the end", async () => {
  const hub = await HubServer.start("drain_seconds = 20");
  const port = portOf(hub);
  const pieces = ["", "GET /hea", "GET /health HTTP/1.1\r\nHost: h\r\n\r\n"];
  const waiting = pieces.map((text) => sendRaw({ port, pieces: [text], patienceMs: 30_000 }));
  await until(() => hub.log.some((line) => line.includes("/health")));
  const startedMs = performance.now();
  await hub[Symbol.asyncDispose]();
  assert.ok((await Promise.all(waiting)).every(({ isEnded }) => isEnded));
  assert.ok(performance.now() - startedMs < 5000);
});

testRefusals("hub connections: what does not finish in the time that it has is ended", async () => {
  const hub = await HubServer.start("drain_seconds = 0.2");
  const { access_token: token } = await hub.signIn("bob");
  const head = `POST /api/v1/file HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${token}\r\n`;
  const never = sendRaw({
    port: portOf(hub),
    pieces: [`${head}Content-Length: 10\r\n\r\nhello`],
    patienceMs: 10_000,
  });
  await wait(100);
  await hub[Symbol.asyncDispose]();
  assert.ok((await never).isEnded);
});

Deno.test("hub connections: a Unix socket that was left behind is taken over, one in use is not", async () => {
  using folder = new TempFolder();
  const path = folder.file("sockets/rpc.sock");
  await Deno.mkdir(folder.file("sockets"));
  // What a hub that was killed leaves: a socket on which nobody listens.
  await leaveSocket(path);
  {
    await using hub = await HubServer.start(`socket_path = "${path}"`);
    assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
    using connection = await Deno.connect({ transport: "unix", path });
    const text = "GET /api/v1 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    await connection.write(new TextEncoder().encode(text));
    const answer = await new Response(connection.readable).text();
    assert.match(answer, /^HTTP\/1\.1 200 .*"msg"/s);
    assert.ok(hub.log.some((line) => line.includes('"address":"unix"')));
    await assert.rejects(HubServer.start(`socket_path = "${path}"`), /a program does already/);
  }
  await assert.rejects(Deno.stat(path), Deno.errors.NotFound);
  await Deno.writeTextFile(path, "somebody's file");
  await assert.rejects(HubServer.start(`socket_path = "${path}"`), /something else is there/);
  assert.equal(await Deno.readTextFile(path), "somebody's file");
});

Deno.test("hub connections: an address that is taken is named, and nothing stays open", async () => {
  await using hub = await HubServer.start();
  const port = portOf(hub);
  await assert.rejects(HubServer.start(`port = ${port}`), (error) => {
    assert.ok(error instanceof Error);
    assert.match(error.message, new RegExp(`^Cannot listen on 127\\.0\\.0\\.1:${port}: `));
    return true;
  });
});

Deno.test("hub connections: whom a trusted proxy names counts, and nobody else's claim", async () => {
  const forwarded = { "x-forwarded-for": "203.0.113.1, 198.51.100.7" };
  const lastAddress = ({ log }: HubServer): string => JSON.parse(log.at(-1)!).address;
  {
    await using hub = await HubServer.start();
    await hub.ask(200, "GET", "/health", { headers: forwarded });
    assert.equal(lastAddress(hub), "127.0.0.1");
  }
  await using hub = await HubServer.start('trusted_proxies = ["127.0.0.1"]');
  await hub.ask(200, "GET", "/health", { headers: forwarded });
  assert.equal(lastAddress(hub), "198.51.100.7");
  await hub.ask(200, "GET", "/health", { headers: { "x-forwarded-for": "no address" } });
  assert.equal(lastAddress(hub), "127.0.0.1");
});

requiringTest(
  ["openssl"],
  "hub connections: it speaks TLS with a certificate of files",
  async () => {
    using folder = new TempFolder();
    const { authority, good, otherHost } = await makeCertificates(folder.path);
    const path = folder.file("server.toml");
    const write = (certificate: string, key: string): Promise<void> =>
      Deno.writeTextFile(
        path,
        `port = 0\nsocket_path = ""\ndata_dir = "data"\n` +
          `header_timeout_seconds = 0.3\ntls_cert = "${certificate}"\n` +
          `tls_key = "${key}"\n[[users]]\nusername = "alice"\npassword = "alice's password"\n`,
      );
    const start = async (): ReturnType<typeof serveHub> =>
      await serveHub(await loadConfig({ path, read: () => undefined }), { writeLog: () => {} });
    await write(good.certificate, good.key);
    const serving = await start();
    const [url] = serving.addresses;
    assert.match(url!, /^https:/);
    using client = Deno.createHttpClient({ caCerts: [await Deno.readTextFile(authority)] });
    const response = await fetch(`${url}/api/v1`, { client });
    assert.deepEqual(await response.json(), { msg: "myfs hub" });
    await assert.rejects(fetch(`${url}/api/v1`), ({ cause }) => /certificate/i.test(String(cause)));
    // A client that does not even begin with TLS is let go, and holds nothing up.
    const silent = await sendRaw({ port: Number(new URL(url!).port), pieces: [] });
    assert.ok(silent.isEnded);
    using waiting = await Deno.connect({ hostname: "127.0.0.1", port: Number(new URL(url!).port) });
    const startedMs = performance.now();
    await serving.close();
    assert.ok(performance.now() - startedMs < 5000);
    assert.equal(await waiting.read(new Uint8Array(1)).catch(() => null), null);

    await write(good.certificate, otherHost.key);
    await assert.rejects(start(), /Cannot use the certificate/);
    await Deno.writeTextFile(folder.file("text.pem"), "no certificate");
    await write(folder.file("text.pem"), good.key);
    await assert.rejects(start(), /Cannot use the certificate/);
    await write(folder.file("missing.pem"), good.key);
    await assert.rejects(start(), /Cannot read .*missing\.pem of tls_cert/);
  },
);

/** Leaves a socket without anybody who listens, as a process that was killed does. */
async function leaveSocket(path: string): Promise<void> {
  const code = `Deno.listen({ transport: "unix", path: ${JSON.stringify(path)} });
    Deno.kill(Deno.pid, "SIGKILL");`;
  await new Deno.Command(Deno.execPath(), { args: ["eval", code] }).output();
  assert.ok((await Deno.lstat(path)).isSocket);
}
