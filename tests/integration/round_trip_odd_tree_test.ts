/**
 * A tree with every oddity goes into a store and comes back: `odd_tree.py` builds it, `tree_dump.py`
 * and rsync, which share no code with myfs, compare.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  checkImage,
  inspectImage,
  packDirectory,
  type PackReport,
  unpackImage,
  type UnpackReport,
} from "../../mod.ts";
import { UnprivilegedUser } from "../helpers/api_runner.ts";
import { buildOddTree } from "../helpers/odd_tree.ts";
import { requiringTest } from "../helpers/require.ts";
import { TempFolder } from "../helpers/temp_folder.ts";
import { assertSameDump, dumpTree } from "../helpers/tree_dump.ts";

requiringTest(
  ["linux", "root", "python3", "rsync", "cp"],
  "round trip: a tree with every oddity",
  async (context) => {
    using folder = new TempFolder();
    const source = folder.file("odd");
    const built = buildOddTree(source);
    assert.deepEqual(built.missing, [], "the file system of the temporary folder lacks something");
    const wanted = dumpTree(source);
    const meta = folder.file("odd.fl");
    const packed = await packDirectory(source, { meta, store: `dir://${folder.file("blocks")}` });
    assert.deepEqual(packed.failures, []);
    assert.deepEqual(packed.losses, []);
    const checked = await checkImage(meta);
    assert.equal(checked.blocksOk, packed.chunks);
    // Ten gigabytes of the size are holes, which take no space on the way.
    assert.ok(packed.contentBytes > 10 * 2 ** 30 && packed.referencedBytes < 64 * 2 ** 20);

    await context.step("comes back whole to root", async () => {
      const target = folder.file("root");
      const report = await unpackImage(meta, target, { preserveOwnership: true });
      assert.deepEqual(report.failures, []);
      assert.deepEqual(report.losses, []);
      assertSameDump(dumpTree(target), wanted);
      assert.equal(rsyncDifferences(source, target), "");
      const { files, directories, symlinks, specials, hardLinks } = packed;
      const counts = { files, directories, symlinks, specials, hardLinks };
      for (const other of [report, await inspectImage(meta)]) {
        for (const [name, count] of Object.entries(counts)) {
          assert.equal(other[name as keyof typeof counts], count, name);
        }
      }
      await Deno.remove(target, { recursive: true });
    });

    await context.step(
      "belongs to root without preserveOwnership, and runs as nobody",
      async () => {
        const target = folder.file("plain");
        const report = await unpackImage(meta, target);
        assert.deepEqual(report.failures, []);
        assert.deepEqual(report.losses.map(({ what, count }) => [what, count]), [
          ["setuid bit, because the owner is not restored", 1],
          ["setgid bit, because the group is not restored", 1],
        ]);
        const expected = wanted.map((line) =>
          line
            .replace(/^(b'owners\/setuid' file) 6755/, "$1 0755")
            .replace(/^(b(?:'[^']*'|"[^"]*") \S+ \d{4}) \d+:\d+ /, "$1 0:0 ")
        );
        assertSameDump(dumpTree(target), expected);
        await Deno.remove(target, { recursive: true });
      },
    );

    await context.step("comes back to an unprivileged user as far as allowed", async () => {
      const user = new UnprivilegedUser(folder.tree("program"));
      const home = await homeOf(user, folder);
      const target = `${home}/back`;
      const { report } = await user.run<UnpackReport>(["unpack", meta, target, {
        preserveOwnership: true,
        trustRoutes: true,
      }]);
      assert.ok(report !== undefined);
      const before = new Map(wanted.map((line) => [pathOfLine(line), line]));
      const after = new Map(dumpTree(target).map((line) => [pathOfLine(line), line]));
      // Devices are the only entries that are not there, and each is named. (Any user may make 0:0.)
      const isDevice = ([, line]: [string, string]): boolean =>
        / (char|block) .*device=(?!0:0)/.test(line);
      const devices = [...before].filter(isDevice).map(([path]) => path).sort();
      assert.equal(devices.length, 6);
      assert.deepEqual([...before.keys()].filter((path) => !after.has(path)).sort(), devices);
      assert.deepEqual(report.failures.map(({ path }) => `b'${path}'`).sort(), devices);

      const losses = new Map(report.losses.map(({ what, count }) => [what, count]));
      const isOwned = ([path, line]: [string, string]): boolean =>
        ownerOf(line) !== ownerOf(before.get(path)!);
      const owned = [...after].filter(isOwned).map(([, line]) => line);
      assert.equal(losses.get("owner"), countInodes(owned));
      for (const name of ["trusted.root only", "trusted.on link", "trusted.on fifo"]) {
        assert.equal(losses.get(`extended attribute ${name}`), 1, name);
      }
      assert.equal(losses.get("extended attribute security.capability"), 1);
      // Rights that go with an owner are not given away with a file that has another.
      const isLent = ([path, line]: [string, string]): boolean =>
        isOwned([path, line]) && / [4267]\d{3} /.test(before.get(path)!);
      const lent = [...after].filter(isLent);
      assert.ok(lent.length > 5);
      for (const [, line] of lent) assert.match(line, / [01]\d{3} /);
      assert.ok(losses.has("setuid bit, because the owner is not restored"));
      assert.ok(losses.has("setgid bit, because the group is not restored"));
      assert.equal(losses.size, 7);

      // Apart from that, nothing differs.
      const attribute = / xattr:\S*(trusted|747275737465642e|security\.capability)\S*/g;
      const comparable = (line: string): string =>
        line.replace(/ (\d)(\d{3}) \d+:\d+ /, (_, high, low) => ` ${high & 1}${low} `)
          .replace(attribute, "");
      assertSameDump(
        [...after.values()].map(comparable),
        [...before].filter(([path]) => after.has(path)).map(([, line]) => comparable(line)),
      );
    });
  },
);

requiringTest(
  ["linux", "root", "cp"],
  "round trip: what an unprivileged user cannot read is left out and named, and nothing else",
  async () => {
    using folder = new TempFolder();
    const user = new UnprivilegedUser(folder.tree("program"));
    const home = await homeOf(user, folder);
    const source = folder.tree("source", {
      "open": "o",
      "closed": "c",
      "closed large": new Uint8Array(300_000).fill(7),
      "linked": "l",
      "directory/inside": "i",
      "searchable/inside": "s",
      "empty and closed": "",
    });
    await Deno.link(`${source}/linked`, `${source}/linked again`);
    for (const name of ["closed", "closed large", "linked", "empty and closed", "directory"]) {
      await Deno.chmod(`${source}/${name}`, 0);
    }
    await Deno.chmod(`${source}/searchable`, 0o711);
    const meta = `${home}/out.fl`;
    const store = `dir://${home}/blocks`;
    const { report } = await user.run<PackReport>(["pack", source, { meta, store }]);
    assert.ok(report !== undefined);
    assert.deepEqual(
      report.failures.map(({ path, code }) => `${path}: ${code}`).sort(),
      ["closed large", "closed", "directory", "linked", "searchable"].map((path) =>
        `${path}: system`
      ),
    );
    for (const { reason } of report.failures) {
      assert.match(reason, /permission is denied \(EACCES\)/);
    }
    assert.match(report.failures.find(({ path }) => path === "linked")!.reason, /1 further name/);
    await unpackImage(meta, folder.file("back"), { trustRoutes: true });
    assert.deepEqual(folder.names("back"), ["directory", "empty and closed", "open", "searchable"]);
    const { files, hardLinks, contentBytes } = await inspectImage(meta);
    assert.deepEqual(
      { files: report.files, hardLinks: report.hardLinks, contentBytes: report.contentBytes },
      { files, hardLinks, contentBytes },
    );
  },
);

/** What rsync would change, but for paths and files that are too long or large for it. */
function rsyncDifferences(source: string, target: string): string {
  const args = ["-aHAXn", "--checksum", "--delete", "--modify-window=-1", "--itemize-changes"];
  const { success, stdout, stderr } = new Deno.Command("rsync", {
    args: [...args, "--exclude=/deep", "--exclude=over-4-gib*", `${source}/`, `${target}/`],
  }).outputSync();
  assert.ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

async function homeOf(user: UnprivilegedUser, folder: TempFolder): Promise<string> {
  await Deno.chmod(folder.path, 0o755);
  const home = folder.tree("home");
  await Deno.chown(home, user.uid, user.uid);
  return home;
}

function pathOfLine(line: string): string {
  return /^b(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")/.exec(line)![0];
}

function ownerOf(line: string): string {
  return / (\d+:\d+) /.exec(line)![1]!;
}

/** How many inodes `lines` are names of. */
function countInodes(lines: readonly string[]): number {
  const groups = lines.map((line) => / links=(\S.*?)(?: size=| target=|$)/.exec(line)?.[1] ?? line);
  return new Set(groups).size;
}
