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
  type CommitReport,
  diffImages,
  MemoryStore,
  openStore,
  packDirectory,
  unpackImage,
} from "../../mod.ts";
import type { ApiCall } from "../helpers/api_process.ts";
import { UnprivilegedUser } from "../helpers/api_runner.ts";
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

requiringTest(
  ["linux", "root", "mount"],
  "commit: with index=on, a changed file that the base's names show too is refused",
  async () => {
    using folder = new TempFolder();
    const source = folder.tree("tree", { "a": "one file", "alone": "another" });
    await Deno.link(`${source}/a`, `${source}/b`);
    const base = folder.file("base.fl");
    await packDirectory(source, { meta: base, store: `dir://${folder.file("blocks")}` });
    using overlay = new OverlayMount(source, folder.tree("overlay"), ["index=on"]);
    const { merged, upper } = overlay;
    const meta = folder.file("new.fl");
    const plain = folder.file("plain.fl");
    const assertSame = async (): Promise<void> => {
      await commitOverlay(upper, { base, meta });
      await packDirectory(merged, { meta: plain, store: new MemoryStore() });
      const { added, removed, changed } = await diffImages(plain, meta);
      assert.deepEqual([added, removed, changed], [[], [], []]);
    };
    await Deno.writeTextFile(`${merged}/alone`, "changed");
    await assertSame();
    await Deno.writeTextFile(`${merged}/a`, "changed");
    assert.equal(await Deno.readTextFile(`${merged}/b`), "changed");
    await assert.rejects(commitOverlay(upper, { base, meta }), /Cannot commit a: .*index=on/);
    // As soon as all names are in the upper directory, it says all there is to know.
    await Deno.link(`${merged}/b`, `${merged}/c`);
    await assertSame();
    await Deno.remove(`${merged}/b`);
    await assertSame();
  },
);

requiringTest(
  ["linux", "root"],
  "commit: a user without rights has to say what is in there",
  async () => {
    using folder = new TempFolder();
    const user = new UnprivilegedUser(folder.tree("program"));
    await Deno.chmod(folder.path, 0o755);
    const home = folder.tree("home");
    await Deno.chown(home, user.uid, user.uid);
    const base = folder.file("base.fl");
    const store = `dir://${home}/blocks`;
    await packDirectory(folder.tree("tree", { "a": "a" }), { meta: base, store });
    const upper = folder.tree("upper", { "b": "b" });
    const options = { base, meta: `${home}/new.fl`, store, trustBase: true, jobs: 1 };
    const { problem } = await user.run<CommitReport>(["commit", upper, options]);
    assert.match(problem?.message ?? "", /only root can see what an overlay notes there/);
    await new Deno.Command("chown", { args: ["-R", `${user.uid}`, `${home}/blocks`] }).output();
    const call: ApiCall = ["commit", upper, { ...options, userXattrs: true }];
    const { report } = await user.run<CommitReport>(call);
    assert.deepEqual([report?.files, report?.failures], [2, []]);
  },
);
