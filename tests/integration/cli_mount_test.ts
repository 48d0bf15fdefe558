/**
 * Goal: the commands around mounts do what they say, and leave nothing behind however they end.
 * Method: the commands as processes, and the kernel's table of mounts.
 */

import assert from "node:assert/strict";
import { findMount } from "../../lib/fuse/mount_table.ts";
import { unmount } from "../../lib/fuse/unmount.ts";
import { requiringTest } from "../helpers/require.ts";
import { until } from "../helpers/until.ts";
import { finish, myfs, myfsJson, myfsOk, startMyfs, Workplace } from "./cli_process.ts";

/** A place with a packed tree and a directory to mount on, which is free in the end. */
async function mountPlace(): Promise<Workplace> {
  const place = await Workplace.create(async (place) => {
    await place.write({ "tree/a.txt": "content", "tree/sub/b.txt": "more" });
    await Deno.mkdir(`${place.path}/mnt`);
    await myfsOk(["pack", "--meta", "a.fl", "--store", place.store(), "tree"], place.options);
  });
  const dispose = place[Symbol.asyncDispose].bind(place);
  place[Symbol.asyncDispose] = async () => {
    await unmount(`${place.path}/mnt`, { lazy: true });
    await dispose();
  };
  return place;
}

const isMounted = async (place: Workplace): Promise<boolean> =>
  await findMount(`${place.path}/mnt`) !== undefined;

/** A mount command in the foreground that is given up to end itself. */
async function startMount(place: Workplace): Promise<Deno.ChildProcess> {
  const child = startMyfs(["mount", "--meta", "a.fl", "./mnt"], place.options);
  await until(() => isMounted(place));
  return child;
}

for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
  requiringTest(["root", "fuse"], `mount: ${signal} unmounts, also while it is used`, async () => {
    await using place = await mountPlace();
    const child = await startMount(place);
    using file = await Deno.open(`${place.path}/mnt/sub/b.txt`);
    assert.equal(await Deno.readTextFile(`${place.path}/mnt/a.txt`), "content");
    assert.ok(file.readable);
    child.kill(signal);
    const result = await finish(child);
    assert.equal(result.code, code, result.stderr);
    assert.match(result.stderr, /a\.fl is mounted on \.\/mnt\n/);
    assert.equal(await isMounted(place), false);
  });
}

requiringTest(["root", "fuse"], "umount: ends the mount, and the command ends well", async () => {
  await using place = await mountPlace();
  const child = await startMount(place);
  const { document } = await myfsJson(["mounts"], place.options);
  const mounts = document.mounts as { target: string; meta: string; state: string }[];
  const [mine] = mounts.filter(({ target }) => target === `${place.path}/mnt`);
  assert.equal(mine?.meta, `${place.path}/a.fl`);
  assert.equal(mine?.state, "serving");
  await myfsOk(["umount", "mnt"], place.options);
  assert.equal((await finish(child)).code, 0);
  assert.equal(await isMounted(place), false);
  const again = await myfs(["umount", "mnt"], place.options);
  assert.equal(again.code, 10, again.stderr);
});

requiringTest(["root", "fuse"], "mount --daemon: returns when the mount answers", async () => {
  await using place = await mountPlace();
  await myfsOk(["mount", "--daemon", "--log", "log", "a.fl", "mnt"], place.options);
  assert.equal(await Deno.readTextFile(`${place.path}/mnt/a.txt`), "content");
  await myfsOk(["umount", "mnt"], place.options);
  assert.equal(await isMounted(place), false);
  assert.equal(await Deno.readTextFile(`${place.path}/log`), "");
});

requiringTest(["root", "fuse"], "mount --daemon: says why there is no mount", async () => {
  await using place = await mountPlace();
  const missing = await myfs(["mount", "--daemon", "b.fl", "mnt"], place.options);
  assert.equal(missing.code, 10);
  assert.match(missing.stderr, /b\.fl/);
  const noTarget = await myfs(["mount", "--daemon", "a.fl", "nowhere"], place.options);
  assert.equal(noTarget.code, 1);
  assert.match(noTarget.stderr, /Cannot mount on nowhere: it does not exist/);
});

requiringTest(["root", "fuse"], "umount: removes what a killed process left", async () => {
  await using place = await mountPlace();
  const child = await startMount(place);
  assert.equal(await Deno.readTextFile(`${place.path}/mnt/a.txt`), "content");
  child.kill("SIGKILL");
  await finish(child);
  const { document } = await myfsJson(["mounts"], place.options);
  const mounts = document.mounts as { target: string; state: string }[];
  assert.equal(mounts.find(({ target }) => target === `${place.path}/mnt`)?.state, "dead");
  const again = await myfs(["mount", "a.fl", "mnt"], place.options);
  assert.equal(again.code, 1);
  assert.match(again.stderr, /an earlier mount whose program has died is still there/);
  await myfsOk(["umount", "mnt"], place.options);
  assert.equal(await isMounted(place), false);
});
