/** Goal: blocks and routes end up where they should, and what cannot be committed leaves nothing. */

import assert from "node:assert/strict";
import {
  BlockNotFoundError,
  MyfsError,
  StoreUnavailableError,
  SystemError,
  UnsafePathError,
  UnsupportedError,
  UntrustedBaseError,
} from "../../../../lib/base/errors.ts";
import { FlistEditor } from "../../../../lib/flist/flist_editor.ts";
import { FlistReader } from "../../../../lib/flist/flist_reader.ts";
import { checkImage } from "../../../../lib/image/check.ts";
import {
  type CommitOptions,
  commitOverlay,
  type CommitReport,
} from "../../../../lib/image/commit.ts";
import { diffImages } from "../../../../lib/image/diff.ts";
import { openImage } from "../../../../lib/image/image.ts";
import { packDirectory, type PackOptions } from "../../../../lib/image/pack.ts";
import { MemoryStore } from "../../../../lib/store/memory_store.ts";
import { FaultyStore } from "../../../helpers/faulty_store.ts";
import { makeWhiteout, setMarks } from "../../../helpers/overlay_upper.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";
import { SeededRandom } from "../../../helpers/seeded_random.ts";

const random = new SeededRandom(42);
const LARGE = random.bytes(3_000_000);
const SMALL = random.bytes(5000);

class Workplace implements Disposable {
  readonly folder = new TempFolder();
  readonly base = this.folder.file("base.fl");
  readonly meta = this.folder.file("new.fl");
  readonly upper = this.folder.tree("upper");

  static async create(options: Partial<PackOptions> = {}): Promise<Workplace> {
    const place = new Workplace();
    const tree = place.folder.tree("tree", { "large": LARGE, "dir/small": SMALL, "dir/gone": "g" });
    await Deno.link(`${tree}/dir/small`, `${tree}/linked`);
    const store = place.store("blocks");
    await packDirectory(tree, { meta: place.base, store, tags: { version: "1" }, ...options });
    return place;
  }

  store(name: string): string {
    return `dir://${this.folder.file(name)}`;
  }

  commit(options: Partial<CommitOptions> = {}): Promise<CommitReport> {
    const { base, meta } = this;
    return commitOverlay(this.upper, { base, meta, userXattrs: true, jobs: 1, ...options });
  }

  routes(): string[] {
    using flist = FlistReader.open(this.meta);
    return flist.routes().map(({ url }) => url);
  }

  /** Makes the base one that somebody else wrote. */
  async estrange(
    edit: (editor: FlistEditor) => void = (editor) => editor.setTag("by", "them"),
  ): Promise<void> {
    {
      using editor = FlistEditor.open(this.base, { target: this.folder.file("foreign.fl") });
      edit(editor);
      editor.finish();
    }
    await Deno.rename(this.folder.file("foreign.fl"), this.base);
  }

  [Symbol.dispose](): void {
    this.folder[Symbol.dispose]();
  }
}

Deno.test("commitOverlay: stores what is new in the base's stores, and only that", async () => {
  using place = await Workplace.create();
  const { upper } = place;
  place.folder.tree("upper", { "new": "new", "dir/copy": SMALL, "copied up": LARGE });
  makeWhiteout(`${upper}/dir/gone`);
  setMarks(upper, { uuid: "u", impure: "y" });
  const report = await place.commit();
  assert.deepEqual(place.routes(), [place.store("blocks")]);
  assert.deepEqual(report.failures, []);
  assert.deepEqual(report.losses, []);
  const { blocksStored, blocksPresent, upperEntries, whiteouts, unchangedFiles } = report;
  assert.deepEqual(
    { blocksStored, blocksPresent, upperEntries, whiteouts, unchangedFiles },
    { blocksStored: 1, blocksPresent: 0, upperEntries: 4, whiteouts: 1, unchangedFiles: 2 },
  );
  assert.deepEqual([report.upper, report.base, report.meta], [upper, place.base, place.meta]);
  assert.deepEqual([report.files, report.hardLinks, report.blocksElsewhere], [5, 1, 0]);
  const { added, removed } = await diffImages(place.base, place.meta);
  assert.deepEqual([added, removed], [["copied up", "dir/copy", "new"], ["dir/gone"]]);
  const check = await checkImage(place.meta);
  assert.equal(check.blocksOk, report.chunks);
  await using image = await openImage(place.meta);
  assert.deepEqual(await image.readFile("copied up"), LARGE);
  assert.deepEqual(await image.readFile("dir/copy"), SMALL);
  using flist = FlistReader.open(place.meta);
  assert.deepEqual([...flist.tags()], []);
  for (const ino of flist.xattrOwners()) {
    assert.fail(`inode ${ino} has ${flist.xattrs(ino).keys()}`);
  }
});

Deno.test("commitOverlay: neither reads blocks nor stores those that are there", async () => {
  using place = await Workplace.create();
  place.folder.tree("upper", { "new": "new" });
  const memory = new MemoryStore();
  const store = new FaultyStore(memory);
  await packDirectory(place.folder.file("tree"), { meta: place.base, store: memory });
  const report = await place.commit({ store });
  assert.deepEqual([store.calls.get, store.calls.put, report.blocksStored], [0, 1, 1]);
  const again = await place.commit({ store, meta: place.folder.file("again.fl"), jobs: 3 });
  assert.deepEqual([again.blocksStored, again.blocksPresent], [0, 1]);
  assert.deepEqual(
    await Deno.readFile(again.meta),
    await Deno.readFile(place.meta),
  );
});

Deno.test("commitOverlay: blocks that only the base's stores have stay there, and are routed", async () => {
  using place = await Workplace.create();
  place.folder.tree("upper", { "new": "new" });
  const report = await place.commit({ store: place.store("other") });
  assert.deepEqual(place.routes(), [place.store("other"), place.store("blocks")]);
  assert.equal(report.blocksStored, 1);
  assert.ok(report.blocksElsewhere > 0);
  assert.equal(report.blocksElsewhere, report.blocksReused);
  assert.equal((await checkImage(place.meta)).blocksOk, report.chunks);
  await using image = await openImage(place.meta);
  assert.deepEqual(await image.readFile("large"), LARGE);
  // A commit on that one writes to both, so that either has what is new.
  const { meta } = place;
  place.folder.tree("upper", { "newer": "newer" });
  const next = await place.commit({ base: meta, meta: place.folder.file("next.fl") });
  assert.equal((await checkImage(next.meta)).blocksOk, next.chunks);
});

Deno.test("commitOverlay: a store that has all it needs is the only one that is named", async () => {
  using place = await Workplace.create();
  place.folder.tree("upper", { "new": "new", "large": "small now" });
  // Everything but the large file, which is no longer in the image.
  const store = place.store("other");
  const tree = place.folder.file("tree");
  await packDirectory(tree, { meta: place.folder.file("o.fl"), store, exclude: ["large"] });
  const report = await place.commit({ store });
  assert.equal(report.blocksElsewhere, 0);
  assert.deepEqual(place.routes(), [store]);
  assert.equal((await checkImage(place.meta)).blocksOk, report.chunks);
  // The same store, named again, is not named twice.
  const [start, end] = [place.store("blocks"), place.store("blocks")];
  await place.commit({ store: [`00-7f=${start}`, `80-ff=${end}`] });
  assert.deepEqual(place.routes(), [start, end]);
});

Deno.test("commitOverlay: a base that was not made here needs trust, and its stores too", async () => {
  using place = await Workplace.create();
  await place.estrange();
  place.folder.tree("upper", { "new": "new" });
  await assert.rejects(place.commit(), UntrustedBaseError);
  const untrusted = async (options: Partial<CommitOptions>): Promise<void> => {
    await assert.rejects(place.commit({ trustBase: true, ...options }), (error) => {
      assert.ok(error instanceof MyfsError && error.code === "untrusted_route", String(error));
      assert.match(error.hint!, /--trust-routes/);
      return true;
    });
  };
  await untrusted({});
  await untrusted({ store: place.store("other") });
  await untrusted({ trustRoutes: false });
  await place.commit({ trustBase: true, store: place.store("blocks") });
  await place.commit({ trustBase: true, trustRoutes: true, store: place.store("third") });
  assert.deepEqual(place.routes(), [place.store("third"), place.store("blocks")]);
  await place.commit({ trustBase: true, trustRoutes: true });
  assert.deepEqual(place.routes(), [place.store("blocks")]);
});

Deno.test("commitOverlay: a base without routes has to be told where blocks go", async () => {
  using place = await Workplace.create();
  await place.estrange((editor) => editor.replaceRoutes([]));
  place.folder.tree("upper", { "new": "new" });
  const trust = { trustBase: true, trustRoutes: true };
  await assert.rejects(place.commit(trust), (error) => {
    assert.ok(error instanceof UnsupportedError);
    assert.match(error.hint!, /--store/);
    return true;
  });
  await assert.rejects(place.commit({ ...trust, store: new MemoryStore() }), BlockNotFoundError);
  await place.commit({ ...trust, store: place.store("blocks") });
});

Deno.test("commitOverlay: a store of the base that is not there is not made anew", async () => {
  using place = await Workplace.create();
  place.folder.tree("upper", { "new": "new" });
  await Deno.rename(place.folder.file("blocks"), place.folder.file("away"));
  await assert.rejects(place.commit(), StoreUnavailableError);
  await assert.rejects(place.commit({ store: place.store("other") }), StoreUnavailableError);
  assert.deepEqual(place.folder.names(), ["away", "base.fl", "other", "tree", "upper"]);
});

Deno.test("commitOverlay: a block that is nowhere matters only to those who need it", async () => {
  using place = await Workplace.create();
  const lost = place.folder.file("blocks");
  using flist = FlistReader.open(place.base);
  const { ino } = flist.child(1, "large")!;
  const chunk = flist.extents(ino)[0]!.chunk;
  const { id } = flist.chunk(chunk);
  const find = new Deno.Command("find", { args: [lost, "-name", id, "-delete"] });
  assert.ok((await find.output()).success);
  await assert.rejects(place.commit(), (error) => {
    assert.ok(error instanceof BlockNotFoundError);
    assert.equal(error.id, id);
    assert.match(error.message, /needed for large/);
    return true;
  });
  assert.ok(!place.folder.names().some((name) => name.startsWith("new.fl")));
  makeWhiteout(`${place.upper}/large`);
  await place.commit();
  // The same content in the upper directory is packed again.
  await Deno.remove(`${place.upper}/large`);
  place.folder.tree("upper", { "large": LARGE });
  const report = await place.commit();
  assert.equal(report.blocksStored, 1);
  assert.equal((await checkImage(place.meta)).blocksOk, report.chunks);
});

Deno.test("commitOverlay: no upper directory, or one in the store, is refused", async () => {
  using place = await Workplace.create();
  const { base, meta } = place;
  const commit = (upper: string): Promise<CommitReport> =>
    commitOverlay(upper, { base, meta, userXattrs: true });
  await assert.rejects(commit(place.folder.file("nothing")), SystemError);
  await assert.rejects(commit(base), SystemError);
  for (const path of ["blocks", "blocks/upper"]) {
    await assert.rejects(commit(place.folder.tree(path)), (error) => {
      assert.ok(error instanceof UnsafePathError);
      assert.match(error.message, /it lies in the store/);
      return true;
    });
  }
  await Deno.symlink("blocks", place.folder.file("link"));
  await assert.rejects(commit(place.folder.file("link")), UnsafePathError);
  assert.ok(!place.folder.names().some((name) => name.startsWith("new.fl")));
});

Deno.test("commitOverlay: its own flist and store in the upper directory are left out", async () => {
  using place = await Workplace.create();
  const { upper } = place;
  place.folder.tree("upper", { "new": "new" });
  const store = `dir://${upper}/blocks`;
  const report = await place.commit({ meta: `${upper}/new.fl`, store });
  const [loss, ...others] = report.losses;
  assert.deepEqual([loss!.what, loss!.count, others], [
    "entry that this pack writes itself",
    2,
    [],
  ]);
  assert.deepEqual((await diffImages(place.base, report.meta)).added, ["new"]);
});

Deno.test("commitOverlay: may be written over its own base", async () => {
  using place = await Workplace.create();
  place.folder.tree("upper", { "new": "new" });
  await place.commit({ meta: place.base });
  await using image = await openImage(place.base);
  assert.deepEqual(await image.readFile("new"), new TextEncoder().encode("new"));
  assert.deepEqual(await image.readFile("large"), LARGE);
});

Deno.test("commitOverlay: the rfs profile keeps what it can, and names what it loses", async () => {
  using place = await Workplace.create({ profile: "rfs" });
  const { upper } = place;
  place.folder.tree("upper", { "new": "new" });
  setMarks(`${upper}/new`, { origin: "o" });
  await Deno.mkdir(`${upper}/moved`);
  setMarks(`${upper}/moved`, { redirect: "dir" });
  makeWhiteout(`${upper}/dir`);
  await Deno.writeFile(`${upper}/large`, new Uint8Array(LARGE.length));
  setMarks(`${upper}/large`, { metacopy: "" });
  const report = await place.commit();
  assert.equal(report.profile, "rfs");
  assert.equal(report.blocksStored, 1);
  // Of what comes from the base, it had lost the rest before.
  assert.deepEqual(report.losses.map(({ what }) => what), ["nanoseconds"]);
  assert.equal((await checkImage(place.meta)).blocksOk, (await checkImage(place.meta)).blocks);
  await using image = await openImage(place.meta);
  assert.deepEqual(await image.readFile("large"), LARGE);
  assert.deepEqual(await image.readFile("moved/small"), SMALL);
});

Deno.test("commitOverlay: keys that a secret went into stay marked", async () => {
  const domainSecret = random.bytes(32);
  using place = await Workplace.create({ domainSecret });
  place.folder.tree("upper", { "copy": SMALL, "new": "new" });
  const report = await place.commit({ domainSecret });
  assert.equal(report.blocksStored, 1);
  assert.equal((await checkImage(place.meta)).blocksOk, report.chunks);
});

Deno.test("commitOverlay: options out of range and a stop before it begins do nothing", async () => {
  using place = await Workplace.create();
  await assert.rejects(place.commit({ jobs: 0 }), RangeError);
  await assert.rejects(place.commit({ level: 99 }), RangeError);
  const reason = new Error("stop");
  await assert.rejects(place.commit({ signal: AbortSignal.abort(reason) }), reason);
  assert.ok(!place.folder.names().some((name) => name.startsWith("new.fl")));
});
