/**
 * Directories at a hub, of today's kind and of rfs's: each file by itself, or all as an image.
 */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { connectHub, type HubClient } from "../../../../lib/hub_api/hub_client.ts";
import { parseHubFlist } from "../../../../lib/hub_api/hub_address.ts";
import { FlistReader } from "../../../../lib/flist/flist_reader.ts";
import { downloadFile } from "../../../../lib/hub_api/transfer.ts";
import {
  downloadTree,
  uploadDirectory,
  uploadTree,
} from "../../../../lib/image/hub_directories.ts";
import { HubServer } from "../../../helpers/hub_server.ts";
import { HUB_TOKEN, RfsHub } from "../../../helpers/rfs_hub.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";

const FILES = { "a.txt": "one", "b/c.txt": "two", "b/d.txt": "", "b/same.txt": "one" };

/** A place with a tree, and a client of a hub where it may write. */
async function place(kind: "today's" | "rfs's"): Promise<{
  readonly folder: TempFolder;
  readonly tree: string;
  readonly client: HubClient;
  [Symbol.asyncDispose](): Promise<void>;
}> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(new TempFolder());
  const tree = folder.tree("tree", FILES);
  await Deno.symlink("a.txt", `${tree}/link`);
  let client: HubClient;
  if (kind === "rfs's") {
    const hub = stack.use(await RfsHub.start());
    client = await connectHub(`hub://${hub.host}`, { token: HUB_TOKEN, retries: 0 });
  } else {
    const hub = stack.use(await HubServer.start());
    const { access_token: token } = await hub.signIn("bob");
    client = await connectHub(hub.hubUrl, { token, retries: 0 });
  }
  const kept = stack.move();
  return { folder, tree, client, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

for (const kind of ["today's", "rfs's"] as const) {
  Deno.test(`hub directories: ${kind} hub: each file goes up, and none twice`, async () => {
    await using here = await place(kind);
    const { client, tree, folder } = here;
    const seen: number[] = [];
    const report = await uploadDirectory(client, tree, {
      exclude: ["d.txt"],
      onProgress: ({ entries }) => seen.push(entries),
    });
    assert.deepEqual(report.files.map(({ path }) => path), ["a.txt", "b/c.txt", "b/same.txt"]);
    assert.deepEqual(report.losses, [{ what: "symlink", count: 1, examples: ["link"] }]);
    assert.deepEqual([report.size, report.failures.length], [9, 0]);
    assert.deepEqual(seen, [1, 2, 3]);
    for (const { path, hash, sha256 } of report.files) {
      const text = FILES[path as keyof typeof FILES];
      assert.equal(sha256, createHash("sha256").update(text).digest("hex"));
      await downloadFile(client, hash, folder.file("back"));
      assert.equal(await Deno.readTextFile(folder.file("back")), text);
    }
    assert.equal((await uploadDirectory(client, tree)).sentBytes, 0);
  });

  Deno.test(`hub directories: ${kind} hub: an image goes up and comes back by its hash`, async () => {
    await using here = await place(kind);
    const { client, tree, folder } = here;
    const meta = folder.file("kept.fl");
    const profile = kind === "rfs's" ? "rfs" : "myfs";
    const { hash, pack } = await uploadTree(client, tree, { meta, profile });
    assert.equal(pack.files, 4);
    const target = folder.file("out");
    const unpacked = await downloadTree(client, hash, target);
    assert.deepEqual(unpacked.failures, []);
    for (const [path, text] of Object.entries(FILES)) {
      assert.equal(await Deno.readTextFile(`${target}/${path}`), text);
    }
    assert.equal(await Deno.readLink(`${target}/link`), "a.txt");
    using flist = FlistReader.open(meta);
    const [route] = flist.routes();
    const host = client.hub.base.host;
    assert.equal(route!.url, profile === "rfs" ? `server://http://${host}` : `hub://${host}`);
    await assert.rejects(downloadTree(client, "ab".repeat(32), target), {
      code: "flist_not_found",
    });
  });
}

Deno.test("hub directories: an image has a name, for whom it is meant", async () => {
  await using here = await place("today's");
  const { client, tree, folder } = here;
  const name = parseHubFlist(`${client.hub.name}/bob/tree:1`);
  assert.ok(name.kind === "name");
  const { hash } = await uploadTree(client, tree, { name });
  const stranger = await connectHub(client.hub.name, { retries: 0 });
  const target = folder.file("out");
  for (const flist of ["bob/tree:1", hash]) {
    await assert.rejects(downloadTree(stranger, flist, target), { code: "flist_not_found" });
    await downloadTree(client, flist, target);
  }
  await uploadTree(client, tree, { name, visibility: "public" });
  await downloadTree(stranger, "bob/tree:1", folder.file("theirs"));
  assert.equal(await Deno.readTextFile(folder.file("theirs/b/c.txt")), "two");
  assert.deepEqual(folder.names(), ["out", "theirs", "tree"]);
});

Deno.test("hub directories: a name that is no text is told, and an image keeps it", async () => {
  await using here = await place("today's");
  const { client, tree } = here;
  const code = "import os,sys; open(os.fsencode(sys.argv[1]) + b'/caf\\xe9', 'w').write('x')";
  const { success } = await new Deno.Command("python3", { args: ["-c", code, tree] }).output();
  assert.ok(success);
  const { files, failures } = await uploadDirectory(client, tree);
  assert.equal(files.length, 4);
  assert.deepEqual(failures.map(({ path, code }) => [path, code]), [["caf\\xe9", "unsupported"]]);
  assert.equal((await uploadTree(client, tree)).pack.files, 5);
});

Deno.test("hub directories: a hub that takes nothing ends it at once", async () => {
  await using here = await place("today's");
  const { client, tree } = here;
  const nobody = await connectHub(client.hub.name, { retries: 0 });
  await assert.rejects(uploadDirectory(nobody, tree), { code: "store_denied" });
  await assert.rejects(uploadTree(nobody, tree), { code: "store_denied" });
  const signal = AbortSignal.abort(new Error("enough"));
  await assert.rejects(uploadDirectory(client, tree, { signal }), /^Error: enough/);
  await assert.rejects(uploadTree(client, tree, { signal }), /^Error: enough/);
  await assert.rejects(uploadDirectory(client, `${tree}/missing`), { code: "system" });
});
