/** Goal: a container image becomes what `umoci unpack` makes of it. */

import assert from "node:assert/strict";
import { unpackImage } from "../../lib/image/unpack.ts";
import { convertLayers } from "../../lib/oci/convert_layers.ts";
import { writeLayout } from "../helpers/oci_layout.ts";
import { requiringTest } from "../helpers/require.ts";
import { runProgram } from "../helpers/run_program.ts";
import { type MadeEntry, makeLayer } from "../helpers/tar_maker.ts";
import { TempFolder } from "../helpers/temp_folder.ts";
import { assertSameDump, dumpTree } from "../helpers/tree_dump.ts";

const directory = (name: string): MadeEntry => ({ name, type: "5", mode: 0o755, uid: 5 });
const file = (name: string, content: string): MadeEntry => ({ name, content, uid: 3, gid: 4 });
const link = (name: string, link: string): MadeEntry => ({ name, type: "2", link, mode: 0o777 });
const hard = (name: string, link: string): MadeEntry => ({ name, type: "1", link, uid: 3, gid: 4 });

/** Lowest first. Each entry's parents are there, because umoci gives those it makes the present time. */
const LAYERS: readonly (readonly MadeEntry[])[] = [
  [
    ...["usr/", "usr/bin/", "usr/lib/", "etc/", "opq/", "opq/sub/", "gone/", "d2f/", "lib/"].map(
      directory,
    ),
    link("bin", "usr/bin"),
    link("abs", "/usr"),
    link("up", "../../../usr/lib"),
    file("usr/bin/foo", "low foo"),
    file("usr/bin/bar", "bar"),
    file("etc/passwd", "root"),
    file("etc/a", "linked"),
    hard("etc/b", "etc/a"),
    hard("etc/c", "./etc/a"),
    file("opq/old", "old"),
    file("opq/sub/x", "x"),
    file("gone/f", "f"),
    file("d2f/in", "in"),
    file("f2d", "f2d"),
    file("dup", "first"),
    file("dup", "second!"),
    file("wl", "low"),
    { name: "fifo", type: "6" },
    file("hidden", "the content of a hidden name"),
    hard("shown", "hidden"),
    file("lib/x", "x"),
    directory("vanishes/"),
    file("vanishes/one", "kept by its other name"),
    directory("taken/"),
    file("taken/one", "kept by a name that the layer gives which takes this one away"),
    directory("deep/"),
    directory("deep/er/"),
    file("deep/er/low", "low"),
    file("replaced", "a file that becomes a link"),
    { name: "x".repeat(90) + "/", type: "5", mode: 0o755 },
    {
      name: "long",
      content: "long",
      pax: { path: `${"x".repeat(90)}/${"y".repeat(200)}`, mtime: "1600000000.123456789" },
    },
  ],
  [
    file("bin/foo", "mid foo"),
    directory("etc/"),
    { name: "etc/.wh.passwd" },
    file("etc/b", "own b"),
    directory("opq/"),
    file("opq/new", "new"),
    { name: "opq/.wh..wh..opq" },
    { name: ".wh.gone" },
    file("d2f", "file now"),
    directory("f2d/"),
    file("f2d/x", "x"),
    file("abs/via", "via abs"),
    file("up/via", "via up"),
    file("wl", "again"),
    { name: ".wh.wl" },
    file("hidden", "another"),
    hard("l2", "usr/bin/bar"),
    hard("survivor", "vanishes/one"),
    hard("rescued", "taken/one"),
    { name: ".wh.taken" },
    directory("deep/"),
    { name: "deep/.wh..wh..opq" },
    directory("deep/er/"),
    file("deep/er/mid", "mid"),
    link("replaced", "etc/a"),
    {
      name: "pax holes",
      content: `${"1\n4096\n3\n".padEnd(512, "\0")}abc`,
      pax: {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": "pax holes",
        "GNU.sparse.realsize": "9000",
      },
    },
    {
      ...file("able", "has a capability"),
      // VFS_CAP_REVISION_2, effective: CAP_NET_RAW is bit 13.
      pax: {
        "SCHILY.xattr.security.capability": Uint8Array.from(
          [1, 0, 0, 2, 0, 0x20, ...new Uint8Array(14)],
        ),
      },
    },
    link("lib", "usr/lib"),
  ],
  [
    { name: "usr/bin/.wh.bar" },
    { name: ".wh.vanishes" },
    directory("gone/"),
    file("gone/g", "g"),
    file("etc/passwd", "new root"),
    hard("x", "etc/c"),
    directory("bin/"),
    { name: "bin/.wh.foo" },
    file("bin/only", "only"),
    directory("./"),
  ],
];

requiringTest(
  ["root", "umoci", "python3"],
  "layers become what umoci unpack makes of them",
  async () => {
    using folder = new TempFolder();
    const layers = LAYERS.map((entries) => makeLayer(...entries));
    const image = folder.file("image");
    const { manifests, configs } = await writeLayout(image, "t", { layers });
    await runProgram("umoci", "unpack", "--image", `${image}:t`, folder.file("bundle"));

    const meta = folder.file("a.fl");
    const report = await convertLayers(layers, {
      name: "t",
      manifestDigest: manifests[0]!.digest,
      config: configs[0]!,
    }, { meta, store: `dir://${folder.file("blocks")}` });
    assert.deepEqual([report.failures, report.losses], [[], []]);
    const target = folder.file("ours");
    await unpackImage(meta, target, { preserveOwnership: true });
    const rootfs = folder.file("bundle/rootfs");
    await Deno.remove(`${target}/.startup.toml`);
    // Whoever takes the file away changes the time of the root.
    for (const root of [target, rootfs]) await Deno.utime(root, 1, 1);
    // umoci fills the holes of sparse files.
    const dump = (path: string): string[] => dumpTree(path, { holes: false });
    assertSameDump(dump(target), dump(rootfs));
  },
);
