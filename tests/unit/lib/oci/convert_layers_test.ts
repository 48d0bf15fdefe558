/** Goal: layers become the tree that a container sees, without what is hidden, the same each time. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";
import { ArchiveFormatError, LimitExceededError } from "../../../../lib/base/errors.ts";
import { checkImage } from "../../../../lib/image/check.ts";
import { openImage } from "../../../../lib/image/image.ts";
import {
  convertLayers,
  type ConvertLayersReport,
  type ConvertOptions,
} from "../../../../lib/oci/convert_layers.ts";
import { layerOf, type MadeLayer, makeLayer, makeTar } from "../../../helpers/tar_maker.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";
import { SeededRandom } from "../../../helpers/seeded_random.ts";

const random = new SeededRandom(11);

class Place extends TempFolder {
  convert(
    layers: readonly MadeLayer[],
    options: Partial<ConvertOptions> & { config?: unknown } = {},
  ): Promise<ConvertLayersReport> {
    const { config = {}, ...rest } = options;
    const image = {
      name: "test",
      manifestDigest: "sha256:abc",
      config: new TextEncoder().encode(JSON.stringify(config)),
    };
    return convertLayers(layers, image, {
      meta: this.file("a.fl"),
      store: `dir://${this.file("blocks")}`,
      jobs: 1,
      ...rest,
    });
  }

  /** Paths and contents of the tree, but for `.startup.toml`. */
  async contents(): Promise<Record<string, string>> {
    await using image = await openImage(this.file("a.fl"));
    const tree: Record<string, string> = {};
    for await (const entry of image.walk()) {
      if (entry.path === "" || entry.path === ".startup.toml") continue;
      tree[entry.path] = entry.kind === "file"
        ? new TextDecoder().decode(await image.readFile(entry.path))
        : entry.linkTarget ?? entry.kind;
    }
    return tree;
  }
}

Deno.test("convert layers: whiteouts, opaque directories, replacements", async () => {
  using place = new Place();
  await place.convert([
    makeLayer(
      { name: "gone", content: "1" },
      { name: "again", content: "low" },
      { name: "opaque/", type: "5" },
      { name: "opaque/old", content: "1" },
      { name: "file", content: "low" },
      { name: "dir/in", content: "1" },
      { name: "kept/low", content: "low" },
    ),
    makeLayer(
      { name: ".wh.gone" },
      { name: "again", content: "mid" },
      { name: ".wh.again" },
      { name: "opaque/new", content: "new" },
      { name: "opaque/.wh..wh..opq" },
      { name: "file/", type: "5" },
      { name: "file/in", content: "mid" },
      { name: "dir", content: "now a file" },
      { name: ".wh.never" },
    ),
    makeLayer({ name: "kept/up", content: "up" }, { name: "gone/", type: "5" }),
  ]);
  assert.deepEqual(await place.contents(), {
    again: "mid",
    dir: "now a file",
    file: "directory",
    "file/in": "mid",
    gone: "directory",
    kept: "directory",
    "kept/low": "low",
    "kept/up": "up",
    opaque: "directory",
    "opaque/new": "new",
  });
});

Deno.test("convert layers: what is hidden is not stored", async () => {
  using place = new Place();
  const low = makeLayer({ name: "big", content: random.bytes(1_000_000) });
  const report = await place.convert([low, makeLayer({ name: ".wh.big" })]);
  assert.ok(report.storedBytes < 2000, `${report.storedBytes} bytes`);
  assert.equal(low.opened, 1);
});

Deno.test("convert layers: another name of a hidden file shows its content", async () => {
  using place = new Place();
  const low = makeLayer(
    { name: "first", content: "content" },
    { name: "second", type: "1", link: "first" },
    { name: "unseen", content: "unseen" },
  );
  const mid = makeLayer({ name: "third", type: "1", link: "./first" });
  const top = makeLayer(
    { name: ".wh.first" },
    { name: "fourth", type: "1", link: "first" },
    { name: ".wh.unseen" },
  );
  await place.convert([low, mid, top]);
  assert.deepEqual(await place.contents(), {
    fourth: "content",
    second: "content",
    third: "content",
  });
  assert.equal(low.opened, 2);
  assert.deepEqual((await checkImage(place.file("a.fl"))).corrupt, []);
});

Deno.test("convert layers: merged-/usr, in both directions", async () => {
  using place = new Place();
  await place.convert([
    makeLayer(
      { name: "usr/bin/low", content: "low" },
      { name: "bin", type: "2", link: "usr/bin" },
      { name: "lib/old", content: "old" },
      { name: "usr/sbin/x", content: "x" },
      { name: "sbin", type: "2", link: "usr/sbin" },
    ),
    makeLayer(
      { name: "bin/new", content: "new" },
      { name: "lib", type: "2", link: "usr/lib" },
      { name: "lib/moved", content: "moved" },
      // A directory in place of the link: the whiteout in it says nothing of usr/sbin.
      { name: "sbin/", type: "5" },
      { name: "sbin/.wh.x" },
    ),
  ]);
  assert.deepEqual(await place.contents(), {
    bin: "usr/bin",
    lib: "usr/lib",
    sbin: "directory",
    usr: "directory",
    "usr/bin": "directory",
    "usr/bin/low": "low",
    "usr/bin/new": "new",
    "usr/lib": "directory",
    "usr/lib/moved": "moved",
    "usr/sbin": "directory",
    "usr/sbin/x": "x",
  });
});

Deno.test("convert layers: the startup file takes the place of what the image has there", async () => {
  using place = new Place();
  await place.convert([
    makeLayer(
      { name: ".startup.toml", type: "2", link: "/etc/passwd" },
      { name: "etc/passwd", content: "root" },
    ),
  ], { config: { config: { Cmd: ["/run"] } } });
  await using image = await openImage(place.file("a.fl"));
  assert.match(new TextDecoder().decode(await image.readFile(".startup.toml")), /name = "\/run"/);
  assert.equal(new TextDecoder().decode(await image.readFile("etc/passwd")), "root");
});

Deno.test("convert layers: the same image gives the same flist; a shared base is stored once", async () => {
  using place = new Place();
  const files = Array.from(
    { length: 300 },
    (_, i) => ({ name: `f${i}`, content: random.bytes(9000) }),
  );
  const base = makeLayer(...files);
  const first = await place.convert([
    base,
    makeLayer({ name: "app", content: random.bytes(9000) }),
  ]);
  const before = await Deno.readFile(place.file("a.fl"));
  // A file that the base has too must not change what the base's blocks are.
  const top = makeLayer({ name: "app", content: files[0]!.content });
  const second = await place.convert([base, top]);
  assert.ok(second.storedBytes < 15_000 && first.storedBytes > 2_000_000, `${second.storedBytes}`);
  for (const jobs of [1, 3]) {
    await place.convert([base, makeLayer({ name: "app", content: "x" })], {
      jobs,
      meta: place.file(`${jobs}.fl`),
    });
  }
  assert.deepEqual(
    await Deno.readFile(place.file("1.fl")),
    await Deno.readFile(place.file("3.fl")),
  );
  assert.notDeepEqual(await Deno.readFile(place.file("a.fl")), before);
});

/** The config of an image of these layers. */
function configOf(layers: readonly MadeLayer[]): unknown {
  const diffIds = layers.map(({ stored }) =>
    `sha256:${createHash("sha256").update(gunzipSync(stored)).digest("hex")}`
  );
  return { rootfs: { diff_ids: diffIds } };
}

for (const profile of ["myfs", "rfs"] as const) {
  Deno.test(`convert layers: what was packed before is not read, and the flist is the same (${profile})`, async () => {
    using place = new Place();
    const content = random.bytes(9000);
    const low = makeLayer(
      { name: "etc/", type: "5", mode: 0o1755 },
      { name: "etc/passwd", content: "root" },
      { name: "etc/first", content },
      { name: "etc/again", content },
      { name: "etc/link", type: "2", link: "passwd" },
      { name: "large", content: random.bytes(1_500_000) },
      { name: "noted", content: "x", pax: { "SCHILY.xattr.user.note": "hello" } },
      { name: "replaced", content: "low" },
      ...Array.from({ length: 60 }, (_, i) => ({ name: `f${i}`, content: random.bytes(9000) })),
      { name: "hard", type: "1", link: "etc/passwd" },
    );
    const mid = makeLayer(
      { name: "etc/.wh.passwd" },
      { name: "replaced", content: "mid" },
      { name: "opaque/.wh..wh..opq" },
      { name: "app", content: random.bytes(400_000) },
    );
    const images = ["one", "two"].map((name) => [low, mid, makeLayer({ name, content: name })]);
    const stateFolder = place.file("state");
    const convert = (layers: readonly MadeLayer[], options: Partial<ConvertOptions> = {}) =>
      place.convert(layers, { config: configOf(layers), profile, ...options });
    await convert(images[1]!, { store: `dir://${place.file("elsewhere")}` });
    const expected = await Deno.readFile(place.file("a.fl"));

    const first = await convert(images[0]!, { stateFolder });
    assert.equal(first.layersKnown, 0);
    low.opened = mid.opened = 0;
    const second = await convert(images[1]!, { stateFolder });
    const made = await Deno.readFile(place.file("a.fl"));
    // Routes differ; all else must not.
    await convert(images[1]!);
    assert.deepEqual(await Deno.readFile(place.file("a.fl")), made);
    assert.equal(made.length, expected.length);
    assert.equal(second.layersKnown, 2);
    assert.equal(mid.opened, 1, "by the conversion without records");
    // What seemed hidden and has another name is read once, and twice without records.
    assert.equal(low.opened, 3);
    assert.ok(second.blocksReused > 2 && second.storedBytes < 2000, `${second.storedBytes}`);
    assert.deepEqual((await checkImage(place.file("a.fl"))).missing, []);

    // Another layer hides other files.
    const third = [low, mid, makeLayer({ name: ".wh.f1" })];
    assert.equal((await convert(third, { stateFolder })).layersKnown, 1);
    const known = await Deno.readFile(place.file("a.fl"));
    assert.equal((await convert(third, { stateFolder })).layersKnown, 3);
    assert.deepEqual(await Deno.readFile(place.file("a.fl")), known);
    await convert(third);
    assert.deepEqual(await Deno.readFile(place.file("a.fl")), known);

    // A store that lost a block has it again.
    await Deno.remove(place.file("blocks"), { recursive: true });
    assert.equal((await convert(images[1]!, { stateFolder })).layersKnown, 0);
    assert.deepEqual(await Deno.readFile(place.file("a.fl")), made);
    assert.deepEqual((await checkImage(place.file("a.fl"))).missing, []);

    // Limits count for layers that are not read, too.
    const limits = { entriesMax: 60 };
    await assert.rejects(convert(images[1]!, { stateFolder, limits }), LimitExceededError);
  });
}

Deno.test("convert layers: config and manifest become tags, long configs in parts", async () => {
  using place = new Place();
  const config = { config: {}, history: ["é".repeat(40_000)] };
  await place.convert([makeLayer()], { config, tags: { mine: "1" } });
  await using image = await openImage(place.file("a.fl"));
  const tags = image.tags;
  assert.equal(tags.get("oci.manifest"), "sha256:abc");
  assert.equal(tags.get("mine"), "1");
  assert.deepEqual(JSON.parse(`${tags.get("oci.config")}${tags.get("oci.config.2")}`), config);
});

Deno.test("convert layers: layers are checked against the config", async () => {
  using place = new Place();
  const layer = makeLayer({ name: "a", content: "a" });
  const digest = createHash("sha256").update(gunzipSync(layer.stored)).digest("hex");
  const config = (...ids: string[]): unknown => ({ rootfs: { diff_ids: ids } });
  await place.convert([layer], { config: config(`sha256:${digest}`) });
  await assert.rejects(
    place.convert([layer], { config: config(`sha256:${"0".repeat(64)}`) }),
    ArchiveFormatError,
  );
  await assert.rejects(place.convert([layer], { config: config("a", "b") }), /names 2 layers/);
});

Deno.test("convert layers: bad layers are typed errors, and limits count for all of them", async () => {
  using place = new Place();
  const truncated = layerOf(
    gzipSync(makeTar({ name: "a", content: random.bytes(5000) })).subarray(0, 3000),
  );
  await assert.rejects(place.convert([truncated]), ArchiveFormatError);
  await assert.rejects(place.convert([makeLayer({ name: "d/.wh..." })]), ArchiveFormatError);
  const two = [makeLayer({ name: "a" }, { name: "b" }), makeLayer({ name: "c" })];
  await assert.rejects(place.convert(two, { limits: { entriesMax: 2 } }), LimitExceededError);
  await place.convert(two, { limits: { entriesMax: 3 } });
  await assert.rejects(place.convert(two, { limits: { plainBytesMax: 3000 } }), LimitExceededError);
  const many = Array.from({ length: 1025 }, () => makeLayer());
  await assert.rejects(place.convert(many), LimitExceededError);
});
