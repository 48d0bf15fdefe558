/**
 * The table of a hub's requests: it agrees with itself, its messages take what rfs's clients and
 * servers send, letter by letter, and refuse what could do harm.
 */

import assert from "node:assert/strict";
import { HUB_ENDPOINTS, type HubEndpoint } from "../../../../lib/hub_api/endpoints.ts";
import { IDS_A_REQUEST_MAX } from "../../../../lib/hub_api/limits.ts";
import * as messages from "../../../../lib/hub_api/messages/mod.ts";

const DIGEST = "ab".repeat(32);
const endpoints: [string, HubEndpoint][] = Object.entries(HUB_ENDPOINTS);

Deno.test("endpoints: no two have the same method and path", () => {
  const requests = endpoints.map(([, { method, path }]) =>
    `${method} ${path.replace(/\{[^}]*\}/g, "{}")}`
  );
  assert.equal(new Set(requests).size, requests.length);
});

Deno.test("endpoints: the parameters of a path are those of its schema", () => {
  for (const [name, { path, params }] of endpoints) {
    const inPath = Array.from(path.matchAll(/\{([^}]*)\}/g), (match) => match[1]);
    assert.deepEqual(Object.keys(params?.shape ?? {}), inPath, name);
  }
});

Deno.test("endpoints: what changes something takes a token, and only what has a body says so", () => {
  for (const [name, { method, scope, body, bodyMediaType }] of endpoints) {
    assert.ok(body === undefined || bodyMediaType === undefined, name);
    if (method === "get" || method === "head" || method === "delete") {
      assert.equal(body ?? bodyMediaType, undefined, name);
    }
    if (method === "get" || method === "head" || method === "post") continue;
    assert.ok(["write", "admin", "signed-in"].includes(scope), name);
  }
});

Deno.test("endpoints: every object of a message has a name in the OpenAPI document, used once", () => {
  const names = Object.values(messages).flatMap((schema) =>
    typeof schema === "object" && schema !== null && "meta" in schema ? schema.meta()?.id ?? [] : []
  );
  assert.equal(new Set(names).size, names.length);
  for (const [name, { body, answers }] of endpoints) {
    for (const schema of [body, ...Object.values(answers).map((answer) => answer.schema)]) {
      if (schema !== undefined) assert.ok(schema.meta()?.id !== undefined, name);
    }
  }
});

const RFS: readonly [name: string, schema: { parse(value: unknown): unknown }, value: unknown][] = [
  ["sign in", messages.SignInRequest, { username: "alice", password: "secret" }],
  ["signed in", messages.SignInAnswer, { access_token: "a.b.c" }],
  ["block stored", messages.UploadBlockAnswer, { hash: DIGEST, message: "ok" }],
  ["verify", messages.VerifyBlocksRequest, {
    blocks: [{ block_hash: DIGEST, file_hash: "", block_index: 0 }],
  }],
  ["missing", messages.MissingBlocksAnswer, { missing: [DIGEST] }],
  ["blocks", messages.BlocksAnswer, { blocks: [DIGEST], total: 1, page: 1, per_page: 50 }],
  ["blocks of a file", messages.BlocksOfFileAnswer, { blocks: [[DIGEST, 0], [DIGEST, 1]] }],
  ["downloads", messages.BlockDownloadsAnswer, {
    block_hash: DIGEST,
    downloads_count: 3,
    block_size: 1024,
  }],
  ["user blocks", messages.UserBlocksAnswer, { blocks: [[DIGEST, 9]], total: 1, all_blocks: 2 }],
  ["file stored", messages.UploadFileAnswer, { file_hash: DIGEST, message: "ok" }],
  ["flists", messages.RfsFlistsAnswer, {
    alice: [{
      name: "debian-12.fl",
      path_uri: "127.0.0.1:3000/flists/alice/debian-12.fl",
      is_file: true,
      size: 4096,
      last_modified: 1_730_000_000,
      progress: 0,
    }],
  }],
  ["convert", messages.ConversionRequest, {
    image_name: "redis:7",
    username: null,
    password: null,
    auth: null,
    email: null,
    server_address: null,
    identity_token: null,
    registry_token: null,
  }],
  ["job", messages.ConversionAnswer, { id: "0c9e5c2e-0a8f-4b7e-9d15-6a2f1c1b8d3e" }],
  ["accepted", messages.RfsJobAnswer, { flist_state: { Accepted: "Flist 'x.fl' is accepted" } }],
  ["started", messages.RfsJobAnswer, { flist_state: { Started: "Flist 'x.fl' is started" } }],
  ["in progress", messages.RfsJobAnswer, {
    flist_state: { InProgress: { msg: "Flist 'x.fl' is in progress", progress: 12.5 } },
  }],
  ["created", messages.RfsJobAnswer, { flist_state: { Created: "Flist 'x.fl' is created" } }],
  ["preview", messages.RfsPreviewAnswer, { content: ["/etc"], metadata: "", checksum: DIGEST }],
];

for (const [name, schema, value] of RFS) {
  Deno.test(`messages: rfs's ${name} is taken as it is`, () => {
    assert.deepEqual(schema.parse(value), value);
  });
}

Deno.test("messages: a digest is 64 lower-case digits and nothing else", () => {
  const others = [
    "",
    "ab",
    DIGEST.toUpperCase(),
    `${DIGEST}0`,
    ` ${DIGEST}`,
    `${DIGEST}\n`,
    "/etc/passwd",
    "../".repeat(21) + "a",
  ];
  assert.ok(messages.Digest.safeParse(DIGEST).success);
  for (const other of others) assert.ok(!messages.Digest.safeParse(other).success, other);
});

Deno.test("messages: names hold nothing that a path or a header could be broken with", () => {
  for (const schema of [messages.UserName, messages.FlistName, messages.FlistTag]) {
    assert.ok(schema.safeParse("debian-12.1_a").success);
    for (
      const name of ["", ".", "..", ".hidden", "a/b", "a%2fb", "a\\b", "a\0", "a\n", "ä", "-a"]
    ) {
      assert.ok(!schema.safeParse(name).success, JSON.stringify(name));
    }
  }
});

Deno.test("messages: a request for more ids than allowed is refused", () => {
  const blocks = (count: number): unknown => ({ blocks: new Array(count).fill(DIGEST) });
  const { success } = messages.BlockListRequest.safeParse(blocks(IDS_A_REQUEST_MAX));
  assert.ok(success);
  const more = blocks(IDS_A_REQUEST_MAX + 1);
  assert.ok(!messages.BlockListRequest.safeParse(more).success);
});

Deno.test("messages: pages come as text and have defaults", () => {
  assert.deepEqual(messages.PageQuery.parse({ page: "3" }), { page: 3, per_page: 50 });
  for (const page of ["0", "-1", "1.5", "a", "1e99"]) {
    assert.ok(!messages.PageQuery.safeParse({ page }).success, page);
  }
});
