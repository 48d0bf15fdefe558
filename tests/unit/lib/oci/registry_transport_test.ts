/**
 * Goal: registries are reached through proxies and with authorities of one's own, and no way leads to a
 * private address where only public ones may be asked. Method: a proxy that makes tunnels to servers on
 * this machine, which stand for others.
 */

import assert from "node:assert/strict";
import { RegistryDeniedError, RegistryUnavailableError } from "../../../../lib/base/errors.ts";
import {
  RegistryTransport,
  type TransportOptions,
} from "../../../../lib/oci/registry_transport.ts";
import { makeCertificates } from "../../../helpers/certificates.ts";
import { connectProxy } from "../../../helpers/connect_proxy.ts";
import { type FaultAnswer, faultServer } from "../../../helpers/fault_server.ts";
import { requiringTest } from "../../../helpers/require.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";

const HELLO: FaultAnswer = { kind: "http", body: "hello" };
const AUTHORIZATION = ["Authorization", "Bearer canary"] as const;
/** Addresses that anybody could have; nobody is asked there. */
const PUBLIC = "8.8.8.8";

async function get(
  url: string,
  options: TransportOptions,
  fields: readonly (readonly [string, string])[] = [AUTHORIZATION],
): Promise<string> {
  await using transport = new RegistryTransport({ timeoutMs: 5000, ...options });
  const { status, body } = await transport.requestWhole(
    { url: new URL(url), fields, task: "read" },
    1000,
  );
  return `${status} ${new TextDecoder().decode(body)}`;
}

function redirect(location: string): FaultAnswer {
  return { kind: "http", status: 307, headers: { Location: location } };
}

Deno.test("registry transport: a proxy is told where a request without TLS goes", async () => {
  await using proxy = await faultServer(HELLO);
  const proxies = { http: `http://me:s%20t@127.0.0.1:${proxy.port}`, no: "direct.example" };
  assert.equal(await get("http://reg.example:5000/v2/?a", { proxies }), "200 hello");
  const [request] = proxy.requests;
  assert.equal(request!.target, "http://reg.example:5000/v2/?a");
  assert.equal(request!.headers.get("host"), "reg.example:5000");
  assert.equal(request!.headers.get("proxy-authorization"), `Basic ${btoa("me:s t")}`);
  // What is on this machine is asked directly, whatever is set.
  await using server = await faultServer(HELLO);
  assert.equal(await get(server.url, { proxies }), "200 hello");
  assert.equal(server.requests[0]!.headers.get("proxy-authorization"), null);
  assert.equal(proxy.requests.length, 1);
});

requiringTest(
  ["openssl"],
  "registry transport: TLS goes through a tunnel, to an authority of one's own",
  async () => {
    using folder = new TempFolder();
    const { authority, otherHost } = await makeCertificates(folder.path);
    const [cert, key] = await Promise.all(
      [otherHost.certificate, otherHost.key].map((path) => Deno.readTextFile(path)),
    );
    const caCerts = [await Deno.readTextFile(authority)];
    await using server = await faultServer(HELLO, { tls: { cert: cert!, key: key! } });
    await using proxy = await connectProxy((goal) =>
      goal === "other.example:443" ? server.port : undefined
    );
    const proxies = { https: `http://me:pw@127.0.0.1:${proxy.port}` };
    assert.equal(await get("https://other.example/v2/", { proxies, caCerts }), "200 hello");
    assert.deepEqual(proxy.authorizations, [`Basic ${btoa("me:pw")}`]);
    assert.equal(server.requests[0]!.headers.get("proxy-authorization"), null);
    // Without the authority, and where the proxy refuses.
    await assert.rejects(get("https://other.example/", { proxies }), /not trusted/);
    await assert.rejects(
      get("https://another.example/", { proxies, caCerts }),
      (error: unknown) => error instanceof RegistryUnavailableError && /403/.test(error.message),
    );
  },
);

Deno.test("registry transport: where only public addresses may be asked, redirects lead to no other", async () => {
  await using inside = await faultServer(HELLO);
  for (
    const location of [
      inside.url,
      "http://localhost/",
      "http://169.254.169.254/latest/meta-data/",
      "http://10.1.2.3/",
      "http://[::1]/",
      "http://[::ffff:192.168.0.1]/",
      "http://2130706433/",
    ]
  ) {
    await using outside = await faultServer(redirect(location));
    await using proxy = await connectProxy((goal) =>
      goal === `${PUBLIC}:80` ? outside.port : inside.port
    );
    const proxies = { http: `127.0.0.1:${proxy.port}` };
    const options = { proxies, publicAddressesOnly: true };
    await assert.rejects(get(`http://${PUBLIC}/`, options), RegistryDeniedError, location);
    assert.deepEqual(proxy.goals, [`${PUBLIC}:80`], location);
    // It is the address that is refused, not the redirect.
    assert.equal(outside.requests[0]!.headers.get("authorization"), "Bearer canary");
  }
  assert.equal(inside.requests.length, 0);
});

Deno.test("registry transport: a public redirect is followed, without credentials", async () => {
  await using other = await faultServer(HELLO);
  await using server = await faultServer(redirect("http://9.9.9.9:81/blob"));
  await using proxy = await connectProxy((goal) =>
    goal === `${PUBLIC}:80` ? server.port : other.port
  );
  const proxies = { http: `127.0.0.1:${proxy.port}` };
  const options = { proxies, publicAddressesOnly: true };
  assert.equal(await get(`http://${PUBLIC}/`, options), "200 hello");
  assert.deepEqual(proxy.goals, [`${PUBLIC}:80`, "9.9.9.9:81"]);
  assert.equal(other.requests[0]!.headers.get("authorization"), null);
});
