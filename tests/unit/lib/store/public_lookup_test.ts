/**
 * Goal: what connects for a foreign flist never reaches a private address through a name. Method:
 * names that every system resolves by itself, called directly and through node:http.
 */

import assert from "node:assert/strict";
import http from "node:http";
import { publicAddresses, publicLookup } from "../../../../lib/store/public_lookup.ts";

Deno.test("publicLookup: refuses a name that leads to this machine", async () => {
  for (const all of [true, false]) {
    const error = await new Promise<Error | null>((resolve) => {
      publicLookup("http://localhost/")("localhost", { all }, (error) => resolve(error));
    });
    assert.equal((error as { code?: string } | null)?.code, "untrusted_route");
  }
});

Deno.test("publicLookup: an address that is not local passes, in the form asked for", async () => {
  const lookup = publicLookup("http://8.8.8.8/");
  const answers = await Promise.all([true, false].map((all) =>
    new Promise<unknown[]>((resolve) => {
      lookup("8.8.8.8", { all }, (error, address, family) => resolve([error, address, family]));
    })
  ));
  assert.deepEqual(answers, [
    [null, [{ address: "8.8.8.8", family: 4 }], undefined],
    [null, "8.8.8.8", 4],
  ]);
});

Deno.test("publicLookup: tells of a name that does not exist", async () => {
  const error = await new Promise<Error | null>((resolve) => {
    publicLookup("http://x.invalid/")("x.invalid", { all: true }, (error) => resolve(error));
  });
  assert.ok(error !== null && (error as { code?: string }).code !== "untrusted_route");
});

Deno.test("publicLookup: a request through node:http is not sent", async () => {
  let requests = 0;
  const server = http.createServer((_request, response) => {
    requests++;
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const error = await new Promise<Error>((resolve, reject) => {
    const lookup = publicLookup("http://localhost/");
    http.get({ host: "localhost", port, lookup }, () => reject(new Error("It was answered")))
      .on("error", resolve);
  });
  assert.equal((error as { code?: string }).code, "untrusted_route");
  assert.equal(requests, 0);
  await new Promise((resolve) => server.close(resolve));
});

Deno.test("publicAddresses: gives what is public, refuses what is not, ends with the signal", async () => {
  const url = "http://blocks.example.org/";
  assert.deepEqual(await publicAddresses("8.8.8.8", url), ["8.8.8.8"]);
  await assert.rejects(publicAddresses("localhost", url), { code: "untrusted_route" });
  const controller = new AbortController();
  const reason = new Error("enough");
  const looking = publicAddresses("8.8.8.8", url, controller.signal);
  controller.abort(reason);
  await assert.rejects(looking, (error) => error === reason);
});
