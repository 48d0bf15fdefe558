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
  ["linux", "root", "python3", "rsync"],
  "round trip: root gets every oddity back",
  async () => {
    using folder = new TempFolder();
    const source = folder.file("odd");
    const built = buildOddTree(source);
    assert.deepEqual(built.missing, [], "the file system of the temporary folder lacks something");
    const meta = folder.file("odd.fl");
    const packed = await packDirectory(source, { meta, store: `dir://${folder.file("blocks")}` });
    assert.deepEqual(packed.failures, []);
    assert.deepEqual(packed.losses, []);

    const target = folder.file("back");
    const unpacked = await unpackImage(meta, target, { preserveOwnership: true });
    assert.deepEqual(unpacked.failures, []);
    assert.deepEqual(unpacked.losses, []);
    assertSameDump(dumpTree(target), dumpTree(source));
    assert.equal(rsyncDifferences(source, target), "");

    const { files, directories, symlinks, specials, hardLinks } = packed;
    const counts = { files, directories, symlinks, specials, hardLinks };
    for (const other of [unpacked, await inspectImage(meta)]) {
      for (const [name, count] of Object.entries(counts)) {
        assert.equal(other[name as keyof typeof counts], count, name);
      }
    }
    const checked = await checkImage(meta);
    assert.equal(checked.blocksOk, packed.chunks);
    // Ten gigabytes of the size are holes, which take no space on the way.
    assert.ok(packed.contentBytes > 10 * 2 ** 30 && packed.referencedBytes < 64 * 2 ** 20);
  },
);

/** What rsync would change, but for paths and files that are too long or large for it. */
function rsyncDifferences(source: string, target: string): string {
  const { success, stdout, stderr } = new Deno.Command("rsync", {
    args: [
      "-aHAXn",
      "--checksum",
      "--delete",
      "--modify-window=-1",
      "--itemize-changes",
      "--exclude=/deep",
      "--exclude=over-4-gib*",
      `${source}/`,
      `${target}/`,
    ],
  }).outputSync();
  assert.ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

requiringTest(
  ["linux", "root", "python3"],
  "round trip: root without preserveOwnership owns all and drops the rights of others",
  async () => {
    using folder = new TempFolder();
    const source = folder.file("odd");
    buildOddTree(source);
    const meta = folder.file("odd.fl");
    await packDirectory(source, { meta, store: `dir://${folder.file("blocks")}` });
    const target = folder.file("back");
    const report = await unpackImage(meta, target);
    assert.deepEqual(report.failures, []);
    assert.deepEqual(report.losses.map(({ what, count }) => [what, count]), [
      ["setuid bit, because the owner is not restored", 1],
      ["setgid bit, because the group is not restored", 1],
    ]);
    const expected = dumpTree(source).map((line) =>
      line
        .replace(/^(b'owners\/setuid' file) 6755/, "$1 0755")
        .replace(/^(b(?:'[^']*'|"[^"]*") \S+ \d{4}) \d+:\d+ /, "$1 0:0 ")
    );
    assertSameDump(dumpTree(target), expected);
  },
);

requiringTest(
  ["linux", "root", "python3"],
  "round trip: an unprivileged user gets all that is allowed, and the rest is named",
  async () => {
    using folder = new TempFolder();
    const user = new UnprivilegedUser(folder.tree("program"));
    Deno.chmodSync(folder.path, 0o755);
    const home = folder.tree("home");
    Deno.chownSync(home, user.uid, user.uid);
    const source = folder.file("odd");
    buildOddTree(source);
    const meta = folder.file("odd.fl");
    await packDirectory(source, { meta, store: `dir://${folder.file("blocks")}` });

    const target = `${home}/back`;
    const { report } = await user.run<UnpackReport>(["unpack", meta, target, {
      preserveOwnership: true,
      trustRoutes: true,
    }]);
    assert.ok(report !== undefined);

    const wanted = new Map(dumpTree(source).map((line) => [pathOfLine(line), line]));
    const found = new Map(dumpTree(target).map((line) => [pathOfLine(line), line]));
    const devices = [...wanted].filter(([, line]) => / (char|block) .*device=(?!0:0)/.test(line))
      .map(([path]) => path);
    assert.equal(devices.length, 6);
    // Devices are the only entries that are not there, and each is named. (Any user may make 0:0.)
    assert.deepEqual([...wanted.keys()].filter((path) => !found.has(path)).sort(), devices.sort());
    assert.deepEqual(
      report.failures.map(({ path }) => `b'${path}'`).sort(),
      devices,
    );
    const losses = new Map(report.losses.map(({ what, count }) => [what, count]));
    const withoutOwner = [...found].filter(([path, line]) =>
      ownerOf(line) !== ownerOf(wanted.get(path)!)
    );
    assert.equal(losses.get("owner"), countInodes(withoutOwner.map(([, line]) => line)));
    for (
      const what of [
        "trusted.root only",
        "trusted.on link",
        "trusted.on fifo",
        "security.capability",
      ]
    ) {
      assert.equal(losses.get(`extended attribute ${what}`), 1, what);
    }
    // Apart from that, nothing differs.
    const attribute = /xattr:\S*(trusted|747275737465642e|security\.capability)\S*/g;
    const comparable = (line: string): string =>
      line.replace(/ \d+:\d+ /, " ").replace(attribute, "").trimEnd();
    assertSameDump(
      [...found.values()].map(comparable),
      [...wanted].filter(([path]) => found.has(path)).map(([, line]) => comparable(line)),
    );
  },
);

requiringTest(
  ["linux", "root", "python3"],
  "round trip: what an unprivileged user cannot read is left out, named, and nothing else",
  async () => {
    using folder = new TempFolder();
    const user = new UnprivilegedUser(folder.tree("program"));
    Deno.chmodSync(folder.path, 0o755);
    const home = folder.tree("home");
    Deno.chownSync(home, user.uid, user.uid);
    const source = folder.tree("source", {
      "open": "o",
      "closed": "c",
      "closed large": new Uint8Array(300_000).fill(7),
      "linked": "l",
      "directory/inside": "i",
      "searchable/inside": "s",
      "empty and closed": "",
    });
    Deno.linkSync(`${source}/linked`, `${source}/linked again`);
    for (const name of ["closed", "closed large", "linked", "empty and closed", "directory"]) {
      Deno.chmodSync(`${source}/${name}`, 0);
    }
    Deno.chmodSync(`${source}/searchable`, 0o711);
    const meta = `${home}/out.fl`;
    const { report } = await user.run<PackReport>(["pack", source, {
      meta,
      store: `dir://${home}/blocks`,
    }]);
    assert.ok(report !== undefined);
    assert.deepEqual(
      report.failures.map(({ path, code }) => `${path}: ${code}`).sort(),
      ["closed large", "closed", "directory", "linked", "searchable"].map((path) =>
        `${path}: system`
      ),
    );
    for (const { reason } of report.failures) assert.match(reason, /EACCES/);
    const target = folder.file("back");
    await unpackImage(meta, target, { trustRoutes: true });
    assert.deepEqual(folder.names("back"), ["directory", "empty and closed", "open", "searchable"]);
    const { files, hardLinks, contentBytes } = await inspectImage(meta);
    assert.deepEqual(
      { files: report.files, hardLinks: report.hardLinks, contentBytes: report.contentBytes },
      { files, hardLinks, contentBytes },
    );
  },
);

function pathOfLine(line: string): string {
  return /^b(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")/.exec(line)![0];
}

function ownerOf(line: string): string {
  return / (\d+:\d+) /.exec(line)![1]!;
}

/** How many inodes `lines` are names of. */
function countInodes(lines: readonly string[]): number {
  const groups = new Set<string>();
  for (const line of lines) {
    groups.add(/ links=(\S.*?)(?: size=| target=|$)/.exec(line)?.[1] ?? line);
  }
  return groups.size;
}
