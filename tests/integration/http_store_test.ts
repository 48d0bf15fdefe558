/**
 * Goal: what was packed into a directory is read back from a web server over it: by the library and
 * by the command line, in both profiles and both layouts of a store, with and without TLS. Method:
 * nginx and python's web server on loopback, a writer that does what rfs does, and trees compared.
 */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { checkImage, editFlist, openImage, packDirectory, unpackImage } from "../../mod.ts";
import { makeCertificates } from "../helpers/certificates.ts";
import { nginxServer } from "../helpers/nginx_server.ts";
import { pythonWebServer } from "../helpers/python_web_server.ts";
import { type Need, requiringTest } from "../helpers/require.ts";
import { HUB_TOKEN, RfsHub } from "../helpers/rfs_hub.ts";
import { TempFolder } from "../helpers/temp_folder.ts";
import type { WebServer } from "../helpers/web_server.ts";
import { myfs, myfsJson, myfsOk, Workplace } from "./cli_process.ts";

const SERVERS: readonly (readonly [Need, (root: string) => Promise<WebServer>])[] = [
  ["nginx", nginxServer],
  ["python3", pythonWebServer],
];

/** A tree of small files, equal ones, and one of several blocks. */
function makeTree(folder: TempFolder): string {
  return folder.tree("tree", {
    "empty": "",
    "small": "hello",
    "again/small": "hello",
    "deep/er/large": crypto.getRandomValues(new Uint8Array(60_000)),
    "several": new Uint8Array(1_500_000).map((_, at) => at * at >> 7),
  });
}

function assertSameFiles(left: string, right: string): void {
  const { success } = new Deno.Command("diff", { args: ["-r", left, right] }).outputSync();
  assert.ok(success, `${left} and ${right} differ`);
}

for (const [need, start] of SERVERS) {
  for (const profile of ["myfs", "rfs"] as const) {
    requiringTest([need], `HTTP store: ${profile} blocks come back through ${need}`, async () => {
      using folder = new TempFolder();
      const source = makeTree(folder);
      const meta = folder.file("a.fl");
      await packDirectory(source, { meta, store: `dir://${folder.file("blocks")}`, profile });
      await using server = await start(folder.file("blocks"));
      const store = server.url;
      await unpackImage(meta, folder.file("copy"), { store });
      assertSameFiles(source, folder.file("copy"));
      for (const presenceOnly of [false, true]) {
        const { blocks, blocksOk } = await checkImage(meta, { store, presenceOnly });
        assert.ok(blocks > 1 && blocksOk === blocks, `${blocksOk} of ${blocks} blocks`);
      }
    });
  }

  requiringTest(
    [need, "python3", "libcrypto"],
    `HTTP store: what rfs packed into the old flat layout comes back through ${need}`,
    async () => {
      using folder = new TempFolder();
      const source = makeTree(folder);
      const script = fileURLToPath(new URL("../helpers/rfs_tools.py", import.meta.url));
      const blocks = folder.tree("blocks");
      const args = [script, "write", source, folder.file("rfs.fl"), blocks, "flat"];
      assert.ok((await new Deno.Command("python3", { args }).output()).success);
      await using server = await start(blocks);
      await unpackImage(folder.file("rfs.fl"), folder.file("copy"), { store: server.url });
      assertSameFiles(source, folder.file("copy"));
    },
  );
}

requiringTest(["nginx"], "HTTP store: missing blocks are told", async () => {
  using folder = new TempFolder();
  const meta = folder.file("a.fl");
  const store = `dir://${folder.file("blocks")}`;
  await packDirectory(makeTree(folder), { meta, store });
  for (const name of folder.names("blocks").slice(1)) {
    await Deno.remove(`${folder.file("blocks")}/${name}`, { recursive: true });
  }
  await using server = await nginxServer(folder.file("blocks"));
  const report = await checkImage(meta, { store: server.url, presenceOnly: true });
  assert.ok(report.missing.length > 0);
  assert.equal(report.missing.length, report.blocks - report.blocksOk);
});

requiringTest(["nginx"], "HTTP store: the command line reads from it", async () => {
  await using place = await Workplace.create(async (place) => {
    await place.write({ "tree/a": "content of a\n", "tree/deep/b": "b" });
    await myfsOk(["pack", "-q", "-m", "a.fl", "-s", place.store(), "tree"], place.options);
  });
  await using server = await nginxServer(place.path, {
    directives: `location /open { alias ${place.path}/blocks; }
      location /closed { alias ${place.path}/blocks; auth_basic b; auth_basic_user_file users; }`,
  });
  const store = `${server.url}/open`;
  const cat = await myfsOk(["flist", "cat", "-s", store, "a.fl", "a"], place.options);
  assert.equal(cat.stdout, "content of a\n");
  await myfsOk(["check", "-s", store, "a.fl"], place.options);
  await myfsOk(["unpack", "-q", "-s", store, "-m", "a.fl", "out"], place.options);
  assertSameFiles(`${place.path}/tree`, `${place.path}/out`);

  const closed = `${server.url.replace("//", "//user:s3cr3t@")}/closed`;
  const denied = await myfs(["check", "-s", closed, "a.fl"], place.options);
  assert.equal(denied.code, 12, denied.stderr);
  assert.ok(!denied.stderr.includes("s3cr3t"), denied.stderr);

  const pack = ["pack", "-m", "b.fl", "-s", store, "tree"];
  const { code, document } = await myfsJson(pack, place.options);
  assert.equal(code, 12);
  assert.equal((document["error"] as { code: string }).code, "store_denied");
  await assert.rejects(Deno.stat(`${place.path}/b.fl`), Deno.errors.NotFound);
});

requiringTest(["nginx"], "HTTP store: a foreign flist is not followed here by name", async () => {
  using folder = new TempFolder();
  const meta = folder.file("a.fl");
  await packDirectory(makeTree(folder), { meta, store: `dir://${folder.file("blocks")}` });
  await using server = await nginxServer(folder.file("blocks"));
  for (const host of ["localhost", "127.0.0.1", "[::1]"]) {
    const url = `http://${host}:${server.port}`;
    await editFlist(meta, (editor) => editor.replaceRoutes([{ start: 0, end: 255, url }]));
    await assert.rejects(unpackImage(meta, folder.file("out"), { trustRoutes: false }), {
      code: "untrusted_route",
      url,
    });
  }
  // A route that is trusted is followed.
  const url = `http://localhost:${server.port}`;
  await editFlist(meta, (editor) => editor.replaceRoutes([{ start: 0, end: 255, url }]));
  await unpackImage(meta, folder.file("out"), { trustRoutes: true });
  assertSameFiles(folder.file("tree"), folder.file("out"));
});

requiringTest(["nginx", "openssl"], "HTTP store: TLS, where the authority is known", async () => {
  using certificates = new TempFolder();
  const made = await makeCertificates(certificates.path);
  await using place = await Workplace.create(async (place) => {
    await place.write({ "tree/a": "content of a\n" });
    await myfsOk(["pack", "-q", "-m", "a.fl", "-s", place.store(), "tree"], place.options);
  });
  const env = { ...place.options.env, NODE_EXTRA_CA_CERTS: made.authority };
  const cat = async (tls: typeof made.good, host: string): ReturnType<typeof myfs> => {
    await using server = await nginxServer(`${place.path}/blocks`, { tls });
    const store = `https://${host}:${server.port}`;
    return await myfs(["flist", "cat", "-s", store, "a.fl", "a"], { ...place.options, env });
  };
  for (const host of ["localhost", "127.0.0.1"]) {
    const { code, stdout, stderr } = await cat(made.good, host);
    assert.equal(code, 0, stderr);
    assert.equal(stdout, "content of a\n");
  }
  const wrong = await cat(made.otherHost, "localhost");
  assert.notEqual(wrong.code, 0);
  assert.match(wrong.stderr, /certificate is for another name/);
});

Deno.test("hub store: a tree of the rfs profile goes to a hub and comes back", async () => {
  using folder = new TempFolder();
  await using hub = await RfsHub.start();
  const source = makeTree(folder);
  const meta = folder.file("a.fl");
  const store = `server://http://${hub.host}`;
  const written = `${store}?token=${HUB_TOKEN}`;
  await packDirectory(source, { meta, store: written, profile: "rfs" });
  await using image = await openImage(meta);
  assert.deepEqual(image.routes.map(({ url }) => url), [store]);
  await unpackImage(meta, folder.file("copy"));
  assertSameFiles(source, folder.file("copy"));
  // A flist of the myfs profile has ids that the hub does not make: the pack ends at once.
  const other = packDirectory(source, { meta: folder.file("b.fl"), store: written });
  await assert.rejects(other, { code: "unsupported" });
});
