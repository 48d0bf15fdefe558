/**
 * Sources that change, vanish or cannot be read while they are packed: the pack goes on, what may be
 * wrong is named, and the image is sound. Method: the walk's progress reports and a store that holds
 * back its puts stop the pack at a known point, at which the source is changed.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  checkImage,
  inspectImage,
  MemoryStore,
  openImage,
  packDirectory,
  type PackReport,
  type Profile,
} from "../../mod.ts";
import { runApi } from "../helpers/api_runner.ts";
import { requiringTest } from "../helpers/require.ts";
import { TempFolder } from "../helpers/temp_folder.ts";

/** Packs `source`; calls `change` when the walk has seen everything, and no file has been read. */
async function packChanging(
  folder: TempFolder,
  source: string,
  change: () => void,
  profile: Profile = "myfs",
): Promise<PackReport> {
  let changed = false;
  const report = await packDirectory(source, {
    meta: folder.file("a.fl"),
    store: `dir://${folder.file("blocks")}`,
    profile,
    jobs: 1,
    onProgress: ({ phase }) => {
      if (phase !== "scan" || changed) return;
      changed = true;
      change();
    },
  });
  await expectSound(folder, report);
  return report;
}

/** Asserts that image and report agree with each other. */
async function expectSound(folder: TempFolder, report: PackReport): Promise<void> {
  const meta = folder.file("a.fl");
  const check = await checkImage(meta, { jobs: 1 });
  assert.equal(check.blocksOk, check.blocks);
  const image = await inspectImage(meta);
  if (image.profile === "rfs") {
    // Further names are copies there.
    assert.equal(image.files, report.files + report.hardLinks);
    return;
  }
  const { files, hardLinks, contentBytes, symlinks, specials } = report;
  assert.deepEqual(
    { files, hardLinks, contentBytes, symlinks, specials },
    {
      files: image.files,
      hardLinks: image.hardLinks,
      contentBytes: image.contentBytes,
      symlinks: image.symlinks,
      specials: image.specials,
    },
  );
}

async function readText(folder: TempFolder, path: string): Promise<string> {
  await using image = await openImage(folder.file("a.fl"));
  return new TextDecoder().decode(await image.readFile(path));
}

const LARGE = "0123456789abcdef".repeat(40_000);

for (const profile of ["myfs", "rfs"] as const) {
  Deno.test(`changing source: files that vanish after the walk are named and left out (${profile})`, async () => {
    using folder = new TempFolder();
    const files = { "kept": "kept", "small": "small", "large": LARGE, "twice": "two names" };
    const source = folder.tree("tree", files);
    await Deno.link(`${source}/twice`, `${source}/twice too`);
    const report = await packChanging(folder, source, () => {
      for (const name of ["small", "large", "twice"]) Deno.removeSync(`${source}/${name}`);
    }, profile);
    assert.deepEqual(report.failures.map(({ path, code }) => `${path} ${code}`).sort(), [
      "large system",
      "small system",
      "twice system",
    ]);
    for (const { reason } of report.failures) assert.match(reason, /it does not exist \(ENOENT\)/);
    await using image = await openImage(folder.file("a.fl"));
    assert.deepEqual(image.readDirectory("").map(({ path }) => path), ["kept"]);
  });

  Deno.test(`changing source: files that changed after the walk are packed as they are (${profile})`, async () => {
    using folder = new TempFolder();
    const source = folder.tree("tree", {
      "grows": "short",
      "shrinks": "a longer text",
      "empties": "gone",
      "same size": "before",
      "linked": "before",
      "large grows": LARGE,
    });
    await Deno.link(`${source}/linked`, `${source}/linked too`);
    const report = await packChanging(folder, source, () => {
      Deno.writeTextFileSync(`${source}/grows`, "much longer than before");
      Deno.writeTextFileSync(`${source}/shrinks`, "less");
      Deno.truncateSync(`${source}/empties`);
      Deno.writeTextFileSync(`${source}/same size`, "after!");
      Deno.writeTextFileSync(`${source}/linked`, "after, and longer");
      Deno.chmodSync(`${source}/linked`, 0o600);
    }, profile);
    assert.deepEqual(report.failures, []);
    const expected = {
      "grows": "much longer than before",
      "shrinks": "less",
      "empties": "",
      "same size": "after!",
      "linked": "after, and longer",
      "linked too": "after, and longer",
    };
    for (const [path, text] of Object.entries(expected)) {
      assert.equal(await readText(folder, path), text, path);
    }
    await using image = await openImage(folder.file("a.fl"));
    assert.equal(image.stat("linked too").mode, 0o100600);
  });

  Deno.test(`changing source: large files that changed after the walk are named (${profile})`, async () => {
    using folder = new TempFolder();
    const source = folder.tree("tree", { "grows": LARGE, "shrinks": LARGE, "empties": LARGE });
    const report = await packChanging(folder, source, () => {
      Deno.writeTextFileSync(`${source}/grows`, "more", { append: true });
      Deno.truncateSync(`${source}/shrinks`, 300_001);
      Deno.truncateSync(`${source}/empties`);
    }, profile);
    const reasons = report.failures.map(({ path, code }) => `${path} ${code}`).sort();
    assert.deepEqual(reasons, [
      "empties changed_while_read",
      "grows changed_while_read",
      "shrinks changed_while_read",
    ]);
    assert.equal(await readText(folder, "grows"), LARGE);
    assert.equal(await readText(folder, "shrinks"), LARGE.slice(0, 300_001));
    assert.equal(await readText(folder, "empties"), "");
  });
}

Deno.test("changing source: what is no longer a file is named and left out", async () => {
  using folder = new TempFolder();
  const names = ["directory", "link", "fifo", "large directory", "large link"];
  const files = names.map((name) => [name, name.startsWith("large") ? LARGE : "was a file"]);
  const source = folder.tree("tree", {
    ...Object.fromEntries(files),
    "sub/file": "x",
    "kept": "k",
  });
  const report = await packChanging(folder, source, () => {
    for (const name of names) Deno.removeSync(`${source}/${name}`);
    Deno.mkdirSync(`${source}/directory`);
    Deno.mkdirSync(`${source}/large directory`);
    Deno.symlinkSync("/etc/passwd", `${source}/link`);
    Deno.symlinkSync("/etc/passwd", `${source}/large link`);
    new Deno.Command("mkfifo", { args: [`${source}/fifo`] }).outputSync();
    // A directory that the walk has seen becomes a link out of the tree.
    Deno.renameSync(`${source}/sub`, folder.file("moved"));
    Deno.symlinkSync(folder.file("moved"), `${source}/sub`);
  });
  const failed = report.failures.map(({ path }) => path).sort();
  assert.deepEqual(failed, [...names, "sub"].sort().map((name) => name));
});

/** A store that keeps its puts waiting until it is opened. */
class GatedStore extends MemoryStore {
  readonly #gate = Promise.withResolvers<void>();
  /** Bytes of blocks that wait or have passed. */
  offeredBytes = 0;

  override async put(
    ...[id, block, options]: Parameters<MemoryStore["put"]>
  ): ReturnType<MemoryStore["put"]> {
    this.offeredBytes += block.length;
    await this.#gate.promise;
    return await super.put(id, block, options);
  }

  open(): void {
    this.#gate.resolve();
  }
}

const MIB = 2 ** 20;

for (
  const [name, change] of Object.entries<(path: string) => void>({
    "grows": (path) => Deno.writeFileSync(path, new Uint8Array(MIB), { append: true }),
    "shrinks": (path) => Deno.truncateSync(path, 50 * MIB),
    "is written": (path) => {
      using file = Deno.openSync(path, { write: true });
      file.seekSync(55 * MIB, Deno.SeekMode.Start);
      file.writeSync(new Uint8Array(MIB));
    },
  })
) {
  Deno.test(`changing source: a file that ${name} while it is read is named, the image sound`, async () => {
    using folder = new TempFolder();
    // More than the bytes that may be under way to a store, so that the reader has to wait.
    const content = new Uint8Array(60 * MIB);
    for (let at = 0; at < content.length; at += 65_536) {
      crypto.getRandomValues(content.subarray(at, at + 65_536));
    }
    const source = folder.tree("tree", { "large": content, "small": "small" });
    const store = new GatedStore();
    const meta = folder.file("a.fl");
    const packing = packDirectory(source, { meta, store, jobs: 1 });
    while (store.offeredBytes < 32 * MIB) await new Promise((resolve) => setTimeout(resolve, 10));
    change(`${source}/large`);
    store.open();
    const report = await packing;
    assert.deepEqual(report.failures.map(({ path, code }) => [path, code]), [
      ["large", "changed_while_read"],
    ]);
    assert.match(report.failures[0]!.reason, /changed while it was read/);
    const check = await checkImage(meta, { store, jobs: 1 });
    assert.equal(check.blocksOk, check.blocks);
    const { files, contentBytes } = await inspectImage(meta);
    assert.deepEqual([report.files, report.contentBytes], [files, contentBytes]);
    await using image = await openImage(meta, { store });
    // What had been read before the change is there as it was.
    const start = await image.readAt("large", 0, 20 * MIB);
    assert.ok(start.every((byte, i) => byte === content[i]));
    assert.equal(image.stat("large").digest, undefined);
  });
}

requiringTest(
  ["linux", "strace"],
  "unreadable source: a disk that fails is named, the rest packed",
  async () => {
    using folder = new TempFolder();
    const files = { "bad": "cannot be read", "bad large": LARGE, "good": "good", "z": "z" };
    const source = folder.tree("tree", files);
    const options = { meta: folder.file("a.fl"), store: `dir://${folder.file("blocks")}`, jobs: 1 };
    const paths = ["bad", "bad large"].flatMap((name) => ["-P", `${source}/${name}`]);
    const inject = ["-e", "trace=pread64", "-e", "inject=pread64:error=EIO"];
    const under = ["strace", "-f", "-qq", "-o", "/dev/null", ...paths, ...inject];
    const { report } = await runApi<PackReport>(["pack", source, options], { under });
    assert.ok(report !== undefined);
    assert.deepEqual(report.failures.map(({ path }) => path).sort(), ["bad", "bad large"]);
    for (const { reason, code } of report.failures) {
      assert.equal(code, "system");
      assert.match(reason, /^Cannot read bad.*input\/output error \(EIO\)$/);
    }
    const { files: count } = await inspectImage(options.meta);
    assert.equal(count, 2);
    const check = await checkImage(options.meta, { trustRoutes: true });
    assert.equal(check.blocksOk, check.blocks);
  },
);

requiringTest(
  ["linux", "strace"],
  "unreadable source: interrupted and short reads are no failures",
  async () => {
    using folder = new TempFolder();
    const source = folder.tree("tree", { "small": "small", "large": LARGE });
    const options = { meta: folder.file("a.fl"), store: `dir://${folder.file("blocks")}`, jobs: 1 };
    const paths = ["small", "large"].flatMap((name) => ["-P", `${source}/${name}`]);
    const inject = ["-e", "trace=pread64", "-e", "inject=pread64:error=EINTR:when=1+2"];
    const under = ["strace", "-f", "-qq", "-o", "/dev/null", ...paths, ...inject];
    const { report } = await runApi<PackReport>(["pack", source, options], { under });
    assert.deepEqual(report?.failures, []);
    await using image = await openImage(options.meta, { trustRoutes: true });
    assert.equal(new TextDecoder().decode(await image.readFile("large")), LARGE);
  },
);

Deno.test("unreadable source: a missing one, or a file, is an error that names it", async () => {
  using folder = new TempFolder();
  await Deno.writeTextFile(folder.file("file"), "a file");
  const store = new MemoryStore();
  for (const [name, errno] of [["missing", "ENOENT"], ["file", "ENOTDIR"]]) {
    const source = folder.file(name!);
    await assert.rejects(packDirectory(source, { meta: folder.file("a.fl"), store }), {
      name: "SystemError",
      errno: errno!,
      path: source,
    });
  }
  assert.deepEqual(folder.names(), ["file"]);
});

Deno.test("changing source: a tree under constant change can be packed", async () => {
  using folder = new TempFolder();
  const source = folder.tree("tree", { "stable": "stable", "large stable": LARGE });
  const script = `i=0; while :; do i=$((i+1)); head -c $((i % 7 * 1000)) /dev/zero > busy;
    echo $i >> log; mkdir -p d$((i%5)); echo x > d$((i%5))/f; rm -rf d$(((i+2)%5));
    head -c 400000 /dev/urandom > big; done`;
  const child = new Deno.Command("sh", { args: ["-c", script], cwd: source, stderr: "null" })
    .spawn();
  try {
    for (let round = 0; round < 6; round++) {
      const report = await packDirectory(source, {
        meta: folder.file("a.fl"),
        store: `dir://${folder.file("blocks")}`,
        jobs: 2,
      });
      await expectSound(folder, report);
      for (const { path } of report.failures) assert.match(path, /^(busy|log|big|d\d)/);
      assert.equal(await readText(folder, "stable"), "stable");
      assert.equal(await readText(folder, "large stable"), LARGE);
    }
  } finally {
    child.kill("SIGKILL");
    await child.status;
  }
});
