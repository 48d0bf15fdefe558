/**
 * Long-lived processes: a program that packs and unpacks again and again keeps no file open.
 *
 * @module
 */

import assert from "node:assert/strict";
import { checkImage, MemoryStore, openImage, packDirectory, unpackImage } from "../../mod.ts";
import { requiringTest } from "../helpers/require.ts";
import { TempFolder } from "../helpers/temp_folder.ts";

/** Descriptors of this process that lead into the folder. */
function openIn(folder: TempFolder): string[] {
  const found: string[] = [];
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    try {
      const path = Deno.readLinkSync(`/proc/self/fd/${name}`);
      if (path.startsWith(folder.path)) found.push(path);
    } catch {
      // The descriptor of the listing itself.
    }
  }
  return found;
}

requiringTest(
  ["linux"],
  "descriptors: none stays open, whether work succeeds, fails or is stopped",
  async () => {
    using folder = new TempFolder();
    const files = { "a/b/c/d": "deep", "a/x": "x", "large": new Uint8Array(3_000_000).fill(1) };
    const source = folder.tree("tree", files);
    const meta = folder.file("a.fl");
    const store = `dir://${folder.file("blocks")}`;
    await packDirectory(source, { meta, store, jobs: 2 });
    assert.deepEqual(openIn(folder), [], "after a pack");
    await unpackImage(meta, folder.file("out"), { jobs: 2 });
    assert.deepEqual(openIn(folder), [], "after an unpack");
    await checkImage(meta, { jobs: 2 });
    assert.deepEqual(openIn(folder), [], "after a check");
    {
      await using image = await openImage(meta);
      await image.readFile("large");
    }
    assert.deepEqual(openIn(folder), [], "after reading");

    const stopping = {
      onProgress: () => {
        throw new Error("stop");
      },
      jobs: 2,
    };
    await assert.rejects(packDirectory(source, { meta, store: new MemoryStore(), ...stopping }));
    await assert.rejects(unpackImage(meta, folder.file("out"), stopping));
    for (const phase of ["store", "finish"]) {
      const controller = new AbortController();
      const onProgress = (event: { phase: string }) => {
        if (event.phase === phase) controller.abort(new Error("stop"));
      };
      const { signal } = controller;
      await assert.rejects(packDirectory(source, { meta, store, signal, onProgress }), /stop/);
    }
    for (const phase of ["write", "finish"]) {
      const controller = new AbortController();
      const onProgress = (event: { phase: string }) => {
        if (event.phase === phase) controller.abort(new Error("stop"));
      };
      const { signal } = controller;
      await assert.rejects(unpackImage(meta, folder.file("new"), { signal, onProgress }), /stop/);
    }
    await Deno.writeTextFile(folder.file("no directory"), "");
    await assert.rejects(unpackImage(meta, folder.file("no directory")));
    await assert.rejects(packDirectory(folder.file("missing"), { meta, store }));
    assert.deepEqual(openIn(folder), [], "after failures");
  },
);
