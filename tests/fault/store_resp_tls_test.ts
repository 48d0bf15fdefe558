/**
 * Goal: `rediss://` speaks TLS with a server whose certificate is good, and with no other. Method:
 * redis-server with certificates of an authority that only a child process trusts.
 */

import assert from "node:assert/strict";
import { StoreUnavailableError } from "../../lib/base/errors.ts";
import { openRedisStore } from "../../lib/store/resp/resp_factory.ts";
import { makeCertificates } from "../helpers/certificates.ts";
import { freePort, RedisServer } from "../helpers/redis_server.ts";
import { requiringTest } from "../helpers/require.ts";
import { TempFolder } from "../helpers/temp_folder.ts";

requiringTest(["redis-server", "openssl"], "redis store: TLS", async (t) => {
  using folder = new TempFolder();
  const { authority, good } = await makeCertificates(folder.path);
  const port = freePort();
  await using _server = await RedisServer.start({
    settings: [
      ...["--tls-port", `${port}`, "--tls-auth-clients", "no", "--tls-ca-cert-file", authority],
      ...["--tls-cert-file", good.certificate, "--tls-key-file", good.key],
    ],
  });
  const url = `rediss://localhost:${port}/1`;

  await t.step("refuses a certificate of an authority that is not trusted", async () => {
    await assert.rejects(openRedisStore(url, {}), (error) => {
      assert.ok(error instanceof StoreUnavailableError && !error.retryable);
      assert.match(error.message, /^Cannot connect to rediss:.*certificate/);
      return /DENO_CERT/.test(error.hint!);
    });
  });

  await t.step("keeps blocks where the authority is trusted", async () => {
    const main = new URL("../../mod.ts", import.meta.url);
    const script = `
      import { openStore } from ${JSON.stringify(main.href)};
      await using store = await openStore([${JSON.stringify(url)}], { verify: false });
      const id = "ab".repeat(32);
      await store.put(id, new Uint8Array(300_000).fill(7));
      const block = await store.get(id);
      console.log(block.length, block.every((byte) => byte === 7));
    `;
    const path = folder.file("script.ts");
    await Deno.writeTextFile(path, script);
    const config = new URL("../../deno.json", import.meta.url).pathname;
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "--config", config, path],
      env: { DENO_CERT: authority },
    }).output();
    assert.equal(
      new TextDecoder().decode(stdout).trim(),
      "300000 true",
      new TextDecoder().decode(stderr),
    );
  });
});
