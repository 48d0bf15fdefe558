/** Goal: only what this hub signed counts, as long as it says. */

import assert from "node:assert/strict";
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
  return await new SignJWT(claims).setProtectedHeader({ alg })
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
