/**
 * Goal: every request of the hub, sent with every kind of token, is answered as its declared scope and
 * the owner of its object say. Method: all pairs of request and caller, in this process. What a
 * request that is allowed is answered with stands in a table; a request that is not in it, such as a
 * new one, is held to its scope alone. A route without a scope fails.
 */

import assert from "node:assert/strict";
import { createHubApp } from "../../hub/app.ts";
import { loadConfig } from "../../hub/mod.ts";
import { openHub } from "../../hub/open_hub.ts";
import { packDirectory } from "../../mod.ts";
import { HUB_ENDPOINTS, type HubEndpoint } from "../../lib/hub_api/endpoints.ts";
import { TempFolder } from "../helpers/temp_folder.ts";

/** Tokens that are no longer, or never were, good. */
const BAD = ["expired", "revoked", "disabled", "signedOut", "madeUp"] as const;
/** Tokens of alice, who owns all there is. */
const OWN = ["owner", "reader", "writer", "bound"] as const;
/** Tokens of somebody else, and of an administrator. */
const OTHERS = ["bob", "admin", "adminToken"] as const;
const CALLERS = ["nobody", ...BAD, ...OWN, ...OTHERS] as const;
type Caller = typeof CALLERS[number];

/** Which callers a scope lets through. */
const PERMITTED: Readonly<Record<HubEndpoint["scope"], readonly Caller[]>> = {
  "none": CALLERS,
  "optional": ["nobody", ...OWN, ...OTHERS],
  "signed-in": [...OWN, ...OTHERS],
  "read": [...OWN, ...OTHERS],
  "write": ["owner", "writer", "bound", ...OTHERS],
  "admin": ["admin", "adminToken"],
};

/** API tokens, which neither make nor end tokens. */
const API_TOKENS: readonly Caller[] = ["reader", "writer", "bound", "adminToken"];

/** How a request is sent, and what those who are permitted get. */
interface Row {
  readonly path?: string;
  readonly json?: unknown;
  readonly body?: string;
  readonly type?: string;
  readonly status: number;
  /** Where some of them get something else. */
  readonly but?: readonly [readonly Caller[], number];
}

const NO_DIGEST = "0".repeat(64);
const [RFS_READERS, NOT_OWN]: (readonly Caller[])[] = [OWN, ["nobody", ...OTHERS]];

/** What alice has. */
interface Things {
  readonly block: string;
  readonly file: string;
  readonly upload: string;
  readonly digest: string;
}

/** The table, where blocks are each user's own: the stricter of the two ways. */
function table({ block, file, upload, digest }: Things): Readonly<Record<string, Row>> {
  const hidden = [NOT_OWN!, 404] as const;
  const flist = "/api/v1/flists/alice/tree/1";
  const bytes = "application/octet-stream";
  const writable = [["bob", "bound"], 403] as const;
  return {
    health: { status: 200 },
    ready: { status: 200 },
    metrics: { status: 200 },
    heroService: { status: 200 },
    service: { status: 200 },
    signIn: { json: {}, status: 400 },
    refreshToken: { json: {}, status: 400 },
    signOut: { json: { refresh_token: "none" }, status: 204 },
    me: { status: 200 },
    tokens: { status: 200 },
    createToken: { json: { name: "x", scopes: [] }, status: 400 },
    revokeToken: { path: "/api/v1/tokens/none", status: 404, but: [API_TOKENS, 403] },
    users: { status: 200 },
    createUser: { json: {}, status: 400 },
    changeUser: { path: "/api/v1/users/nobody", json: { disabled: true }, status: 404 },
    audit: { status: 200 },
    uploadBlock: { body: "", type: bytes, status: 400 },
    verifyBlocks: { json: { blocks: [] }, status: 200 },
    getBlock: { path: `/api/v1/block/${block}`, status: 200, but: hidden },
    hasBlock: { path: `/api/v1/block/${block}`, status: 200, but: hidden },
    putBlock: { path: `/api/v1/block/${NO_DIGEST}`, body: "x", type: bytes, status: 422 },
    deleteBlock: { path: `/api/v1/block/${NO_DIGEST}`, status: 404 },
    blockDownloads: { path: `/api/v1/block/${block}/downloads`, status: 200, but: hidden },
    blocks: { status: 200 },
    blocksOfFile: { path: `/api/v1/blocks/${file}`, status: 200, but: hidden },
    userBlocks: { status: 200 },
    missingBlocks: { json: { blocks: [] }, status: 200 },
    uploadBlocks: { body: "x", type: "application/vnd.myfs.blocks", status: 400 },
    downloadBlocks: { json: { blocks: [] }, status: 200 },
    uploadFile: { body: "of one's own", type: bytes, status: 201 },
    getFile: { path: `/api/v1/file/${file}`, status: 200, but: hidden },
    hasFile: { path: `/api/v1/file/${file}`, status: 200, but: hidden },
    keepFile: { path: `/api/v1/file/${file}/keep`, status: 200, but: hidden },
    deleteFile: { path: `/api/v1/file/${NO_DIGEST}`, status: 404 },
    createUpload: { json: {}, status: 400 },
    getUpload: { path: `/api/v1/uploads/${upload}`, status: 200, but: hidden },
    putUploadPart: {
      path: `/api/v1/uploads/${upload}/parts/0`,
      body: "part",
      type: bytes,
      status: 204,
      but: hidden,
    },
    commitUpload: {
      path: `/api/v1/uploads/${upload}/commit`,
      json: { sha256: "wrong" },
      status: 400,
    },
    deleteUpload: { path: "/api/v1/uploads/none", status: 404 },
    flists: { status: 200 },
    flistHistory: { path: "/api/v1/flists/alice/tree", status: 200, but: hidden },
    getFlist: { path: flist, status: 200, but: hidden },
    hasFlist: { path: flist, status: 200, but: hidden },
    putFlist: { path: flist, body: "x", status: 422, but: writable },
    changeFlist: {
      path: flist,
      json: { visibility: "private" },
      status: 200,
      but: writable,
    },
    deleteFlist: { path: `${flist}0`, status: 404, but: writable },
    getFlistByDigest: { path: `/api/v1/flists/digest/${digest}`, status: 200, but: hidden },
    flistTree: { path: `${flist}/tree?path=/`, status: 200, but: hidden },
    inspectFlist: { path: `${flist}/inspect`, status: 200, but: hidden },
    rfsFlists: { status: 200 },
    rfsPreview: {
      path: "/api/v1/fl/preview/flists%2Falice%2Ftree-1.fl",
      status: 200,
      but: [NOT_OWN!, 404],
    },
  };
}

Deno.test("hub roles: every request, from every caller, is answered as its scope and owner say", async (t) => {
  using folder = new TempFolder();
  const config = folder.file("server.toml");
  const users = ["alice", "bob", "carol", "root"].map((name) =>
    `[[users]]\nusername = "${name}"\npassword = "password of ${name}"\n` +
    `role = "${name === "root" ? "admin" : "user"}"\n`
  );
  await Deno.writeTextFile(
    config,
    `data_dir = "${folder.file("data")}"\ndedup = "user"\nlog_requests = false\n` +
      "account_rate_limit_burst = 10000\n" + users.join(""),
  );
  let now = Date.now();
  const errors: string[] = [];
  await using hub = await openHub(await loadConfig({ path: config, read: () => undefined }), {
    writeLog: (line) => void (/"level":"error"/.test(line) && errors.push(line)),
    now: () => now,
  });
  const app = createHubApp(hub);
  const send = async (
    method: string,
    path: string,
    { token, json, body, type }: {
      readonly token?: string | undefined;
      readonly json?: unknown;
      readonly body?: BodyInit | undefined;
      readonly type?: string | undefined;
    } = {},
  ): Promise<Response> => {
    const media = json === undefined ? type : "application/json";
    return await app.request(path, {
      method: method.toUpperCase(),
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(media === undefined ? {} : { "content-type": media }),
      },
      ...(json === undefined ? body === undefined ? {} : { body } : { body: JSON.stringify(json) }),
    });
  };
  const answer = async <Answer>(...request: Parameters<typeof send>): Promise<Answer> => {
    const response = await send(...request);
    const text = await response.text();
    assert.ok(response.ok, `${request[1]}: ${response.status} ${text}`);
    return text === "" ? undefined as Answer : JSON.parse(text);
  };
  const signIn = async (username: string): Promise<string> => {
    const json = { username, password: `password of ${username}` };
    const signedIn = await answer<{ access_token: string }>("post", "/api/v1/signin", { json });
    return signedIn.access_token;
  };
  const make = async (token: string, json: object): Promise<{ id: string; token: string }> =>
    await answer("post", "/api/v1/tokens", { token, json: { name: "t", ...json } });

  const owner = await signIn("alice");
  const root = await signIn("root");
  const expired = await make(owner, { scopes: ["write"], expires_in: 60 });
  const revoked = await make(owner, { scopes: ["write"] });
  await answer("delete", `/api/v1/tokens/${revoked.id}`, { token: owner });
  const signedOut = await signIn("alice");
  await answer("post", "/api/v1/signout", { token: signedOut, json: {} });
  const disabled = await signIn("carol");
  await answer("patch", "/api/v1/users/carol", { token: root, json: { disabled: true } });
  const tokens: Record<Caller, string | undefined> = {
    nobody: undefined,
    expired: expired.token,
    revoked: revoked.token,
    signedOut,
    disabled,
    madeUp: `myfs_${"0".repeat(24)}_${"A".repeat(43)}`,
    owner,
    reader: (await make(owner, { scopes: ["read"] })).token,
    writer: (await make(owner, { scopes: ["write"] })).token,
    bound: (await make(owner, { scopes: ["write"], namespace: "elsewhere" })).token,
    bob: await signIn("bob"),
    admin: root,
    adminToken: (await make(root, { scopes: ["admin"] })).token,
  };
  now += 61_000;

  const tree = folder.tree("tree", { "a": "something" });
  const meta = folder.file("tree.fl");
  await packDirectory(tree, { meta, store: `dir://${folder.file("blocks")}` });
  const { hash: block } = await answer<{ hash: string }>(
    "post",
    `/api/v1/block?file_hash=&idx=0`,
    { token: owner, body: "alice's block" },
  );
  const { file_hash: file } = await answer<{ file_hash: string }>("post", "/api/v1/file", {
    token: owner,
    body: "alice's file",
  });
  const { id: upload } = await answer<{ id: string }>("post", "/api/v1/uploads", {
    token: owner,
    json: { size: 4 },
  });
  const { digest } = await answer<{ digest: string }>("put", "/api/v1/flists/alice/tree/1", {
    token: owner,
    body: await Deno.readFile(meta),
  });
  const rows = table({ block, file, upload, digest });

  await t.step("rfs's folder of flists shows what the caller may see", async () => {
    for (const path of ["/flists/alice/tree-1.fl", "/flists/alice/", "/flists/"]) {
      for (const caller of CALLERS) {
        const response = await send("get", path, { token: tokens[caller] });
        const text = await response.text();
        const isOwn = RFS_READERS!.includes(caller);
        if ((BAD as readonly string[]).includes(caller)) assert.equal(response.status, 401);
        else if (path.endsWith(".fl")) assert.equal(response.status, isOwn ? 200 : 404, caller);
        else {assert.equal(
            text.includes(path === "/flists/" ? "alice" : "tree-1.fl"),
            isOwn,
            caller,
          );}
      }
    }
  });
  // Signing out ends the sessions that the others need.
  const entries = Object.entries<HubEndpoint>(HUB_ENDPOINTS)
    .toSorted(([one], [other]) => Number(one === "signOut") - Number(other === "signOut"));
  for (const [name, endpoint] of entries) {
    await t.step(name, async () => {
      const permitted = PERMITTED[endpoint.scope];
      assert.ok(permitted !== undefined, `${name} has no scope`);
      const row = rows[name];
      const path = row?.path ?? endpoint.path.replaceAll(/\{\w+\}/g, "x");
      const wrong: string[] = [];
      for (const caller of CALLERS) {
        const { method } = endpoint;
        const { json, body, type } = row ?? {};
        const response = await send(method, path, { token: tokens[caller], json, body, type });
        await response.body?.cancel();
        const { status } = response;
        const isPermitted = permitted.includes(caller);
        const isSignedIn = caller !== "nobody" && !(BAD as readonly string[]).includes(caller);
        const [others = [], otherwise] = row?.but ?? [];
        const expected = !isPermitted
          ? isSignedIn ? 403 : 401
          : others.includes(caller)
          ? otherwise
          : row?.status;
        const isRight = expected === undefined
          ? status !== 401 && status !== 403 && status < 500
          : status === expected;
        if (!isRight) wrong.push(`${caller}: ${status} in place of ${expected}`);
      }
      assert.deepEqual(wrong, []);
    });
  }

  await t.step("the document says the same of who may send what", async () => {
    const document = await answer<{
      paths: Record<string, Record<string, { security: object[] }>>;
    }>("get", "/api-docs/openapi.json");
    for (const { method, path, scope } of Object.values<HubEndpoint>(HUB_ENDPOINTS)) {
      const { security } = document.paths[path]![method]!;
      const takesNone = security.length === 0 || security.some((way) => !("bearer" in way));
      assert.equal(takesNone, scope === "none" || scope === "optional", `${method} ${path}`);
    }
  });

  await t.step("nothing is served that the table of requests does not have", () => {
    const known = new Set(
      Object.values<HubEndpoint>(HUB_ENDPOINTS).map(({ method, path }) =>
        `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ":$1")}`
      ),
    );
    // Pages for people and rfs's folder of flists, which show what anybody, or the caller, may see.
    const pages = /^GET (\/api-docs\/openapi\.json|\/swagger-ui(\/:file)?|\/flists(\/.*)?)$/;
    const unknown = app.routes.map(({ method, path }) => `${method} ${path}`)
      .filter((route) => !known.has(route) && !route.startsWith("ALL ") && !pages.test(route));
    assert.deepEqual(unknown, []);
  });

  assert.deepEqual(errors, []);
});
