/**
 * `myfs-tool container --hub` and `myfs jobs`, as processes against a hub: from an image in a registry
 * to a flist that is unpacked by its name.
 */

import assert from "node:assert/strict";
import { myfs, myfsJson, myfsOk, type RunOptions } from "./cli_process.ts";
import { HubServer } from "../helpers/hub_server.ts";
import { requiringTest } from "../helpers/require.ts";
import { ImageRegistry, makeImage, randomFile } from "../helpers/made_image.ts";

/** A hub, a registry, and who is signed in. */
async function start(registry: ImageRegistry): Promise<{ hub: HubServer; run: RunOptions }> {
  const hosts = JSON.stringify([registry.host]);
  const hub = await HubServer.start(
    `private_registries = ${hosts}\nplain_http_registries = ${hosts}`,
  );
  const { access_token: token } = await hub.signIn("bob");
  const env = { HOME: hub.folder.path, MYFS_HUB: hub.hubUrl, MYFS_HUB_TOKEN: token };
  return { hub, run: { env } };
}

Deno.test("myfs jobs: a hub converts an image, and its flist is unpacked by its name", async () => {
  const data = randomFile("etc/data", 300_000);
  await using registry = ImageRegistry.start({ "team/app:v1": makeImage([data]) });
  const { hub, run } = await start(registry);
  await using _hub = hub;
  const image = `${registry.host}/team/app:v1`;
  const container = ["container", "--hub", hub.hubUrl, "-i", image];
  const tool = { ...run, program: "myfs_tool" } as const;
  const made = await myfsOk([...container, "--as", "app:1.0", "--public"], tool);
  assert.match(
    made.stdout,
    /^[0-9a-f-]{36} {2}finished {2}bob\/app:1\.0 {2}127\.0\.0\.1:\d+\/team\/app:v1\n$/,
  );
  assert.match(made.stderr, /^converted .* in .*: hub:\/\/127\.0\.0\.1:\d+\/bob\/app:1\.0$/m);
  const target = `${hub.folder.path}/out`;
  await myfsOk(["unpack", "--trust-routes", "-m", `${hub.hubUrl}/bob/app:1.0`, target], run);
  assert.deepEqual(await Deno.readFile(`${target}/etc/data`), data.content);

  const [id] = made.stdout.split(" ");
  const listed = await myfsOk(["jobs", "list", "--state", "finished"], run);
  assert.equal(listed.stdout, made.stdout);
  const shown = await myfsOk(["jobs", "show", id!], run);
  assert.match(shown.stdout, /^flist {5}bob\/app:1\.0$/m);
  const log = await myfsOk(["jobs", "log", id!], run);
  assert.match(log.stdout, /^\S+Z {2}Attempt 1: asks for 127\.0\.0\.1/);
  const { document } = await myfsJson(["jobs", "wait", id!], run);
  assert.equal(document.state, "finished");

  const twice = await myfs([...container, "--as", "app:1.0"], tool);
  assert.equal(twice.code, 1);
  assert.match(twice.stderr, /There is such a flist: bob\/app:1\.0/);
  const again = await myfs([...container, "--as", "app:1.0", "--replace", "--detach"], tool);
  assert.match(again.stdout, /^[0-9a-f-]{36}\n$/);
  await myfsOk(["jobs", "wait", again.stdout.trim()], run);
});

requiringTest(
  ["root", "fuse"],
  "myfs jobs: what a hub made of an image is mounted by its name",
  async () => {
    const data = randomFile("etc/data", 300_000);
    await using registry = ImageRegistry.start({ "app:v1": makeImage([data]) });
    const { hub, run } = await start(registry);
    await using _hub = hub;
    const image = `${registry.host}/app:v1`;
    const tool = { ...run, program: "myfs_tool" } as const;
    await myfsOk(["container", "--hub", hub.hubUrl, "-i", image, "--as", "app:v1"], tool);
    const target = hub.folder.tree("mnt");
    const mount = ["mount", "--daemon", "--trust-routes", `${hub.hubUrl}/bob/app:v1`, target];
    await myfsOk(mount, run);
    try {
      assert.deepEqual(await Deno.readFile(`${target}/etc/data`), data.content);
      assert.match(await Deno.readTextFile(`${target}/.startup.toml`), /name = "\/bin\/true"/);
    } finally {
      await myfsOk(["umount", target], run);
    }
  },
);

Deno.test("myfs jobs: what failed says why, and is started again with credentials", async () => {
  await using registry = ImageRegistry.start({
    "app:v1": makeImage([{ name: "a", content: "a" }]),
  });
  registry.authorization = `Basic ${btoa("reader:pass")}`;
  const { hub, run } = await start(registry);
  await using _hub = hub;
  const container = ["container", "--hub", hub.hubUrl, "-i", `${registry.host}/app:v1`];
  const tool = { ...run, program: "myfs_tool" } as const;
  const denied = await myfs(container, tool);
  assert.equal(denied.code, 1);
  assert.match(denied.stderr, /it wants credentials/);
  const [, id] = /myfs jobs retry ([0-9a-f-]{36})/.exec(denied.stderr)!;
  const env = { ...run.env, MYFS_REGISTRY_PASSWORD: "pass" };
  const retried = await myfsOk(["jobs", "retry", id!, "--username", "reader"], { env });
  assert.match(retried.stdout, / finished /);
  assert.equal((await myfs(["jobs", "retry", id!], run)).code, 1);
  assert.equal((await myfs(["jobs", "show", "none"], run)).code, 10);
  const canceled = await myfsOk(["jobs", "cancel", id!], run);
  // One that has ended stays as it is.
  assert.match(canceled.stdout, / finished /);
});

Deno.test("myfs-tool container: what means nothing to a hub, or nothing without, is refused", async () => {
  const cases: [args: string[], message: RegExp][] = [
    [["--hub", "hub://127.0.0.1:1", "-s", "dir:///x"], /--hub excludes --store/],
    [["--hub", "hub://127.0.0.1:1", "--plain-http"], /--hub excludes --plain-http/],
    [["--hub", "hub://127.0.0.1:1", "--public", "--private"], /exclude each other/],
    [["-s", "dir:///x", "--replace"], /--replace goes with --hub/],
  ];
  for (const [args, message] of cases) {
    const { code, stderr } = await myfs(["container", "-i", "nginx", ...args], {
      program: "myfs_tool",
    });
    assert.equal(code, 2, stderr);
    assert.match(stderr, message);
  }
});
