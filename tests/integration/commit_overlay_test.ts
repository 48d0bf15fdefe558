/**
 * Goal: a commit gives what the overlay showed. Method: a tree with every oddity is packed and
 * unpacked; overlays of the kernel over it are changed in every way, and what they show is compared,
 * by programs that share no code with myfs, with what comes out of the committed image.
 *
 * @module
 */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import {
  checkImage,
  cloneImage,
  commitOverlay,
  diffImages,
  MemoryStore,
  openStore,
  packDirectory,
  unpackImage,
} from "../../mod.ts";
import { FaultyStore } from "../helpers/faulty_store.ts";
import { buildOddTree } from "../helpers/odd_tree.ts";
import { OverlayMount } from "../helpers/overlay_mount.ts";
import { requiringTest } from "../helpers/require.ts";
import { TempFolder } from "../helpers/temp_folder.ts";
import { assertSameDump, dumpTree } from "../helpers/tree_dump.ts";

const MOUNTS: Readonly<Record<string, readonly string[]>> = {
  "plain": ["redirect_dir=off", "metacopy=off", "index=off"],
  "redirect_dir and metacopy": ["redirect_dir=on", "metacopy=on", "index=off"],
  "userxattr": ["userxattr"],
};

function changeOddTree(path: string): void {
  const script = fileURLToPath(new URL("../helpers/odd_changes.py", import.meta.url));
  const { success, stderr } = new Deno.Command("python3", { args: [script, path] }).outputSync();
  assert.ok(success, new TextDecoder().decode(stderr));
}

/**
 * The dump of an overlay. A file of the lower directory that has lost its other names still counts
 * them there; as one name alone, it is no hard link.
 */
function dumpOverlay(path: string): string[] {
  const lines = dumpTree(path);
  const linksOf = (line: string): string =>
    / links=(b'(?:[^'\\]|\\.)*'|b"[^"]*")/.exec(line)?.[0] ?? "";
  const names = Map.groupBy(lines, linksOf);
  return lines.map((line) =>
    names.get(linksOf(line))!.length > 1 ? line : line.replace(linksOf(line), "")
  );
}

/** What rsync would change, but for paths and files that are too long or large for it. */
function rsyncDifferences(source: string, target: string): string {
  const args = ["-aHAXn", "--checksum", "--delete", "--modify-window=-1", "--itemize-changes"];
  const { success, stdout, stderr } = new Deno.Command("rsync", {
    args: [...args, "--exclude=/deep", "--exclude=over-4-gib*", `${source}/`, `${target}/`],
  }).outputSync();
  assert.ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

requiringTest(
  ["linux", "root", "mount", "python3", "rsync"],
  "commit: a tree with every oddity, changed in every way",
  async (context) => {
    using folder = new TempFolder();
    const source = folder.file("odd");
    assert.deepEqual(buildOddTree(source).missing, []);
    const base = folder.file("base.fl");
    await packDirectory(source, { meta: base, store: `dir://${folder.file("blocks")}` });
    const lower = folder.file("lower");
    await unpackImage(base, lower, { preserveOwnership: true });

    for (const [name, options] of Object.entries(MOUNTS)) {
      await context.step(name, async () => {
        const place = folder.tree(name.replaceAll(" ", "-"));
        const blocks = `dir://${place}/blocks`;
        await cloneImage(base, { target: `${place}/base.fl`, store: blocks });
        using overlay = new OverlayMount(lower, place, options);
        changeOddTree(overlay.merged);
        const wanted = dumpOverlay(overlay.merged);
        const plain = `${place}/plain.fl`;
        await packDirectory(overlay.merged, { meta: plain, store: new MemoryStore() });

        const meta = `${place}/new.fl`;
        const counting = new FaultyStore(await openStore([blocks]));
        const report = await commitOverlay(overlay.upper, { base, meta, store: counting });
        assert.deepEqual(report.failures, []);
        assert.deepEqual(report.losses, [
          {
            what: "entry of the base that an overlay takes for a whiteout",
            count: 1,
            examples: ["special/zero"],
          },
        ]);
        const { added, removed, changed } = await diffImages(plain, meta);
        assert.deepEqual({ added, removed, changed }, { added: [], removed: [], changed: [] });
        assert.deepEqual([counting.calls.get, counting.calls.put], [0, report.blocksStored]);
        assert.equal((await checkImage(meta, { store: counting })).blocksOk, report.chunks);
        const difference = await diffImages(base, meta);
        assert.equal(difference.blocksAdded, report.blocksStored);

        const target = `${place}/back`;
        await unpackImage(meta, target, { store: blocks, preserveOwnership: true });
        assert.equal(rsyncDifferences(overlay.merged, target), "");
        assertSameDump(dumpTree(target), wanted);

        overlay.unmount();
        const again = `${place}/again.fl`;
        const second = await commitOverlay(overlay.upper, { base, meta: again, store: blocks });
        assert.equal(second.blocksStored, 0);
        await commitOverlay(overlay.upper, { base, meta, store: blocks, jobs: 1 });
        assert.deepEqual(await Deno.readFile(again), await Deno.readFile(meta));
      });
    }
  },
);
