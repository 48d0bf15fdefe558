/**
 * A hub and registries in a network of their own, where an address is public that is none of the real
 * network's: to see where a registry that anybody may name can lead a hub. Run it in namespaces for
 * network and mounts; it prints a line of JSON.
 *
 * @module
 */

import { HubServer } from "./hub_server.ts";
import { type MadeImage, makeImage } from "./made_image.ts";
import { runProgram } from "./run_program.ts";
import { TempFolder } from "./temp_folder.ts";
import { until } from "./until.ts";

/** What became of each conversion by the image's name, and who asked what nobody may ask. */
export interface HubNetworkReport {
  readonly outcomes: Readonly<Record<string, string>>;
  /** Requests that came to private addresses. */
  readonly hits: readonly string[];
}

/** An address that is public for the hub. */
const PUBLIC = "11.22.33.44";
const PRIVATE = ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1"];

if (import.meta.main) {
  const report = await run();
  await Deno.stdout.write(new TextEncoder().encode(`${JSON.stringify(report)}\n`));
  Deno.exit(0);
}

async function run(): Promise<HubNetworkReport> {
  using folder = new TempFolder();
  await makeNetwork(folder);
  const hits: string[] = [];
  const privates = PRIVATE.map((hostname) =>
    Deno.serve({ hostname, port: 5000, onListen: () => {} }, ({ url }) => {
      hits.push(url);
      return new Response("secret");
    })
  );
  const image = makeImage([{ name: "etc/motd", content: "hello" }]);
  const registry = Deno.serve(
    { hostname: PUBLIC, port: 5000, onListen: () => {} },
    ({ url }) => answer(new URL(url).pathname, image),
  );
  await using hub = await HubServer.start(
    'plain_http_registries = ["*"]\nconversions_max = 4\nconversions_queued_max = 50',
  );
  const { access_token: token } = await hub.signIn("bob");
  const outcomes: Record<string, string> = {};
  const places = ["127.0.0.1", "10.1.2.3", "169.254.169.254", "%5B%3A%3A1%5D", "inner.example.org"];
  const names = [
    `${PUBLIC}:5000/good`,
    "outer.example.org:5000/good",
    "inner.example.org:5000/good",
    "mixed.example.org:5000/good",
    ...places.flatMap((_, at) =>
      ["blob", "manifest", "token"].map((how) => `${PUBLIC}:5000/${how}${at}`)
    ),
  ];
  const ids = new Map<string, string>();
  for (const image_name of names) {
    ids.set(
      image_name,
      (await hub.ask(201, "POST", "/api/v1/fl", { token, json: { image_name } })).id,
    );
  }
  for (const [name, id] of ids) {
    await until(async () => {
      const { state, error } = await hub.ask(200, "GET", `/api/v1/jobs/${id}`, { token });
      outcomes[name] = error?.code ?? state;
      return state !== "queued" && state !== "running";
    }, 120_000);
  }
  for (const server of [...privates, registry]) await server.shutdown();
  return { outcomes, hits };
}

/** Addresses, and what names stand for. */
async function makeNetwork(folder: TempFolder): Promise<void> {
  await runProgram("ip", "link", "set", "lo", "up");
  for (const address of [PUBLIC, "10.1.2.3", "169.254.169.254"]) {
    await runProgram("ip", "address", "add", `${address}/32`, "dev", "lo");
  }
  const hosts = folder.file("hosts");
  await Deno.writeTextFile(
    hosts,
    `127.0.0.1 localhost\n${PUBLIC} outer.example.org\n10.1.2.3 inner.example.org\n` +
      // A name that is public the first time and private the next is no better than one that is both.
      `${PUBLIC} mixed.example.org\n10.1.2.3 mixed.example.org\n`,
  );
  await runProgram("mount", "--bind", hosts, "/etc/hosts");
}

/** A registry whose images are `good`, or lead elsewhere: `blob2` by its blobs, to the third place. */
function answer(path: string, image: MadeImage): Response {
  const places = ["127.0.0.1", "10.1.2.3", "169.254.169.254", "[::1]", "inner.example.org"];
  const [, how = "", at = "", kind, name = ""] =
    /^\/v2\/([a-z]+)(\d*)\/(manifests|blobs)\/(.+)$/.exec(path) ?? [];
  const there = `http://${places[Number(at)]}:5000/steal`;
  const lead = (): Response => new Response("", { status: 307, headers: { location: there } });
  if (how === "token") {
    const wish = `Bearer realm="${there}",service="x"`;
    return new Response("", { status: 401, headers: { "www-authenticate": wish } });
  }
  if (kind === "manifests") {
    if (how === "manifest") return lead();
    const type = "application/vnd.oci.image.manifest.v1+json";
    return new Response(image.manifest, { headers: { "content-type": type } });
  }
  if (how === "blob") return lead();
  return new Response(image.blobs.get(name) ?? "");
}
