/** Goal: the merged tree is the kernel's, and an upper directory that does not fit is refused. */

import assert from "node:assert/strict";
import { PathNotFoundError, SystemError, UnsafePathError } from "../../../../lib/base/errors.ts";
import { UnsupportedError } from "../../../../lib/base/errors.ts";
import { FlistReader } from "../../../../lib/flist/flist_reader.ts";
import { OverlayMerge } from "../../../../lib/image/overlay_merge.ts";
import { packDirectory } from "../../../../lib/image/pack.ts";
import type { PackEntry, PackWalkOptions } from "../../../../lib/image/pack_source.ts";
import { MemoryStore } from "../../../../lib/store/memory_store.ts";
import { joinPath } from "../../../../lib/tree/directory_source.ts";
import { makeWhiteout, setMarks, setXattr } from "../../../helpers/overlay_upper.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";

const TREE = {
  "a": "content of a",
  "dir/b": "content of b",
  "dir/sub/c": "c",
  "dir/sub/deeper/d": "d",
  "other/e": "e",
  "\uffff": "sorts before what stands above it",
  "😀": "sorts last",
};

class Overlay implements Disposable {
  readonly folder = new TempFolder();
  readonly upper = this.folder.tree("upper");
  readonly losses: string[] = [];
  #base: FlistReader | undefined;

  /** Packs the folder `tree` as the base. */
  static async create(prepare: (tree: string) => void = () => {}): Promise<Overlay> {
    const overlay = new Overlay();
    const tree = overlay.folder.tree("tree", TREE);
    prepare(tree);
    const meta = overlay.folder.file("base.fl");
    await packDirectory(tree, { meta, store: new MemoryStore(), jobs: 1 });
    overlay.#base = FlistReader.open(meta);
    return overlay;
  }

  get base(): FlistReader {
    return this.#base!;
  }

  merge(followRedirects = true): OverlayMerge {
    const { upper, base } = this;
    return new OverlayMerge({
      upper,
      base,
      names: "user",
      followRedirects,
      onBaseContent: () => {},
    });
  }

  /** All entries of the merged tree by path. */
  async entries(
    merge = this.merge(),
    options: Partial<PackWalkOptions> = {},
  ): Promise<Map<string, PackEntry>> {
    const entries = new Map<string, PackEntry>();
    const onLoss = (what: string, path: string): void => void this.losses.push(`${path}: ${what}`);
    const onFailure = (): void => assert.fail();
    for await (const directory of merge.directories({ onLoss, onFailure, ...options })) {
      if (directory.path === "") entries.set("", directory.self);
      for (const entry of directory.entries) {
        entries.set(joinPath(directory.path, entry.name), entry);
      }
    }
    return entries;
  }

  /** Paths of the merged tree; `+` in front of what has its content in the upper directory. */
  async paths(options: Partial<PackWalkOptions> = {}): Promise<string[]> {
    const found: string[] = [];
    for (const [path, { kind, baseIno }] of await this.entries(this.merge(), options)) {
      if (path === "") continue;
      const isNew = kind === "file" && baseIno === undefined;
      found.push(isNew ? `+${path}` : kind === "directory" ? `${path}/` : path);
    }
    return found;
  }

  /** Path, in the base, of the content that the file at `path` of the merged tree has. */
  contentOf(entry: PackEntry | undefined): string | undefined {
    return entry?.baseIno === undefined ? undefined : this.base.inode(entry.baseIno)?.name;
  }

  [Symbol.dispose](): void {
    this.#base?.[Symbol.dispose]();
    this.folder[Symbol.dispose]();
  }
}

const BASE_PATHS = [
  "a",
  "dir/",
  "other/",
  "\uffff",
  "😀",
  "dir/b",
  "dir/sub/",
  "dir/sub/c",
  "dir/sub/deeper/",
  "dir/sub/deeper/d",
  "other/e",
];

Deno.test("OverlayMerge: an empty upper directory shows the base, with the root's own metadata", async () => {
  using overlay = await Overlay.create();
  await Deno.chmod(overlay.upper, 0o711);
  const entries = await overlay.entries();
  assert.equal(entries.get("")?.mode, 0o40711);
  assert.deepEqual(await overlay.paths(), BASE_PATHS);
  const { mtime, mtimeNsec } = overlay.base.child(1, "a")!;
  assert.deepEqual(
    [entries.get("a")!.mtime, entries.get("a")!.mtimeNsec],
    [mtime, mtimeNsec],
  );
});

Deno.test("OverlayMerge: both lists are merged in the order of name bytes", async () => {
  using overlay = await Overlay.create();
  overlay.folder.tree("upper", { "0": "", "b": "", "\ue000": "", "\u{10000}": "", "other/d": "" });
  assert.deepEqual((await overlay.paths()).filter((path) => !path.includes("dir/")), [
    "+0",
    "a",
    "+b",
    "other/",
    "+\ue000",
    "\uffff",
    "+\u{10000}",
    "😀",
    "+other/d",
    "other/e",
  ]);
});

Deno.test("OverlayMerge: whiteouts take away what there is, and nothing else", async () => {
  using overlay = await Overlay.create();
  overlay.folder.tree("upper/dir", { "b": "", "not there": "", "full": "x" });
  makeWhiteout(`${overlay.upper}/other`);
  makeWhiteout(`${overlay.upper}/neither`);
  for (const name of ["b", "not there", "full"]) {
    setMarks(`${overlay.upper}/dir/${name}`, { whiteout: "" });
  }
  const merge = overlay.merge();
  const paths = [...(await overlay.entries(merge)).keys()];
  assert.deepEqual(paths.filter((path) => !path.startsWith("dir/sub")), [
    "",
    "a",
    "dir",
    "\uffff",
    "😀",
    "dir/full",
  ]);
  assert.deepEqual([merge.whiteouts, merge.upperEntries], [2, 2]);
});

Deno.test("OverlayMerge: what stands in for another kind hides it", async () => {
  using overlay = await Overlay.create();
  const { upper } = overlay;
  overlay.folder.tree("upper", { "a/inside": "x", "dir/sub": "a file", "other/new": "y" });
  setMarks(`${upper}/other`, { opaque: "y" });
  await Deno.symlink("dir", `${upper}/😀`);
  assert.deepEqual(await overlay.paths(), [
    "a/",
    "dir/",
    "other/",
    "\uffff",
    "😀",
    "+a/inside",
    "dir/b",
    "+dir/sub",
    "+other/new",
  ]);
  assert.equal((await overlay.entries()).get("😀")?.linkTarget, "dir");
});

Deno.test("OverlayMerge: renamed directories show what they had, from anywhere in the base", async () => {
  using overlay = await Overlay.create();
  const { upper } = overlay;
  overlay.folder.tree("upper", { "moved/again/new": "n", "top/x": "x" });
  makeWhiteout(`${upper}/dir`);
  // A name is one in the directory that the parent shows, which was renamed too.
  setMarks(`${upper}/moved`, { redirect: "dir" });
  setMarks(`${upper}/moved/again`, { redirect: "sub" });
  makeWhiteout(`${upper}/moved/sub`);
  setMarks(`${upper}/top`, { redirect: "/dir/sub/deeper" });
  makeWhiteout(`${upper}/top/nothing`);
  assert.deepEqual((await overlay.paths()).filter((path) => /moved|top|dir/.test(path)), [
    "moved/",
    "top/",
    "moved/again/",
    "moved/b",
    "moved/again/c",
    "moved/again/deeper/",
    "+moved/again/new",
    "moved/again/deeper/d",
    "top/d",
    "+top/x",
  ]);
});

Deno.test("OverlayMerge: a copy of metadata has the content of the base", async () => {
  using overlay = await Overlay.create();
  const { upper } = overlay;
  for (const [name, redirect] of [["a", ""], ["b here", "/dir/b"], ["a again", "a"]] as const) {
    const size = redirect === "/dir/b" ? TREE["dir/b"].length : TREE.a.length;
    await Deno.writeFile(`${upper}/${name}`, new Uint8Array(size));
    await Deno.chmod(`${upper}/${name}`, 0o640);
    setMarks(`${upper}/${name}`, { metacopy: "", ...(redirect === "" ? {} : { redirect }) });
  }
  await Deno.link(`${upper}/b here`, `${upper}/b too`);
  const entries = await overlay.entries();
  assert.equal(overlay.contentOf(entries.get("a")), "a");
  assert.equal(overlay.contentOf(entries.get("a again")), "a");
  assert.equal(overlay.contentOf(entries.get("b here")), "b");
  const [one, two] = ["b here", "b too"].map((name) => entries.get(name)!);
  assert.deepEqual([one!.mode, one!.xattrs, one!.linkCount], [0o100640, undefined, 2]);
  assert.equal(one!.inode, two!.inode);
});

Deno.test("OverlayMerge: an upper directory of another base is refused, and says what is missing", async (t) => {
  const refused: Readonly<Record<string, string>> = {
    "not there": "/not/there",
    "a name that is not there": "nothing",
    "a file for a directory": "/a",
    "through a file": "/a/sub",
    "through a link": "/link/sub",
    "up": "/dir/../other",
    "dots": "..",
    "the root": "/",
    "an empty name": "/dir//sub",
    "empty": "",
    "a path without a slash": "dir/sub",
    "long": `/${"x/".repeat(2000)}`,
    "terminal": "/\x1b[31m",
  };
  for (const [name, redirect] of Object.entries(refused)) {
    await t.step(name, async () => {
      using overlay = await Overlay.create((tree) => Deno.symlinkSync("dir", `${tree}/link`));
      await Deno.mkdir(`${overlay.upper}/new`);
      setMarks(`${overlay.upper}/new`, { redirect });
      await assert.rejects(overlay.entries(), (error) => {
        assert.ok(error instanceof PathNotFoundError, String(error));
        assert.ok(error.message.includes("base.fl, from where the overlay has new"));
        assert.ok(error.message.length < 800 && !error.message.includes("\x1b"));
        if (name === "not there") assert.match(error.message, /no directory \/not\/there in/);
        assert.match(error.hint!, /another image/);
        return true;
      });
      await assert.rejects(overlay.entries(overlay.merge(false)), UnsafePathError);
    });
  }
  await t.step("metadata of a file that is not there, or another", async () => {
    for (const [redirect, size] of [["/nothing", 3], ["/dir", 3], ["/a", 3]] as const) {
      using overlay = await Overlay.create();
      await Deno.writeFile(`${overlay.upper}/new`, new Uint8Array(size));
      setMarks(`${overlay.upper}/new`, { metacopy: "", redirect });
      const isOther = redirect === "/a";
      await assert.rejects(overlay.entries(), (error) => {
        assert.ok(error instanceof (isOther ? UnsupportedError : PathNotFoundError), String(error));
        if (isOther) assert.match(error.message, /it has 12 bytes there, and 3 in the overlay/);
        return true;
      });
      await assert.rejects(overlay.entries(overlay.merge(false)), UnsafePathError);
    }
  });
});

Deno.test("OverlayMerge: hard links of the base stay, but for the names that were changed", async () => {
  using overlay = await Overlay.create((tree) => {
    for (const name of ["0 first", "dir/second", "other/third"]) {
      Deno.linkSync(`${tree}/a`, `${tree}/${name}`);
    }
  });
  makeWhiteout(`${overlay.upper}/0 first`);
  overlay.folder.tree("upper", { "dir/second": "changed" });
  const entries = await overlay.entries();
  const [a, second, third] = ["a", "dir/second", "other/third"].map((path) => entries.get(path)!);
  assert.deepEqual([a!.device, a!.inode, a!.linkCount], [third!.device, third!.inode, 2]);
  assert.deepEqual([second!.linkCount, second!.baseIno], [1, undefined]);
  assert.equal(third!.size, TREE.a.length);
});

Deno.test("OverlayMerge: with index=on, a file that the base's names show too is refused", async () => {
  using overlay = await Overlay.create();
  overlay.folder.tree("upper", { "a": "changed" });
  setMarks(`${overlay.upper}/a`, { nlink: "U-1" });
  await overlay.entries();
  for (const nlink of ["U+0", "U+1", "L+0", "L-1", ""]) {
    setMarks(`${overlay.upper}/a`, { nlink });
    await assert.rejects(overlay.entries(), (error) => {
      assert.ok(error instanceof UnsupportedError);
      assert.match(error.message, /Cannot commit a: .*index=on/);
      return true;
    });
  }
});

Deno.test("OverlayMerge: what is left out shows nothing of what lies below it", async () => {
  using overlay = await Overlay.create();
  overlay.folder.tree("upper", { "dir/b": "changed", "other/new": "n", "other/e": "changed" });
  await Deno.mkdir(`${overlay.upper}/😀`);
  const exclude: PackWalkOptions["exclude"] = (path, kind) =>
    path === "dir/b" || path === "other" || (path === "😀" && kind === "directory");
  assert.deepEqual(await overlay.paths({ exclude }), [
    "a",
    "dir/",
    "\uffff",
    "dir/sub/",
    "dir/sub/c",
    "dir/sub/deeper/",
    "dir/sub/deeper/d",
  ]);
});

Deno.test("OverlayMerge: what an overlay hides of the base is left out and told", async () => {
  using overlay = await Overlay.create((tree) => {
    makeWhiteout(`${tree}/device`);
    Deno.writeTextFileSync(`${tree}/dir/whiteout`, "");
    setMarks(`${tree}/dir/whiteout`, { whiteout: "y" });
    setMarks(`${tree}/other`, { opaque: "y", "overlay.opaque": "z" });
    setXattr(`${tree}/a`, "user.mine", "1");
  });
  const entries = await overlay.entries();
  assert.ok(!entries.has("device") && !entries.has("dir/whiteout") && entries.has("other/e"));
  const encoder = new TextEncoder();
  assert.deepEqual(
    entries.get("other")?.xattrs,
    new Map([["user.overlay.opaque", encoder.encode("z")]]),
  );
  assert.deepEqual(entries.get("a")?.xattrs, new Map([["user.mine", encoder.encode("1")]]));
  assert.deepEqual(overlay.losses, [
    "device: entry of the base that an overlay takes for a whiteout",
    "other: extended attribute of the base that an overlay hides",
    "dir/whiteout: entry of the base that an overlay takes for a whiteout",
  ]);
  // Nothing that the overlay does not show can be referred to.
  await Deno.mkdir(`${overlay.upper}/new`);
  setMarks(`${overlay.upper}/new`, { redirect: "device" });
  await assert.rejects(overlay.entries(), PathNotFoundError);
});

Deno.test("OverlayMerge: an upper directory that cannot be read ends the walk", async () => {
  using overlay = await Overlay.create();
  overlay.folder.tree("upper", { "dir/b": "changed" });
  const onFailure = (): void => assert.fail();
  const walk = overlay.merge().directories({ onLoss: () => {}, onFailure });
  await walk.next();
  await Deno.remove(`${overlay.upper}/dir`, { recursive: true });
  await assert.rejects(walk.next(), SystemError);
  await Deno.remove(overlay.upper);
  await assert.rejects(overlay.entries(), SystemError);
});

Deno.test("OverlayMerge: a walk that is given up closes what it held", async () => {
  using overlay = await Overlay.create();
  overlay.folder.tree("upper", { "dir/sub/new": "n" });
  const options = { onLoss: () => {}, onFailure: () => assert.fail() };
  for await (const { path } of overlay.merge().directories(options)) if (path === "dir") break;
});
