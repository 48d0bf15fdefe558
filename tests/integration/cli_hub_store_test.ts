/**
 * The commands with a real hub: what was signed in to is a store, a flist published there is
 * unpacked and mounted by its name, and tokens that end on the way are no matter.
 */

import assert from "node:assert/strict";
import { findMount } from "../../lib/fuse/mount_table.ts";
import { unmount } from "../../lib/fuse/unmount.ts";
import { HUB_PASSWORDS, HubServer } from "../helpers/hub_server.ts";
import { requiringTest } from "../helpers/require.ts";
import {
  finish,
  myfs,
  myfsJson,
  myfsOk,
  type RunOptions,
  startMyfs,
  Workplace,
} from "./cli_process.ts";
import { until } from "../helpers/until.ts";

/** A hub, and a place where alice has signed in and packed a tree to it. */
async function signedIn(hub: HubServer): Promise<{
  readonly place: Workplace;
  readonly run: RunOptions;
  [Symbol.asyncDispose](): Promise<void>;
}> {
  const place = await Workplace.create(async (place) => {
    await place.write({ "tree/motd": "Welcome!\n", "tree/etc/hosts": "127.0.0.1 localhost\n" });
  });
  const run: RunOptions = {
    ...place.options,
    env: {
      ...place.options.env,
      MYFS_CONFIG_DIR: `${place.path}/config`,
      MYFS_HUB_PASSWORD: HUB_PASSWORDS.alice,
    },
  };
  await myfsOk(["login", hub.hubUrl, "--user", "alice"], run);
  await myfsOk(["pack", "--meta", "a.fl", "--store", hub.hubUrl, "tree"], run);
  await myfsOk(["flist", "push", "a.fl", `${hub.hubUrl}/alice/tree:1`], run);
  return { place, run, [Symbol.asyncDispose]: () => place[Symbol.asyncDispose]() };
}

Deno.test("cli hub store: a tree goes to a hub and back by its name, for who is signed in", async () => {
  await using hub = await HubServer.start();
  await using here = await signedIn(hub);
  const { place, run } = here;
  const name = `${hub.hubUrl}/alice/tree:1`;
  await myfsOk(["unpack", name, "out", "--trust-routes"], run);
  assert.equal(await Deno.readTextFile(`${place.path}/out/motd`), "Welcome!\n");
  await myfsOk(["check", name, "--trust-routes"], run);

  const whoami = await myfsOk(["whoami", "--hub", hub.hubUrl], run);
  assert.match(whoami.stdout, /^user +alice at hub:\S+, admin\npermits +read, write, admin\n/);
  assert.match(whoami.stdout, /^stored +\S+ (B|KiB)\nobjects +\d+\n$/m);

  // Somebody who is not signed in neither sees the flist nor may write.
  const nobody = { ...run, env: { ...run.env, MYFS_CONFIG_DIR: `${place.path}/nobody` } };
  assert.equal((await myfs(["unpack", name, "none"], nobody)).code, 10);
  const pack = ["pack", "--meta", "b.fl", "--store", hub.hubUrl, "tree"];
  const denied = await myfs(pack, nobody);
  assert.equal(denied.code, 12, denied.stderr);
  assert.match(denied.stderr, /myfs login/);

  // A script has its token in the environment.
  const made = await myfsOk(
    ["token", "create", "ci", "--scope", "write", "--hub", hub.hubUrl],
    run,
  );
  const script = {
    ...nobody,
    env: { ...nobody.env, MYFS_HUB: hub.hubUrl, MYFS_HUB_TOKEN: made.stdout.trim() },
  };
  await myfsOk(pack, script);
});

Deno.test("cli hub store: an access token that has ended is refreshed by whoever comes first", async () => {
  await using hub = await HubServer.start();
  await using here = await signedIn(hub);
  const { place, run } = here;
  const path = `${place.path}/config/hubs.json`;
  const kept = JSON.parse(await Deno.readTextFile(path));
  const [[key, credential]] = Object.entries<Record<string, string>>(kept) as [
    [string, Record<string, string>],
  ];
  await Deno.writeTextFile(
    path,
    JSON.stringify({ [key]: { ...credential, accessToken: "ended" } }),
  );
  await Deno.writeTextFile(`${place.path}/tree/new`, "new content");
  // Two at once: the refresh token is good for one use, and a second use would end the session.
  await Promise.all(
    ["b.fl", "c.fl"].map((meta) =>
      myfsOk(["pack", "--meta", meta, "--store", hub.hubUrl, "tree"], run)
    ),
  );
  await myfsOk(["pack", "--meta", "d.fl", "--store", hub.hubUrl, "tree"], run);
  const next = JSON.parse(await Deno.readTextFile(path))[key];
  assert.notEqual(next.refreshToken, credential.refreshToken);
});

requiringTest(
  ["root", "fuse"],
  "cli hub store: a flist on a hub is mounted by its name",
  async () => {
    await using hub = await HubServer.start();
    await using here = await signedIn(hub);
    const { place, run } = here;
    const target = `${place.path}/mnt`;
    await Deno.mkdir(target);
    const name = `${hub.hubUrl}/alice/tree:1`;
    const child = startMyfs(["mount", name, "mnt", "--trust-routes"], run);
    try {
      await until(async () => await findMount(target) !== undefined);
      assert.equal(await Deno.readTextFile(`${target}/etc/hosts`), "127.0.0.1 localhost\n");
      // The tag moves on; the mount, and who takes it over, stay with what was mounted.
      await Deno.writeTextFile(`${place.path}/tree/motd`, "Another\n");
      await myfsOk(["pack", "--meta", "b.fl", "--store", hub.hubUrl, "tree"], run);
      await myfsOk(["flist", "push", "b.fl", name], run);
      assert.equal(await Deno.readTextFile(`${target}/motd`), "Welcome!\n");
      await myfsOk(["umount", "mnt"], run);
    } finally {
      await unmount(target, { lazy: true });
      await finish(child);
    }
  },
);

Deno.test("cli hub: directories go up and come back, and blocks are tracked", async () => {
  await using hub = await HubServer.start();
  await using here = await signedIn(hub);
  const { place } = here;
  const run = { ...here.run, env: { ...here.run.env, MYFS_HUB: hub.hubUrl } };
  const listed = await myfsOk(["upload-dir", "tree"], run);
  assert.match(listed.stdout, /^[0-9a-f]{64} {2}etc\/hosts\n[0-9a-f]{64} {2}motd\n$/);
  const [, hash] = /^([0-9a-f]{64}) {2}motd$/m.exec(listed.stdout)!;
  await myfsOk(["download", hash!, "-o", "back"], run);
  assert.equal(await Deno.readTextFile(`${place.path}/back`), "Welcome!\n");
  assert.equal((await myfsOk(["exists", "tree/motd", "-s", hub.url], run)).stdout, "a file\n");
  await Deno.writeTextFile(`${place.path}/other`, "not there");
  assert.equal((await myfs(["exists", "other"], run)).code, 10);
  assert.equal((await myfs(["download", "ab".repeat(32), "-o", "none"], run)).code, 10);

  const image = ["upload-dir", "--create-flist", "--flist-output", "kept.fl", "tree"];
  const { document } = await myfsJson(image, run);
  assert.equal(document.meta, "kept.fl");
  await myfsOk(["download-dir", String(document.hash), "--output", "out"], run);
  assert.equal(await Deno.readTextFile(`${place.path}/out/etc/hosts`), "127.0.0.1 localhost\n");
  await myfsOk(["upload-dir", "--create-flist", "--name", "alice/site", "--public", "tree"], run);
  await myfsOk(["download-dir", "alice/site:latest", "-o", "named"], {
    ...run,
    env: { ...run.env, MYFS_CONFIG_DIR: `${place.path}/nobody` },
  });
  assert.equal(await Deno.readTextFile(`${place.path}/named/motd`), "Welcome!\n");
  for (const args of [["--name", "alice/x"], ["--create-flist", "--public"]]) {
    assert.equal((await myfs(["upload-dir", ...args, "tree"], run)).code, 2);
  }

  const { document: track } = await myfsJson(["track"], run);
  const blocks = (await myfsOk(["track-blocks"], run)).stdout.trimEnd().split("\n");
  assert.equal(blocks.length, track.blocks);
  assert.match(blocks[0]!, /^[0-9a-f]{64} \d+ \d+$/);
  const one = await myfsOk(["track-blocks", blocks[0]!.slice(0, 64)], run);
  assert.equal(one.stdout, `${blocks[0]}\n`);
  assert.equal((await myfs(["track-blocks", "ab".repeat(32)], run)).code, 10);
});
