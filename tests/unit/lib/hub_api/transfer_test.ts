/**
 * Files to and from a hub that breaks off, forgets and lies: what arrives is right or is refused, and
 * what came across once is not sent again.
 */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { parseHubFlist } from "../../../../lib/hub_api/hub_address.ts";
import { connectHub, HubClient } from "../../../../lib/hub_api/hub_client.ts";
import {
  downloadFile,
  existsAtHub,
  findAtHub,
  publishFlist,
  uploadFile,
} from "../../../../lib/hub_api/transfer.ts";

const CONTENT = new Uint8Array(1_000_003).map((_, at) => (at * 31) >> 3);
const SHA256 = sha256(CONTENT);
const PART_SIZE = 100_000;

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** A hub with uploads in parts and files with ranges. */
class SmallHub implements AsyncDisposable {
  readonly files = new Map<string, Uint8Array<ArrayBuffer>>();
  readonly parts = new Map<number, Uint8Array<ArrayBuffer>>();
  readonly requests: string[] = [];
  /** Answers instead of the hub, where it answers at all. */
  before: (request: Request) => Response | undefined = () => undefined;
  folder = "";
  client!: HubClient;
  readonly #server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    (request) => this.#answer(request),
  );

  static async start(): Promise<SmallHub> {
    const hub = new SmallHub();
    hub.folder = await Deno.makeTempDir();
    const url = `hub://127.0.0.1:${hub.#server.addr.port}`;
    hub.client = await connectHub(url, { token: "T", retries: 0 });
    return hub;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
    await Deno.remove(this.folder, { recursive: true });
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname, search } = new URL(request.url);
    this.requests.push(`${request.method} ${pathname}${search}`);
    const instead = this.before(request);
    if (instead !== undefined) return instead;
    const last = pathname.split("/").at(-1)!;
    if (request.method === "PUT" && pathname.includes("/flists/")) {
      const body = await request.bytes();
      const now = "2026-11-24T12:00:00Z";
      const visibility = new URLSearchParams(search).get("visibility") ?? "private";
      return Response.json({
        user: "al",
        name: "deb",
        tag: "1",
        digest: sha256(body),
        size: body.length,
        visibility,
        created_at: now,
        updated_at: now,
      }, { status: 201 });
    }
    if (last === "keep") {
      const hash = pathname.split("/").at(-2)!;
      if (!this.files.has(hash)) return Response.json({}, { status: 404 });
      return Response.json({ file_hash: hash, message: "ok" });
    }
    if (pathname.startsWith("/api/v1/file/")) {
      const file = this.files.get(last);
      if (file === undefined) return Response.json({}, { status: 404 });
      const [, from] = /^bytes=(\d+)-$/.exec(request.headers.get("range") ?? "") ?? [];
      if (from === undefined) return new Response(file);
      if (Number(from) >= file.length) return new Response(null, { status: 416 });
      return new Response(file.subarray(Number(from)), {
        status: 206,
        headers: { "Content-Range": `bytes ${from}-${file.length - 1}/${file.length}` },
      });
    }
    if (request.method === "PUT") {
      this.parts.set(Number(last), await request.bytes());
      return new Response(null, { status: 204 });
    }
    if (last === "commit") {
      const numbers = [...this.parts.keys()].sort((a, b) => a - b);
      const whole = new Uint8Array(
        await new Blob(numbers.map((n) => this.parts.get(n)!)).arrayBuffer(),
      );
      const { sha256: claimed } = await request.json();
      if (sha256(whole) !== claimed) {
        return Response.json({ title: "Wrong digest", code: "digest_mismatch" }, { status: 422 });
      }
      this.files.set(claimed, whole);
      return Response.json({ file_hash: claimed, message: "ok" }, { status: 201 });
    }
    if (last === "uploads") {
      const { size } = await request.json();
      const expires_at = "2026-11-25T12:00:00Z";
      const parts = [...this.parts.keys()];
      return Response.json({ id: "u1", size, part_size: PART_SIZE, parts, expires_at }, {
        status: 201,
      });
    }
    return Response.json({}, { status: 404 });
  }
}

async function sourceFile(hub: SmallHub, content: Uint8Array = CONTENT): Promise<string> {
  const path = `${hub.folder}/source`;
  await Deno.writeFile(path, content);
  return path;
}

Deno.test("upload: a file goes up in parts, and is not sent a second time", async () => {
  await using hub = await SmallHub.start();
  const path = await sourceFile(hub);
  const seen: number[] = [];
  const report = await uploadFile(hub.client, path, { onBytes: (bytes) => seen.push(bytes) });
  const size = CONTENT.length;
  assert.deepEqual(report, { hash: SHA256, sha256: SHA256, size, sentBytes: size });
  assert.deepEqual(hub.files.get(SHA256), CONTENT);
  assert.equal(seen.at(-1), CONTENT.length);
  assert.equal((await uploadFile(hub.client, path)).sentBytes, 0);
});

Deno.test("upload: what cannot be read is named, with why", async () => {
  await using hub = await SmallHub.start();
  await assert.rejects(uploadFile(hub.client, `${hub.folder}/nope`), {
    message: /^Cannot read .*nope: it does not exist \(ENOENT\)$/,
  });
  await assert.rejects(uploadFile(hub.client, hub.folder), {
    message: /^Cannot read .*: it is a directory \(EISDIR\)$/,
  });
});

Deno.test("upload: an empty file is one too", async () => {
  await using hub = await SmallHub.start();
  const { size } = await uploadFile(hub.client, await sourceFile(hub, new Uint8Array()));
  assert.equal(size, 0);
  assert.ok(hub.files.has(sha256(new Uint8Array())));
});

Deno.test("upload: one that broke off sends only the parts that are missing", async () => {
  await using hub = await SmallHub.start();
  const path = await sourceFile(hub);
  hub.before = ({ url }) =>
    url.endsWith("/parts/4") ? new Response(null, { status: 503 }) : undefined;
  await assert.rejects(uploadFile(hub.client, path), { code: "store_unavailable" });
  const there = hub.parts.size;
  assert.ok(there > 0 && there < 11);
  hub.before = () => undefined;
  hub.requests.length = 0;
  await uploadFile(hub.client, path);
  assert.equal(hub.requests.filter((line) => line.startsWith("PUT")).length, 11 - there);
  assert.deepEqual(hub.files.get(SHA256), CONTENT);
});

Deno.test("upload: an abort stops it with its reason", async () => {
  await using hub = await SmallHub.start();
  const controller = new AbortController();
  hub.before = ({ url }) => {
    if (url.endsWith("/parts/2")) controller.abort(new Error("enough"));
    return undefined;
  };
  const { signal } = controller;
  const path = await sourceFile(hub);
  await assert.rejects(uploadFile(hub.client, path, { signal }), /^Error: enough/);
  assert.equal(hub.files.size, 0);
});

Deno.test("upload: a part that arrived damaged is refused at the end", async () => {
  await using hub = await SmallHub.start();
  hub.parts.set(3, new Uint8Array(PART_SIZE));
  await assert.rejects(uploadFile(hub.client, await sourceFile(hub)), {
    code: "hub",
    problem: "digest_mismatch",
  });
});

Deno.test("download: it comes whole, and goes on where an earlier one stopped", async () => {
  await using hub = await SmallHub.start();
  hub.files.set(SHA256, CONTENT);
  const target = `${hub.folder}/target`;
  const whole = { hash: SHA256, size: CONTENT.length };
  assert.deepEqual(await downloadFile(hub.client, SHA256, target), {
    ...whole,
    receivedBytes: CONTENT.length,
  });
  assert.deepEqual(await Deno.readFile(target), CONTENT);
  for (const kept of [1, 500_000, CONTENT.length]) {
    await Deno.writeFile(`${target}.${SHA256}.part`, CONTENT.subarray(0, kept));
    const report = await downloadFile(hub.client, SHA256, target);
    assert.deepEqual(report, { ...whole, receivedBytes: CONTENT.length - kept });
    assert.deepEqual(await Deno.readFile(target), CONTENT);
  }
  const left = await Array.fromAsync(Deno.readDir(hub.folder), ({ name }) => name);
  assert.deepEqual(left, ["target"]);
});

Deno.test("download: a hub that hangs up half-way is asked for the rest", async () => {
  await using hub = await SmallHub.start();
  hub.files.set(SHA256, CONTENT);
  let broken = 0;
  hub.before = (request) => {
    if (broken++ > 0) return undefined;
    assert.equal(request.headers.get("range"), null);
    let sent = false;
    return new Response(
      new ReadableStream({
        pull: (controller) => {
          if (sent) return controller.error(new Error("gone"));
          sent = true;
          controller.enqueue(CONTENT.slice(0, 300_000));
        },
      }),
    );
  };
  const target = `${hub.folder}/target`;
  await downloadFile(hub.client, SHA256, target);
  assert.deepEqual(await Deno.readFile(target), CONTENT);
  assert.equal(hub.requests.length, 2);
});

Deno.test("download: a hub without ranges sends all of it, and it is right", async () => {
  await using hub = await SmallHub.start();
  hub.before = () => new Response(CONTENT);
  const target = `${hub.folder}/target`;
  await Deno.writeFile(`${target}.${SHA256}.part`, CONTENT.subarray(0, 1234));
  await downloadFile(hub.client, SHA256, target);
  assert.deepEqual(await Deno.readFile(target), CONTENT);
});

Deno.test("download: wrong bytes never get the name, and are not used again", async () => {
  await using hub = await SmallHub.start();
  hub.files.set(SHA256, CONTENT.map((byte, at) => at === 500_000 ? byte ^ 1 : byte));
  const target = `${hub.folder}/target`;
  await Deno.writeTextFile(target, "the old one");
  await assert.rejects(downloadFile(hub.client, SHA256, target), { problem: "digest_mismatch" });
  assert.equal(await Deno.readTextFile(target), "the old one");
  const left = await Array.fromAsync(Deno.readDir(hub.folder), ({ name }) => name);
  assert.deepEqual(left, ["target"]);
});

Deno.test("download: what is not there leaves nothing, and a path is no hash", async () => {
  await using hub = await SmallHub.start();
  const target = `${hub.folder}/target`;
  await assert.rejects(downloadFile(hub.client, SHA256, target), { code: "hub", status: 404 });
  await assert.rejects(downloadFile(hub.client, "../etc/passwd", target), SyntaxError);
  assert.deepEqual(await Array.fromAsync(Deno.readDir(hub.folder)), []);
});

Deno.test("exists: files and blocks, also where only rfs's way of asking is known", async () => {
  await using hub = await SmallHub.start();
  assert.deepEqual(await existsAtHub(hub.client, SHA256), { file: false, block: false });
  hub.files.set(SHA256, CONTENT);
  assert.deepEqual(await existsAtHub(hub.client, SHA256), { file: true, block: false });
  hub.before = ({ url }) => new Response(null, { status: url.includes("/blocks/") ? 200 : 404 });
  assert.deepEqual(await existsAtHub(hub.client, SHA256), { file: true, block: false });
  hub.before = ({ url }) => new Response(null, { status: url.includes("/block/") ? 200 : 404 });
  assert.deepEqual(await existsAtHub(hub.client, SHA256), { file: false, block: true });
});

Deno.test("publish: a flist goes under its name, seen by whom it is for", async () => {
  await using hub = await SmallHub.start();
  const reference = parseHubFlist(`${hub.client.hub.name}/al/deb:1`);
  assert.ok(reference.kind === "name");
  const path = await sourceFile(hub);
  const digest = await publishFlist(hub.client, path, reference, { visibility: "public" });
  assert.equal(digest, SHA256);
  assert.deepEqual(hub.requests, ["PUT /api/v1/flists/al/deb/1?visibility=public"]);
});

Deno.test("find: a file that the hub has is known by its content", async () => {
  await using hub = await SmallHub.start();
  const path = await sourceFile(hub);
  assert.equal(await findAtHub(hub.client, path), undefined);
  hub.files.set(SHA256, CONTENT);
  assert.equal(await findAtHub(hub.client, path), SHA256);
});

Deno.test("upload: one that somebody else has ended meanwhile is done, or told", async () => {
  await using hub = await SmallHub.start();
  const path = await sourceFile(hub);
  hub.before = ({ url }) => {
    if (!url.endsWith("/parts/2")) return undefined;
    hub.files.set(SHA256, CONTENT);
    return Response.json({ title: "There is no such upload" }, { status: 404 });
  };
  assert.equal((await uploadFile(hub.client, path)).hash, SHA256);
  hub.files.clear();
  hub.before = ({ url }) =>
    url.endsWith("/commit") ? Response.json({ title: "Gone" }, { status: 404 }) : undefined;
  await assert.rejects(uploadFile(hub.client, path), { code: "hub", status: 404 });
});
