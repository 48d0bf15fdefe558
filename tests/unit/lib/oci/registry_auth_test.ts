/** Goal: challenges are read as RFC 9110 writes them. The flows are tested with registry_source. */

import assert from "node:assert/strict";
import { parseChallenges } from "../../../../lib/oci/registry_auth.ts";

Deno.test("challenges: several in one header, quoted and plain", () => {
  const text = 'Basic realm="a \\"b\\", c", Bearer realm="https://t/x",service=r , scope="x:y,z"';
  assert.deepEqual(
    parseChallenges(text).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]),
    [
      ["basic", { realm: 'a "b", c' }],
      ["bearer", { realm: "https://t/x", service: "r", scope: "x:y,z" }],
    ],
  );
  assert.deepEqual(parseChallenges(""), []);
  assert.equal(parseChallenges("Negotiate")[0]!.scheme, "negotiate");
});
