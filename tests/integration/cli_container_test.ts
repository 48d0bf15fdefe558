/**
 * Goal: `myfs-tool container` and `image inspect` do what their options say, and report it as
 * documented. Method: images made by hand, in layouts and behind servers that follow a script. What real
 * registries and programs do is tested in `oci_sources_test.ts`.
 */

import assert from "node:assert/strict";
import { makeCertificates } from "../helpers/certificates.ts";
import { connectProxy } from "../helpers/connect_proxy.ts";
import {
  type FaultAnswer,
  type FaultRequest,
  faultServer,
  type FaultServerOptions,
} from "../helpers/fault_server.ts";
import { writeLayout } from "../helpers/oci_layout.ts";
import { requiringTest } from "../helpers/require.ts";
import { makeLayer } from "../helpers/tar_maker.ts";
import { myfs, myfsJson, myfsOk, type RunOptions, Workplace } from "./cli_process.ts";

const BASE = makeLayer({ name: "etc/motd", content: "Welcome!\n" });
const IMAGE = {
  layers: [BASE, makeLayer({ name: "app", content: "app" })],
  config: { Cmd: ["/x"] },
};
const OTHER = { layers: [BASE, makeLayer({ name: "app", content: "arm" })], architecture: "arm64" };

/** Runs the program without the credentials of whoever runs the tests. */
function tool({ path, options }: Workplace, env: Record<string, string> = {}): RunOptions {
  const nowhere = { DOCKER_CONFIG: path, XDG_CONFIG_HOME: path, XDG_RUNTIME_DIR: path };
  return { ...options, program: "myfs_tool", env: { ...options.env, ...nowhere, ...env } };
}

/** A registry that has what lies in a layout; `guard` may answer instead. */
async function serveLayout(
  layout: string,
  guard: (request: FaultRequest) => FaultAnswer | undefined = () => undefined,
  options: FaultServerOptions = {},
): ReturnType<typeof faultServer> {
  const { manifests } = JSON.parse(await Deno.readTextFile(`${layout}/index.json`));
  const [{ digest, mediaType }] = manifests;
  return await faultServer(async (request) => {
    const refused = guard(request);
    if (refused !== undefined) return refused;
    const match = /^\/v2\/app\/(manifests|blobs)\/(?:(v1)|sha256:([0-9a-f]{64}))$/.exec(
      request.target,
    );
    if (match === null) return { kind: "http", status: 404 };
    const hex = match[3] ?? digest.slice("sha256:".length);
    const body = await Deno.readFile(`${layout}/blobs/sha256/${hex}`);
    return match[1] === "blobs"
      ? { kind: "http", body }
      : { kind: "http", body, headers: { "Content-Type": mediaType } };
  }, options);
}

Deno.test("container: one flist, or one for each platform, with the image's identity in its tags", async () => {
  await using place = await Workplace.create();
  const { manifests, configs } = await writeLayout(`${place.path}/layout`, "v1", IMAGE, OTHER);
  const args = ["container", "-i", "oci:layout:v1", "-s", place.store()];
  const one = await myfsOk([...args, "-m", "arm.fl", "--platform", "linux/arm64"], tool(place));
  assert.equal(one.stdout, "");
  assert.match(one.stderr, /^Packed oci:layout:v1 into arm\.fl in /);
  assert.match(one.stderr, /\n {2}image {4}linux\/arm64, 2 layers, \d+ B\n$/);

  const { code, document } = await myfsJson(
    [...args, "-m", "all.fl", "--all-platforms"],
    tool(place),
  );
  assert.equal(code, 0);
  const images = document["images"] as Record<string, unknown>[];
  assert.deepEqual(
    images.map(({ platform, layers, layersKnown }) => [platform, layers, layersKnown]),
    [["linux/amd64", 2, 1], ["linux/arm64", 2, 2]],
  );
  assert.deepEqual(
    images.map(({ manifestDigest }) => manifestDigest),
    manifests.map(({ digest }) => digest),
  );
  assert.deepEqual(
    await Deno.readFile(`${place.path}/all.linux-arm64.fl`),
    await Deno.readFile(`${place.path}/arm.fl`),
  );

  const inspected = await myfsJson(["flist", "inspect", "all.linux-amd64.fl"], place.options);
  assert.deepEqual(inspected.document["tags"], {
    "oci.config": new TextDecoder().decode(configs[0]),
    "oci.manifest": manifests[0]!.digest,
  });
  const text = await myfsOk(["flist", "inspect", "arm.fl"], place.options);
  assert.match(text.stdout, new RegExp(`^tag {6}oci\\.manifest=${manifests[1]!.digest}$`, "m"));

  const again = await myfsOk([...args, "-m", "all.fl", "--platform", "linux/amd64"], tool(place));
  assert.match(again.stderr, /2 layers, \d+ B; 2 packed before\n/);
  assert.match(again.stderr, /reused {3}\d blocks? of layers that were packed before\n/);
  const wrong = await myfs([...args, "--platform", "linux/arm64", "--all-platforms"], tool(place));
  assert.equal(wrong.code, 2);
  const none = await myfs([...args, "--platform", "linux/s390x"], tool(place));
  assert.equal(none.code, 10);
  assert.match(none.stderr, /hint: .*linux\/amd64, linux\/arm64/);
});

Deno.test("container: names that cannot be read or found, and limits, end with their exit code", async () => {
  await using place = await Workplace.create();
  await writeLayout(`${place.path}/layout`, "v1", IMAGE);
  const cases: readonly (readonly [args: readonly string[], code: number, says: RegExp])[] = [
    [["-i", ""], 2, /name of an image/],
    [["-i", "nginx:a:b"], 2, /name of an image/],
    [["-i", "oci:layout:no"], 10, /hint: .*v1/],
    [["-i", "oci:nowhere:v1"], 10, /nowhere/],
    [["-i", "docker-archive:layout/index.json"], 11, /no tar archive/],
    [
      ["-i", "oci:layout:v1", "--entries-max", "1"],
      1,
      /with it, there are more than 1 entries\nhint: .*--entries-max/,
    ],
    [["-i", "oci:layout:v1", "--plain-bytes-max", "600"], 1, /--plain-bytes-max/],
    [["-i", "oci:layout:v1", "--ratio-max", "0"], 2, /--ratio-max/],
    [[], 2, /--image-name/],
  ];
  for (const [args, code, says] of cases) {
    const all = ["container", ...args, "-m", "a.fl", "-s", place.store()];
    const { code: found, stderr } = await myfs(all, tool(place));
    assert.equal(found, code, `${args}: ${stderr}`);
    assert.match(stderr, says);
  }
  const names = await Array.fromAsync(Deno.readDir(place.path), ({ name }) => name);
  assert.ok(!names.some((name) => name.includes(".fl")), `${names}`);
});

Deno.test("image inspect: credentials come from a helper program that Docker's file names", async () => {
  await using place = await Workplace.create();
  await writeLayout(`${place.path}/layout`, "v1", IMAGE);
  await using server = await serveLayout(`${place.path}/layout`, ({ headers }) => {
    if (headers.get("authorization") === `Basic ${btoa("bob:pa:ss")}`) return undefined;
    return { kind: "http", status: 401, headers: { "WWW-Authenticate": 'Basic realm="r"' } };
  });
  const host = `127.0.0.1:${server.port}`;
  await place.write({
    // It answers for one server only, as those of Docker do.
    "bin/docker-credential-test":
      `#!/bin/sh\nread -r server\n[ "$1 $server" = "get ${host}" ] || ` +
      `{ echo "credentials not found in native keychain"; exit 1; }\n` +
      `echo '{"ServerURL":"${host}","Username":"bob","Secret":"pa:ss"}'\n`,
    "docker/config.json": JSON.stringify({ credHelpers: { [host]: "test" } }),
    "stored/config.json": JSON.stringify({ credsStore: "test" }),
    "other/config.json": JSON.stringify({ credHelpers: { "other.example": "test" } }),
  });
  await Deno.chmod(`${place.path}/bin/docker-credential-test`, 0o755);
  const inspect = (folder: string, ...more: string[]): ReturnType<typeof myfs> =>
    myfs(
      ["image", "inspect", `${host}/app:v1`, "--plain-http", ...more],
      tool(place, {
        DOCKER_CONFIG: `${place.path}/${folder}`,
        PATH: `${place.path}/bin:${Deno.env.get("PATH")}`,
      }),
    );
  for (const folder of ["docker", "stored"]) {
    const { code, stdout, stderr } = await inspect(folder);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /linux\/amd64: 2 layers/);
  }
  const refused = await inspect("other");
  assert.equal(refused.code, 12);
  assert.match(refused.stderr, /wants credentials\nhint: .*docker login/);
  assert.equal((await inspect("docker", "--anonymous")).code, 12);
});

requiringTest(
  ["openssl"],
  "image inspect: through the environment's proxies, to an authority of one's own",
  async () => {
    await using place = await Workplace.create();
    const { authority, otherHost } = await makeCertificates(place.path);
    await writeLayout(`${place.path}/layout`, "v1", IMAGE);
    const tls = {
      cert: await Deno.readTextFile(otherHost.certificate),
      key: await Deno.readTextFile(otherHost.key),
    };
    await using server = await serveLayout(`${place.path}/layout`, undefined, { tls });
    await using proxy = await connectProxy((goal) =>
      goal === "other.example:443" ? server.port : undefined
    );
    const env = { https_proxy: `http://127.0.0.1:${proxy.port}`, no_proxy: "" };
    const args = ["image", "inspect", "other.example/app:v1"];
    const trusted = await myfs([...args, "--ca", authority], tool(place, env));
    assert.equal(trusted.code, 0, trusted.stderr);
    assert.match(trusted.stdout, /^image {5}other\.example\/app:v1$/m);
    const untrusted = await myfs(args, tool(place, env));
    assert.equal(untrusted.code, 1);
    assert.match(untrusted.stderr, /not trusted/);
    const missing = await myfs([...args, "--ca", "nowhere.pem"], tool(place, env));
    assert.equal(missing.code, 10);
    assert.match(missing.stderr, /nowhere\.pem/);
  },
);
