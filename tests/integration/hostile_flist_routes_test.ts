/**
 * Where a flist leads: routes to this machine are followed only where the flist is one's own, or its
 * user says so. Method: flists made in this process, in another one, and changed behind its back.
 *
 * @module
 */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import {
  checkImage,
  cloneImage,
  diffImages,
  editFlist,
  FlistEditor,
  inspectImage,
  openImage,
  packDirectory,
  type PackReport,
  unpackImage,
  UntrustedRouteError,
} from "../../mod.ts";
import { runApi } from "../helpers/api_runner.ts";
import { TempFolder } from "../helpers/temp_folder.ts";

/** A flist that another process made, which left its mark in the folder `state`. */
async function packElsewhere(folder: TempFolder): Promise<string> {
  const meta = folder.file("a.fl");
  const source = folder.tree("tree", { "a": "content" });
  const store = `dir://${folder.file("blocks")}`;
  const stateFolder = folder.file("state");
  const answer = await runApi<PackReport>(["pack", source, { meta, store, stateFolder }]);
  assert.equal(answer.report?.files, 1);
  return meta;
}

/** Every call that would follow the flist's routes. */
function followers(
  folder: TempFolder,
  meta: string,
  options: { trustRoutes?: boolean; stateFolder?: string; store?: string } = {},
): Record<string, () => Promise<unknown>> {
  return {
    unpack: () => unpackImage(meta, folder.file(`out ${crypto.randomUUID()}`), options),
    check: () => checkImage(meta, options),
    presence: () => checkImage(meta, { ...options, presenceOnly: true }),
    clone: async () => {
      const { store: source, ...rest } = options;
      const target = folder.file(`clone ${crypto.randomUUID()}`);
      const from = source === undefined ? {} : { source };
      await cloneImage(meta, { target, store: `dir://${folder.file("other")}`, ...rest, ...from });
    },
    read: async () => {
      await using image = await openImage(meta, options);
      assert.equal(new TextDecoder().decode(await image.readFile("a")), "content");
    },
    stream: async () => {
      await using image = await openImage(meta, options);
      for await (const _part of image.readStream("a"));
    },
  };
}

async function assertFollowed(calls: Record<string, () => Promise<unknown>>): Promise<void> {
  for (const [name, call] of Object.entries(calls)) {
    await assert.doesNotReject(call, name);
  }
}

async function assertRefused(
  calls: Record<string, () => Promise<unknown>>,
  url: string,
): Promise<void> {
  for (const [name, call] of Object.entries(calls)) {
    await assert.rejects(call, (error) => {
      assert.ok(error instanceof UntrustedRouteError, `${name}: ${error}`);
      assert.equal(error.url, url);
      assert.ok(error.message.includes(url));
      assert.match(error.hint!, /--trust-routes.*--store/);
      return true;
    });
  }
}

Deno.test("routes: a flist made elsewhere is not followed to local directories", async () => {
  using folder = new TempFolder();
  const meta = await packElsewhere(folder);
  const url = `dir://${folder.file("blocks")}`;
  await assertRefused(followers(folder, meta), url);
  await assertRefused(followers(folder, meta, { trustRoutes: false }), url);
  await assertRefused(followers(folder, meta, { stateFolder: folder.file("other state") }), url);
  assert.deepEqual(folder.names(), ["a.fl", "blocks", "state", "tree"]);

  await assertFollowed(followers(folder, meta, { trustRoutes: true }));
  await assertFollowed(followers(folder, meta, { store: url }));
  await assertFollowed(followers(folder, meta, { stateFolder: folder.file("state") }));
  const stateFolder = folder.file("state");
  await assertRefused(followers(folder, meta, { trustRoutes: false, stateFolder }), url);
});

Deno.test("routes: looking at a flist needs no trust", async () => {
  using folder = new TempFolder();
  const meta = await packElsewhere(folder);
  assert.equal((await inspectImage(meta)).files, 1);
  assert.deepEqual((await diffImages(meta, meta)).changed, []);
  await using image = await openImage(meta);
  const paths = await Array.fromAsync(image.walk(), ({ path }) => path);
  assert.deepEqual(paths, ["", "a"]);
  assert.equal(image.stat("a").size, 7);
});

Deno.test("routes: what was packed in this process is one's own, a changed copy is not", async () => {
  using folder = new TempFolder();
  const meta = folder.file("a.fl");
  const store = `dir://${folder.file("blocks")}`;
  await packDirectory(folder.tree("tree", { "a": "content" }), { meta, store, jobs: 1 });
  await assertFollowed(followers(folder, meta));
  // Under another name it is still the same flist.
  await Deno.copyFile(meta, folder.file("copy.fl"));
  await assertFollowed(followers(folder, folder.file("copy.fl")));
  {
    using database = new DatabaseSync(folder.file("copy.fl"));
    database.exec(`UPDATE route SET url = 'dir:///etc'`);
  }
  await assertRefused(followers(folder, folder.file("copy.fl")), "dir:///etc");
});

Deno.test("routes: one local route among several is enough to be refused", async () => {
  using folder = new TempFolder();
  const meta = await packElsewhere(folder);
  const local = [
    "dir:///var/lib",
    "http://127.0.0.1:9/x",
    "http://localhost/x",
    "https://[::1]/x",
    "http://192.168.1.1/",
    "http://2130706433/",
    "zdb:///run/zdb.sock",
    "zdb://10.0.0.1:9900/ns",
  ];
  for (const url of local) {
    await editFlist(meta, (editor) =>
      editor.replaceRoutes([
        { start: 0, end: 255, url: "https://example.com/blocks" },
        { start: 0, end: 255, url },
      ]));
    await assert.rejects(checkImage(meta), (error) => {
      assert.ok(error instanceof UntrustedRouteError, `${url}: ${error}`);
      return true;
    });
  }
});

Deno.test("routes: secrets in a refused route are not told", async () => {
  using folder = new TempFolder();
  const meta = await packElsewhere(folder);
  const url = "s3://access:SECRET@127.0.0.1:9000/bucket?token=SECRET";
  await editFlist(meta, (editor) => editor.replaceRoutes([{ start: 0, end: 255, url }]));
  await assert.rejects(checkImage(meta), (error) => {
    assert.ok(error instanceof UntrustedRouteError);
    assert.ok(!`${error.message} ${error.url} ${error.hint} ${error.stack}`.includes("SECRET"));
    return true;
  });
});

Deno.test("routes: an own flist stays own when it is edited or cloned, a foreign one foreign", async () => {
  using folder = new TempFolder();
  const meta = await packElsewhere(folder);
  const url = `dir://${folder.file("blocks")}`;
  const stateFolder = folder.file("state");
  await Deno.copyFile(meta, folder.file("foreign.fl"));

  await editFlist(meta, (editor) => editor.setTag("author", "me"), { stateFolder });
  await assertFollowed(followers(folder, meta, { stateFolder }));
  const clone = folder.file("clone.fl");
  await cloneImage(meta, { target: clone, store: `dir://${folder.file("third")}`, stateFolder });
  await assertFollowed(followers(folder, clone, { stateFolder }));

  const foreign = folder.file("foreign.fl");
  await editFlist(foreign, (editor) => editor.setTag("author", "them"));
  await assertRefused(followers(folder, foreign), url);
  await assertRefused(followers(folder, foreign, { stateFolder }), url);
  // Nor does an editor that leaves no marks make one.
  {
    using editor = FlistEditor.open(meta);
    editor.setTag("author", "somebody");
    editor.finish();
  }
  await assertRefused(followers(folder, meta, { stateFolder }), url);
});
