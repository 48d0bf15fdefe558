/** Goal: secrets cannot be guessed, and what is kept of them tells nothing. */

import assert from "node:assert/strict";
import { isSecret, newId, newSecret, secretHash } from "../../../../hub/accounts/secret_text.ts";

Deno.test("secret text: secrets and ids are new each time, and of one form", () => {
  const secrets = Array.from({ length: 100 }, newSecret);
  const ids = Array.from({ length: 100 }, newId);
  assert.equal(new Set([...secrets, ...ids]).size, 200);
  for (const secret of secrets) assert.match(secret, /^[A-Za-z0-9_-]{43}$/);
  for (const id of ids) assert.match(id, /^[0-9a-f]{24}$/);
});

Deno.test("secret text: a hash is good for its secret alone", () => {
  const secret = newSecret();
  const hash = secretHash(secret);
  assert.match(hash, /^[0-9a-f]{64}$/);
  assert.equal(isSecret(secret, hash), true);
  for (const other of [newSecret(), `${secret} `, secret.toLowerCase(), ""]) {
    assert.equal(isSecret(other, hash), false);
  }
  for (const broken of ["", hash.slice(1), hash.toUpperCase()]) {
    assert.equal(isSecret(secret, broken), false);
  }
});
