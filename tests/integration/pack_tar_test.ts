/**
 * Goal: what other programs make of a tree with oddities is what comes back.
 *
 * Method: a program packs the tree; a program unpacks that archive, and so do we, through a flist;
 * both trees are dumped and compared.
 */

import assert from "node:assert/strict";
import { packTar } from "../../lib/image/pack_tar.ts";
import { unpackImage } from "../../lib/image/unpack.ts";
import { requiringTest } from "../helpers/require.ts";
import { runProgram } from "../helpers/run_program.ts";
import { TempFolder } from "../helpers/temp_folder.ts";
import { assertSameDump, dumpTree } from "../helpers/tree_dump.ts";

/** Builds a tree at its argument: smaller than `odd_tree.py`'s, whose holes plain formats fill. */
const BUILD_TREE = `
import os, sys
root = sys.argv[1]
os.makedirs(root + "/dir/sub")
def write(name, content=b"x", sparse=()):
    with open(os.path.join(os.fsencode(root), name), "wb") as file:
        file.write(content)
        for at, data in sparse:
            os.pwrite(file.fileno(), data, at)
        if sparse: file.truncate(3_000_000)
write(b"dir/plain")
write(b"dir/empty", b"")
write(b"dir/large", os.urandom(700_000))
write(b"dir/" + b"n" * 200)
write(b"dir/not utf8 \\xff\\xfe")
write("dir/\u00e4\u20ac\U0001f600".encode())
write(b"sparse", b"", [(100_000 * i, b"data %d" % i) for i in range(1, 28)])
write(b"hole", b"", [(1_000_000, b"")])
os.link(root + "/dir/plain", root + "/hard")
os.symlink("t" * 150, root + "/long link")
os.symlink("/etc/passwd", root + "/link")
os.mkfifo(root + "/fifo")
os.mknod(root + "/null", 0o20666, os.makedev(1, 3))
os.chown(root + "/dir/large", 70000, 3000000)
os.chmod(root + "/dir/empty", 0o6711)
os.setxattr(root + "/dir/large", "user.note", b"\\x00any=\\xff")
os.setxattr(root + "/dir", "user.a=b", b"1")
os.utime(root + "/dir/large", ns=(0, 1_600_000_000_123_456_789))
os.utime(root + "/dir/sub", ns=(0, 1_500_000_000_000_000_001))
`.replaceAll("\\\\", "\\");

type Maker = (tree: string, archive: string) => Promise<string>;

/** Ways to make an archive of `tree`. */
const MAKERS: Readonly<Record<string, Maker>> = {
  "GNU tar, pax, sparse 1.0, xattrs": gnu(
    "--format=pax",
    "--sparse",
    "--xattrs",
    "--xattrs-include=*",
  ),
  "GNU tar, pax, sparse 0.1": gnu("--format=pax", "--sparse", "--sparse-version=0.1"),
  "GNU tar, pax, sparse 0.0": gnu("--format=pax", "--sparse", "--sparse-version=0.0"),
  "GNU tar, gnu, sparse": gnu("--format=gnu", "--sparse"),
  "GNU tar, oldgnu, zstd": gnu("--format=oldgnu", "--sparse", "--zstd"),
  "GNU tar, ustar, gzip": gnu("--format=ustar", "--gzip"),
  "GNU tar, v7": gnu("--format=v7"),
  "bsdtar, pax, xattrs": bsd("--format=pax", "--xattrs"),
  "bsdtar, restricted pax, zstd": bsd("--format=posix", "--zstd", "--xattrs"),
  "bsdtar, gnutar": bsd("--format=gnutar"),
  "bsdtar, ustar": bsd("--format=ustar"),
  "Python, pax": python("PAX_FORMAT"),
  "Python, gnu": python("GNU_FORMAT"),
};

/**
 * The program that unpacks what the maker of that name made: GNU tar gives directories wrong times where
 * their entries do not follow one another, as in bsdtar's archives.
 */
function unpackOf(maker: string): (archive: string, target: string) => Promise<string> {
  const argv = maker.startsWith("bsdtar")
    ? ["bsdtar", "--xattrs"]
    : ["tar", "--same-owner", "--xattrs", "--xattrs-include=*"];
  return (archive, target) =>
    runProgram(
      argv[0]!,
      ...argv.slice(1),
      "-x",
      "--numeric-owner",
      "-p",
      "-f",
      archive,
      "-C",
      target,
    );
}

function gnu(...options: readonly string[]): Maker {
  return tar("tar", options);
}

function bsd(...options: readonly string[]): Maker {
  return tar("bsdtar", options);
}

function tar(program: string, options: readonly string[]): Maker {
  return (tree: string, archive: string): Promise<string> =>
    // Some formats cannot hold all of the tree: what they leave out is missing on both sides.
    runProgram(
      "sh",
      "-c",
      '"$@"; test $? -le 2',
      "sh",
      program,
      "-c",
      ...options,
      "-f",
      archive,
      "-C",
      tree,
      ".",
    );
}

function python(format: string): Maker {
  const script = "import sys, tarfile\n" +
    `t = tarfile.open(sys.argv[2], 'w', format=tarfile.${format})\nt.add(sys.argv[1], '.')\nt.close()`;
  return (tree: string, archive: string): Promise<string> =>
    runProgram("python3", "-c", script, tree, archive);
}

requiringTest(
  ["root", "tar", "bsdtar", "python3"],
  "archives of other programs come back as other programs unpack them",
  async (context) => {
    using folder = new TempFolder();
    const tree = folder.file("tree");
    await runProgram("python3", "-c", BUILD_TREE, tree);
    for (const [name, make] of Object.entries(MAKERS)) {
      await context.step(name, async () => {
        using place = new TempFolder();
        const archive = place.file("a.tar");
        await make(tree, archive);
        const expected = place.tree("expected");
        await unpackOf(name)(archive, expected);
        const meta = place.file("a.fl");
        const report = await packTar(archive, { meta, store: `dir://${place.file("blocks")}` });
        assert.deepEqual([report.failures, report.losses], [[], []]);
        const target = place.file("ours");
        await unpackImage(meta, target, { preserveOwnership: true });
        // bsdtar leaves the time of the root as it is, and gives an attribute whose name has "=" twice.
        for (const root of [target, expected]) await Deno.utime(root, 1, 1);
        const dump = (root: string): string[] =>
          dumpTree(root, { holes: false }).map((line) =>
            line.replace(" xattr:b'user.a%3Db'=31", "")
          );
        assertSameDump(dump(target), dump(expected));
      });
    }
  },
);
