/** Goal: only what this hub signed counts, as long as it says. */

import assert from "node:assert/strict";
import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import { SignJWT } from "jose";
import { AccessTokens } from "../../../../hub/accounts/access_token.ts";
import { HubProblem } from "../../../../lib/hub_api/problem.ts";

const SECRET = "0123456789abcdef0123456789abcdef";
const NOW = Date.parse("2026-01-01T00:00:00Z");
const tokens = new AccessTokens(SECRET, 3600);

async function refusal(token: string, now = NOW): Promise<string> {
  const error = await tokens.read(token, now).then(
    () => assert.fail("it was taken"),
    (error) => error,
  );
  assert.ok(error instanceof HubProblem, `${error}`);
  assert.equal(error.status, 401);
  assert.ok(!error.message.includes(token) || token === "");
  return error.code;
}

/** A token with other claims than the hub's own, signed with its secret. */
async function signed(
  change: Record<string, unknown>,
  { secret = SECRET, alg = "HS256" } = {},
): Promise<string> {
  const seconds = NOW / 1000;
  const claims = {
    username: "alice",
    sid: "s",
    iss: "myfs-hub",
    aud: "myfs-hub-api",
    iat: seconds,
    exp: seconds + 60,
    jti: "j",
    ...change,
  };
  return await new SignJWT(claims).setProtectedHeader({ alg, typ: "JWT" })
    .sign(new TextEncoder().encode(secret));
}

Deno.test("access token: it names user and session, as rfs's clients read it, until it ends", async () => {
  const token = await tokens.make({ user: "alice", session: "s1" }, NOW);
  assert.deepEqual(await tokens.read(token, NOW + 3599_000), { user: "alice", session: "s1" });
  assert.equal(await refusal(token, NOW + 3600_000), "token_expired");
  const [header, payload] = token.split(".").slice(0, 2).map((part) =>
    JSON.parse(new TextDecoder().decode(Uint8Array.fromBase64(part, { alphabet: "base64url" })))
  );
  assert.equal(header.alg, "HS256");
  assert.equal(payload.username, "alice");
  assert.equal(payload.exp - payload.iat, 3600);
  assert.notEqual(token, await tokens.make({ user: "alice", session: "s1" }, NOW));
});

Deno.test("access token: what another made, or says too little, is not good", async () => {
  await tokens.read(await signed({}), NOW);
  const bad: Record<string, string> = {
    "another secret": await signed({}, { secret: SECRET.toUpperCase() }),
    "another algorithm": await signed({}, { alg: "HS512" }),
    "another issuer": await signed({ iss: "somebody" }),
    "another audience": await signed({ aud: "somebody" }),
    "no session": await signed({ sid: undefined }),
    "a name that is none": await signed({ username: 7 }),
    "no end": await signed({ exp: undefined }),
    "not yet": await signed({ nbf: NOW / 1000 + 3600 }),
    "no signature": `${(await signed({})).split(".").slice(0, 2).join(".")}.`,
    "nothing": "",
    "no token": "a.b.c",
    "not signed": `${btoa('{"alg":"none"}').replaceAll("=", "")}.${
      (await signed({})).split(".")[1]
    }.`,
  };
  for (const [name, token] of Object.entries(bad)) {
    assert.equal(await refusal(token), "token_invalid", name);
  }
});

Deno.test("access token: a short secret is refused", () => {
  assert.throws(() => new AccessTokens("ä".repeat(15), 60), RangeError);
  new AccessTokens("ä".repeat(16), 60);
});

const encoder = new TextEncoder();

function base64url(bytes: Uint8Array | string): string {
  const raw = typeof bytes === "string" ? encoder.encode(bytes) : bytes;
  return (raw as Uint8Array & { toBase64(options: object): string })
    .toBase64({ alphabet: "base64url", omitPadding: true });
}

const HEADER = '{"alg":"HS256","typ":"JWT"}';
const PAYLOAD = JSON.stringify({
  username: "alice",
  sid: "s",
  iss: "myfs-hub",
  aud: "myfs-hub-api",
  iat: NOW / 1000,
  exp: NOW / 1000 + 60,
  jti: "j",
});

/** Any header and payload, signed with the hub's secret. */
function made(header: string | Uint8Array, payload: string | Uint8Array, secret = SECRET): string {
  const text = `${base64url(header)}.${base64url(payload)}`;
  return `${text}.${base64url(createHmac("sha256", secret).update(text).digest())}`;
}

function withClaims(change: Record<string, unknown>): string {
  return JSON.stringify({ ...JSON.parse(PAYLOAD), ...change });
}

Deno.test("access token: examples of RFC 7515 and RFC 7519, signed by others or by nobody", async () => {
  const examples = [
    // RFC 7515, A.1: HS256 with a key that is published there.
    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0" +
    "dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    // RFC 7519, 6.1: not secured.
    "eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNv" +
    "bS9pc19yb290Ijp0cnVlfQ.",
  ];
  for (const token of examples) assert.equal(await refusal(token, 1300819000_000), "token_invalid");
});

Deno.test("access token: no header makes another algorithm, key or reading of the token", async () => {
  assert.equal((await tokens.read(made(HEADER, PAYLOAD), NOW)).user, "alice");
  const headers = [
    ...["none", "None", "NONE", "nOnE", "", "hs256", "HS384", "HS512", "RS256", "ES256", "dir"]
      .map((alg) => JSON.stringify({ alg, typ: "JWT" })),
    '{"typ":"JWT"}',
    '{"alg":null,"typ":"JWT"}',
    '{"alg":["HS256"],"typ":"JWT"}',
    '{"alg":"HS256"}',
    '{"alg":"HS256","typ":"at+jwt"}',
    '{"alg":"HS256","typ":"JWT","crit":["exp"],"exp":1}',
    '{"alg":"HS256","typ":"JWT","crit":[]}',
    '{"alg":"HS256","typ":"JWT","b64":false,"crit":["b64"]}',
    '{"alg":"HS256","typ":"JWT","enc":"A256GCM","crit":["enc"]}',
    "[]",
    "null",
    '"HS256"',
    "{",
    "",
  ];
  for (const header of headers) {
    assert.equal(await refusal(made(header, PAYLOAD)), "token_invalid", header);
    // Without a signature, or with an empty one, neither.
    const text = `${base64url(header)}.${base64url(PAYLOAD)}`;
    for (const bare of [text, `${text}.`, `${text}..`]) {
      assert.equal(await refusal(bare), "token_invalid", header);
    }
  }
  // A key in the header is no key of the hub's.
  const own = "k".repeat(32);
  const key = { kty: "oct", k: base64url(own) };
  for (
    const more of [{ jwk: key }, { kid: "../../dev/null" }, { jku: "http://127.0.0.1:1/keys" }, {
      x5u: "http://127.0.0.1:1/cert",
    }]
  ) {
    const header = JSON.stringify({ alg: "HS256", typ: "JWT", ...more });
    assert.equal(await refusal(made(header, PAYLOAD, own)), "token_invalid", header);
  }
});

Deno.test("access token: a signature with a pair of keys, or with its public one as secret, is none", async () => {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const text = `${base64url('{"alg":"RS256","typ":"JWT"}')}.${base64url(PAYLOAD)}`;
  const signature = sign("sha256", encoder.encode(text), privateKey);
  assert.equal(await refusal(`${text}.${base64url(signature)}`), "token_invalid");
  const pem = publicKey.export({ type: "spki", format: "pem" }) as string;
  for (const secret of [pem, pem.trim()]) {
    assert.equal(await refusal(made(HEADER, PAYLOAD, secret)), "token_invalid");
  }
});

Deno.test("access token: claims of the wrong kind are not good, whoever signed them", async () => {
  const seconds = NOW / 1000;
  const payloads = [
    ...[null, true, "9999999999", "", [], {}, [seconds + 60], -1, 0]
      .map((exp) => withClaims({ exp })),
    PAYLOAD.replace(/"exp":\d+/, '"exp":1e400'),
    PAYLOAD.replace(/"exp":\d+/, '"exp":-1e400'),
    PAYLOAD.replace(/"exp":\d+/, '"exp":NaN'),
    withClaims({ exp: Number.MAX_SAFE_INTEGER }),
    withClaims({ exp: seconds + 10 * 365 * 86_400 }),
    withClaims({ nbf: seconds + 3600 }),
    withClaims({ nbf: "later" }),
    withClaims({ iat: "now" }),
    ...[null, 7, ["alice"], { name: "alice" }].map((username) => withClaims({ username })),
    ...[null, 7, ["s"]].map((sid) => withClaims({ sid })),
    withClaims({ iss: ["myfs-hub"] }),
    withClaims({ aud: { toString: "myfs-hub-api" } }),
    ...["exp", "iat", "jti", "username", "sid", "iss", "aud"]
      .map((name) => withClaims({ [name]: undefined })),
    "[]",
    "null",
    '"alice"',
    "7",
    "{",
    "",
    `${PAYLOAD}${PAYLOAD}`,
  ];
  for (const payload of payloads) {
    const code = await refusal(made(HEADER, payload));
    assert.ok(code === "token_invalid" || code === "token_expired", payload);
  }
  assert.equal(await refusal(made(HEADER, Uint8Array.of(0xff, 0xfe, 0x7b))), "token_invalid");
  // Of a claim that is there twice, the last counts, for whoever reads it.
  const twice = PAYLOAD.replace('"username":"alice"', '"username":"bob","username":"alice"');
  assert.equal((await tokens.read(made(HEADER, twice), NOW)).user, "alice");
});

Deno.test("access token: what was cut, joined or written otherwise is never another token", async () => {
  const good = made(HEADER, PAYLOAD);
  const [header, payload, signature] = good.split(".") as [string, string, string];
  const other = made(HEADER, withClaims({ username: "bob" })).split(".")[2]!;
  const bad = [
    `${header}.${payload}.${other}`,
    `${header}.${payload}.${signature.slice(0, 22)}`,
    `${header}.${payload}.${base64url(new Uint8Array(32))}`,
    `${header}.${payload}.${signature}${signature}`,
    `${header}.${payload}`,
    `${good}.`,
    `${good}.${signature}`,
    `.${payload}.${signature}`,
    `${header}..${signature}`,
    `${header}.${payload}.${signature}.x.y`,
    "..",
    ".",
    "\u0000",
    "a".repeat(100_000),
    `${header}.${"A".repeat(100_000)}.${signature}`,
  ];
  for (const token of bad) assert.equal(await refusal(token), "token_invalid", token.slice(0, 300));
  // Other ways to write the same bytes may be taken, but never as something else.
  const last = signature.at(-1)!;
  const twin = String.fromCharCode(last.charCodeAt(0) + 1);
  for (const same of [`${good}=`, ` ${good}`, `${good}\n`, good.slice(0, -1) + twin]) {
    const claims = await tokens.read(same, NOW).catch((error) => error);
    if (!(claims instanceof HubProblem)) assert.deepEqual(claims, { user: "alice", session: "s" });
  }
  // Each changed letter of header and payload breaks the signature.
  for (let at = 0; at < header.length + 1 + payload.length; at++) {
    if (good[at] === ".") continue;
    const changed = good.slice(0, at) + (good[at] === "A" ? "B" : "A") + good.slice(at + 1);
    assert.equal(await refusal(changed), "token_invalid", `letter ${at}`);
  }
});
