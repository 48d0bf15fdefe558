/**
 * The commands on a real image: that each is wired to its library function, prints what it should
 * where it should, and has the JSON fields that `cli/README.md` promises.
 */

import assert from "node:assert/strict";
import { myfs, myfsJson, myfsOk, Workplace } from "./cli_process.ts";

/** A workplace with a small tree, packed as `tree.fl` into the store `blocks`. */
function packedTree(): Promise<Workplace> {
  return Workplace.create(async (place) => {
    await place.write({
      "tree/hello.txt": "hello\n",
      "tree/docs/a.txt": "a".repeat(5000),
      "tree/docs/deep/b.txt": "b",
    });
    await Deno.symlink("hello.txt", `${place.path}/tree/link`);
    await Deno.chmod(`${place.path}/tree/docs/a.txt`, 0o4750);
    await Deno.utime(`${place.path}/tree/docs/a.txt`, 1_700_000_000, 1_700_000_000);
    await myfsOk(["pack", "-q", "-m", "tree.fl", "-s", place.store(), "tree"], place.options);
  });
}

/** For tests that only read. */
let shared: Workplace;

Deno.test.beforeAll(async () => {
  shared = await packedTree();
});

Deno.test.afterAll(() => shared[Symbol.asyncDispose]());

/** The paths of all blocks in the store `blocks`. */
async function blockPaths(folder: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const entry of Deno.readDir(folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) paths.push(...await blockPaths(path));
    else if (/^[0-9a-f]{64}$/.test(entry.name)) paths.push(path);
  }
  return paths;
}

Deno.test("pack: prints its summary to standard error and nothing to standard output", async () => {
  await using place = await packedTree();
  const args = ["pack", "--meta", "b.fl", "--store-spec", place.store(), "tree"];
  const { stdout, stderr } = await myfsOk(args, place.options);
  assert.equal(stdout, "");
  assert.match(stderr, /^Packed tree into b\.fl in \d+(\.\d)? m?s/);
  assert.match(stderr, / {2}tree {5}3 files, 3 directories, 1 symlink\n/);
  assert.match(stderr, /0 new blocks/);
  assert.equal((await myfsOk([...args, "--quiet"], place.options)).stderr, "");
  assert.deepEqual(
    await Deno.readFile(`${place.path}/b.fl`),
    await Deno.readFile(`${place.path}/tree.fl`),
  );
});

Deno.test("pack: passes its options on", async () => {
  await using place = await packedTree();
  const args = ["pack", "-m", "o.fl", "-s", `00-7f=${place.store("a")}`, "-s"];
  args.push(`80-ff=${place.store("b")}`, "--exclude", "docs/deep", "--tag", "x=1", "--tag", "y=2");
  args.push("-j1", "--level=1", "tree");
  await myfsOk(args, place.options);
  const { document } = await myfsJson(["flist", "inspect", "o.fl"], place.options);
  assert.deepEqual(document["tags"], { x: "1", y: "2" });
  assert.deepEqual(document["routes"], [
    { start: 0, end: 127, url: place.store("a") },
    { start: 128, end: 255, url: place.store("b") },
  ]);
  assert.equal(document["files"], 2);
  const rfs = ["pack", "-m", "r.fl", "-s", place.store(), "--profile", "rfs", "tree"];
  await myfsOk(rfs, place.options);
  assert.match(
    (await myfsOk(["flist", "inspect", "r.fl"], place.options)).stdout,
    /profile {2}rfs/,
  );
});

Deno.test("pack: with --json, prints its report", async () => {
  await using place = await packedTree();
  const args = ["pack", "-m", "b.fl", "-s", place.store(), "--base", "tree.fl", "tree"];
  const { code, document } = await myfsJson(args, place.options);
  assert.equal(code, 0);
  const varying = { durationMs: 0, flistBytes: 0, referencedBytes: 0, unchangedFiles: 0 };
  for (const field of Object.keys(varying)) assert.equal(typeof document[field], "number", field);
  assert.deepEqual({ ...document, ...varying }, {
    meta: "b.fl",
    profile: "myfs",
    files: 3,
    directories: 3,
    symlinks: 1,
    specials: 0,
    hardLinks: 0,
    contentBytes: 5007,
    chunks: 1,
    blocksStored: 0,
    blocksPresent: 0,
    blocksReused: 1,
    storedBytes: 0,
    referencedBytes: 0,
    flistBytes: 0,
    unchangedFiles: 0,
    durationMs: 0,
    failures: [],
    losses: [],
  });
});

Deno.test("unpack: fills the target, with the flist as operand or as --meta", async () => {
  const { stdout, stderr } = await myfsOk(["unpack", "tree.fl", "one"], shared.options);
  assert.equal(stdout, "");
  assert.match(stderr, /^Unpacked tree\.fl into one in /);
  await myfsOk(["unpack", "--meta", "tree.fl", "--path", "docs", "two"], shared.options);
  assert.equal(await Deno.readTextFile(`${shared.path}/one/hello.txt`), "hello\n");
  assert.equal(await Deno.readTextFile(`${shared.path}/two/deep/b.txt`), "b");
  const { document } = await myfsJson(["unpack", "tree.fl", "three"], shared.options);
  for (const [field, value] of Object.entries({ target: "three", files: 3, contentBytes: 5007 })) {
    assert.equal(document[field], value, field);
  }
  assert.deepEqual([document["failures"], document["losses"]], [[], []]);
});

Deno.test("flist: local routes of a flist that was not made here need --trust-routes", async () => {
  const stranger = { ...shared.options, env: { MYFS_CACHE_DIR: `${shared.path}/other` } };
  const { code, stderr } = await myfs(["flist", "cat", "tree.fl", "hello.txt"], stranger);
  assert.equal(code, 12);
  assert.match(stderr, /\nhint: .*--trust-routes/);
  for (const option of [["--trust-routes"], ["--store", shared.store()]]) {
    const args = ["flist", "cat", ...option, "tree.fl", "hello.txt"];
    assert.equal((await myfsOk(args, stranger)).stdout, "hello\n");
  }
});

Deno.test("flist ls: lists names, details, and everything below", async () => {
  const ls = async (...args: string[]): Promise<string> =>
    (await myfsOk(["flist", "ls", ...args], shared.options)).stdout;
  assert.equal(await ls("tree.fl"), "docs\nhello.txt\nlink\n");
  assert.equal(await ls("-m", "tree.fl", "docs"), "a.txt\ndeep\n");
  assert.equal(await ls("tree.fl", "/docs/a.txt"), "a.txt\n");
  assert.equal(await ls("-R", "tree.fl", "docs"), "docs\ndocs/a.txt\ndocs/deep\ndocs/deep/b.txt\n");
  const long = await ls("-l", "tree.fl", "docs/a.txt");
  assert.match(long, /^-rwsr-x--- +\d+ +\d+ +5000 2023-11-14 22:13:20 a\.txt\n$/);
  assert.match(await ls("-l", "tree.fl"), /^lrwxrwxrwx .* link -> hello\.txt$/m);
});

Deno.test("flist ls: with --json, an entry has the fields that are documented", async () => {
  const { document } = await myfsJson(["flist", "ls", "tree.fl", "docs/a.txt"], shared.options);
  const { uid, gid } = await Deno.stat(`${shared.path}/tree`);
  const [entry] = document["entries"] as Record<string, unknown>[];
  assert.match(String(entry!["digest"]), /^[0-9a-f]{64}$/);
  assert.deepEqual({ ...document, entries: [{ ...entry, digest: "" }] }, {
    meta: "tree.fl",
    path: "docs/a.txt",
    entries: [{
      path: "docs/a.txt",
      kind: "file",
      mode: "4750",
      uid,
      gid,
      size: 5000,
      mtime: "2023-11-14T22:13:20.000000000Z",
      digest: "",
    }],
  });
});

Deno.test("flist tree: draws the tree as deep as asked", async () => {
  const all = "/\n├── docs\n│   ├── a.txt\n│   └── deep\n│       └── b.txt\n" +
    "├── hello.txt\n└── link -> hello.txt\n";
  const tree = async (...args: string[]): Promise<string> =>
    (await myfsOk(["flist", "tree", ...args], shared.options)).stdout;
  assert.equal(await tree("tree.fl"), all);
  assert.equal(await tree("--depth", "1", "tree.fl", "docs"), "docs\n├── a.txt\n└── deep\n");
  const { document } = await myfsJson(["flist", "tree", "-L1", "tree.fl"], shared.options);
  const entries = document["entries"] as { path: string }[];
  assert.deepEqual(entries.map(({ path }) => path), ["", "docs", "hello.txt", "link"]);
});

Deno.test("flist cat: prints contents one after the other, or in base64", async () => {
  const cat = ["flist", "cat", "tree.fl", "docs/deep/b.txt", "hello.txt"];
  assert.equal((await myfsOk(cat, shared.options)).stdout, "bhello\n");
  assert.deepEqual((await myfsJson(cat, shared.options)).document, {
    meta: "tree.fl",
    files: [
      { path: "docs/deep/b.txt", size: 1, content: btoa("b") },
      { path: "hello.txt", size: 6, content: btoa("hello\n") },
    ],
  });
  const directory = await myfs(["flist", "cat", "tree.fl", "docs"], shared.options);
  assert.equal(directory.code, 10);
  assert.match(directory.stderr, /directory/);
});

Deno.test("flist: names cannot command a terminal, and can be given back as printed", async () => {
  await using place = await packedTree();
  const bash = new Deno.Command("bash", {
    args: ["-c", "printf 1 > $'tree/\\e[2Jred'; printf 2 > $'tree/\\xff\\\\x2d'"],
    cwd: place.path,
  });
  assert.equal((await bash.output()).code, 0);
  await myfsOk(["pack", "-m", "odd.fl", "-s", place.store(), "tree"], place.options);
  const { stdout } = await myfsOk(["flist", "ls", "odd.fl"], place.options);
  assert.ok(!stdout.includes("\x1b"));
  const names = stdout.split("\n").filter((name) => name.startsWith("\\"));
  assert.deepEqual(names, ["\\x1b[2Jred", "\\xff\\\\x2d"]);
  const { stdout: content } = await myfsOk(["flist", "cat", "odd.fl", ...names], place.options);
  assert.equal(content, "12");
  await myfsOk(["unpack", "odd.fl", "--path", names[0]!, "out"], place.options);
  assert.equal(await Deno.readTextFile(`${place.path}/out/\x1b[2Jred`), "1");
  const { document } = await myfsJson(["flist", "ls", "odd.fl"], place.options);
  const entries = document["entries"] as { path: string }[];
  assert.deepEqual(entries.map(({ path }) => path).filter((path) => !/^[a-z]/.test(path)), [
    "\x1b[2Jred",
    "\udcff\\x2d",
  ]);
});

Deno.test("flist inspect: prints a flist in figures", async () => {
  const { stdout } = await myfsOk(["flist", "inspect", "tree.fl"], shared.options);
  assert.match(stdout, /^flist {4}tree\.fl\nprofile {2}myfs, version 1\n/);
  assert.match(stdout, /^tree {5}3 files, 3 directories, 1 symlink$/m);
  assert.ok(stdout.endsWith(`route    ${shared.store()}\n`));
});

Deno.test("flist dump: leaves the keys out unless asked", async () => {
  const dump = async (...args: string[]): Promise<string> =>
    (await myfsOk(["flist", "dump", "tree.fl", ...args], shared.options)).stdout;
  assert.doesNotMatch(await dump(), / key=/);
  assert.match(await dump("--keys"), / key=[0-9a-f]{64}$/m);
  const { document } = await myfsJson(["flist", "dump", "tree.fl"], shared.options);
  assert.deepEqual((document["lines"] as string[]).join("\n") + "\n", await dump());
});

Deno.test("flist diff: exits with 0 when nothing differs and with 1 when something does", async () => {
  await using place = await packedTree();
  const same = await myfs(["flist", "diff", "tree.fl", "tree.fl"], place.options);
  assert.deepEqual([same.code, same.stdout], [0, ""]);
  await place.write({ "tree/docs/deep/b.txt": "changed", "tree/new": "n" });
  await Deno.remove(`${place.path}/tree/hello.txt`);
  await myfsOk(["pack", "-q", "-m", "new.fl", "-s", place.store(), "tree"], place.options);
  const other = await myfs(["flist", "diff", "tree.fl", "new.fl"], place.options);
  assert.equal(other.code, 1);
  assert.match(other.stdout, /^~ docs\/deep\/b\.txt \(.*content.*\)\n- hello\.txt\n\+ new\n$/m);
  const { code, document } = await myfsJson(["flist", "diff", "tree.fl", "new.fl"], place.options);
  assert.equal(code, 1);
  assert.deepEqual([document["added"], document["removed"]], [["new"], ["hello.txt"]]);
});

Deno.test("check: finds all well, then blocks missing, then blocks damaged", async () => {
  await using place = await packedTree();
  const good = await myfsOk(["check", "tree.fl"], place.options);
  assert.equal(good.stdout, "");
  assert.match(good.stderr, /^Checked 1 block of tree\.fl .*: all well\n$/);
  const [block] = await blockPaths(`${place.path}/blocks`);
  const bytes = await Deno.readFile(block!);
  await Deno.remove(block!);
  const gone = await myfs(["check", "--presence-only", "tree.fl"], place.options);
  assert.equal(gone.code, 10);
  assert.match(gone.stdout, /^missing [0-9a-f]{64}: .*\n( {2}.*\n)* {2}docs\/a\.txt\n/);
  bytes[bytes.length - 1]! ^= 1;
  await Deno.writeFile(block!, bytes);
  const { code, document } = await myfsJson(["check", "tree.fl"], place.options);
  assert.equal(code, 11);
  assert.deepEqual(document["missing"], []);
  const [fault] = document["corrupt"] as Record<string, unknown>[];
  assert.deepEqual(Object.keys(fault!).sort(), ["id", "pathCount", "paths", "reason"]);
  assert.equal(fault!["pathCount"], 3);
});

Deno.test("unpack: files whose blocks are gone are named, and the exit code is 3", async () => {
  await using place = await packedTree();
  for (const path of await blockPaths(`${place.path}/blocks`)) await Deno.remove(path);
  const { code, stderr } = await myfs(["unpack", "tree.fl", "out"], place.options);
  assert.equal(code, 3);
  assert.match(stderr, /^failed: docs\/a\.txt: /m);
  const { code: same, document } = await myfsJson(["unpack", "tree.fl", "out2"], place.options);
  assert.equal(same, 3);
  const failures = document["failures"] as { path: string; code: string }[];
  assert.deepEqual(failures.map(({ path }) => path).sort(), [
    "docs/a.txt",
    "docs/deep/b.txt",
    "hello.txt",
  ]);
  assert.equal(failures[0]!.code, "block_not_found");
});

Deno.test("clone: copies the blocks and writes a flist that leads to them", async () => {
  await using place = await packedTree();
  const args = ["clone", "tree.fl", "--target", "copy.fl", "-s", place.store("copy")];
  const { document } = await myfsJson(args, place.options);
  assert.deepEqual([document["blocksCopied"], document["target"]], [1, "copy.fl"]);
  await Deno.remove(`${place.path}/blocks`, { recursive: true });
  await myfsOk(["check", "copy.fl"], place.options);
  const again = await myfs(["clone", "copy.fl", "--target", "third.fl"], place.options);
  assert.equal(again.code, 2);
  assert.match(again.stderr, /--store/);
});

Deno.test("commit: packs an image with what an overlay's upper directory has", async () => {
  await using place = await packedTree();
  await place.write({ "upper/new.txt": "new\n", "upper/docs/a.txt": "changed" });
  const args = ["commit", "--userxattr", "--base", "tree.fl", "-m", "new.fl", "upper"];
  const { stdout, stderr } = await myfsOk([...args, "--tag", "x=1", "-j1"], place.options);
  assert.equal(stdout, "");
  assert.match(stderr, /^Committed upper on tree\.fl into new\.fl in /);
  assert.match(
    stderr,
    / {2}changes {2}3 entries from the overlay, 0 names of the base taken away\n/,
  );
  assert.match(stderr, / {2}stored {3}1 new block/);
  const listed = await myfsOk(["flist", "ls", "-R", "new.fl"], place.options);
  assert.match(listed.stdout, /new\.txt/);
  const { document } = await myfsJson(["flist", "inspect", "new.fl"], place.options);
  assert.deepEqual(document["tags"], { x: "1" });

  const other = [...args, "-s", place.store("other"), "--exclude", "docs/deep", "--json"];
  const { code, document: report } = await myfsJson(other, place.options);
  assert.equal(code, 0);
  const { upper, base, meta, files, upperEntries, whiteouts, blocksElsewhere } = report;
  assert.deepEqual(
    { upper, base, meta, files, upperEntries, whiteouts, blocksElsewhere },
    {
      upper: "upper",
      base: "tree.fl",
      meta: "new.fl",
      files: 3,
      upperEntries: 3,
      whiteouts: 0,
      blocksElsewhere: 1,
    },
  );
  const routes = await myfsJson(["config", "store", "list", "new.fl"], place.options);
  assert.equal(JSON.stringify(routes.document).match(/dir:/g)?.length, 2);
  const check = await myfsOk(["check", "new.fl"], place.options);
  assert.match(check.stderr, /all well/);
});

Deno.test("config: sets, lists and deletes tags, wherever --meta stands", async () => {
  await using place = await packedTree();
  const tag = async (...args: string[]): Promise<string> =>
    (await myfsOk(["config", ...args], place.options)).stdout;
  assert.equal(await tag("tag", "add", "tree.fl", "b=1", "a=x=y"), "");
  assert.equal(await tag("tag", "list", "tree.fl"), "a=x=y\nb=1\n");
  assert.equal(await tag("--meta", "tree.fl", "tag", "delete", "b"), "");
  assert.equal(await tag("tag", "list", "-m", "tree.fl"), "a=x=y\n");
  const absent = await myfs(["config", "tag", "delete", "tree.fl", "a", "no"], place.options);
  assert.equal(absent.code, 10);
  assert.equal(
    await tag("tag", "list", "tree.fl", "--json"),
    '{"meta":"tree.fl","tags":{"a":"x=y"}}\n',
  );
  assert.equal(await tag("tag", "delete", "--all", "tree.fl"), "");
  assert.equal(await tag("tag", "list", "tree.fl"), "");
});

Deno.test("config: routes lose their passwords unless asked to keep them, and show none", async () => {
  await using place = await packedTree();
  const store = async (...args: string[]): Promise<string> =>
    (await myfsOk(["config", "store", ...args], place.options)).stdout;
  await store("add", "tree.fl", "00-7f=zdb://me:secret@host:9900/space");
  assert.equal(await store("list", "tree.fl"), `${place.store()}\n00-7f=zdb://host:9900/space\n`);
  await store("delete", "tree.fl", place.store(), "zdb://host:9900/space");
  assert.equal(await store("list", "tree.fl"), "");
  await store("add", "--no-strip-password", "tree.fl", "zdb://me:secret@host:9900/space");
  const shown = await store("list", "tree.fl");
  assert.doesNotMatch(shown, /secret/);
  assert.match(await store("list", "tree.fl", "--json"), /"start":0,"end":255,"url":"zdb:/);
  await store("delete", "tree.fl", shown.trim());
  assert.equal(await store("list", "tree.fl"), "");
});

Deno.test("config: a flist of one's own stays so when it is edited", async () => {
  await using place = await packedTree();
  await myfsOk(["config", "tag", "add", "tree.fl", "a=1"], place.options);
  await myfsOk(["unpack", "tree.fl", "out"], place.options);
});

Deno.test("check: with --heal, brings back what one of two stores lost", async () => {
  await using place = await packedTree();
  const stores = ["-s", place.store("one"), "-s", place.store("two")];
  await myfsOk(["pack", "-q", "-m", "two.fl", ...stores, "tree"], place.options);
  const [block] = await blockPaths(`${place.path}/two`);
  const bytes = await Deno.readFile(block!);
  await Deno.writeFile(block!, bytes.slice(1));
  const { stderr } = await myfsOk(["check", "two.fl"], place.options);
  assert.doesNotMatch(stderr, /Healed/);
  const healed = await myfsOk(["check", "--heal", "two.fl"], place.options);
  assert.match(healed.stderr, /\nHealed 1 block in dir:.*\/two: 0 had been missing, 1 damaged\n/);
  assert.deepEqual(await Deno.readFile(block!), bytes);
  await Deno.remove(block!);
  const unpacked = await myfsJson(["unpack", "--heal", "two.fl", "out"], place.options);
  assert.deepEqual((unpacked.document["healing"] as { unhealed: unknown }).unhealed, []);
  const { document } = await myfsJson(["check", "--heal", "two.fl"], place.options);
  const { unhealed } = document["healing"] as Record<string, unknown[]>;
  assert.deepEqual(unhealed, []);
  assert.deepEqual(await Deno.readFile(block!), bytes);
  await Deno.remove(`${place.path}/two`, { recursive: true });
  const { code, stderr: warning } = await myfs(["check", "--heal", "two.fl"], place.options);
  assert.equal(code, 3);
  assert.match(warning, /Not healed: 1 block in dir:.*\/two: /);
  const wrong = await myfs(["check", "--heal", "--presence-only", "two.fl"], place.options);
  assert.equal(wrong.code, 2);
});

Deno.test("options for stores: hold back what goes through stores, and are refused out of range", async () => {
  await using place = await Workplace.create(async (place) => {
    await Deno.mkdir(`${place.path}/tree`);
    const noise = crypto.getRandomValues(new Uint8Array(60_000));
    await Deno.writeFile(`${place.path}/tree/noise`, noise);
  });
  const tuning = ["--timeout", "20", "--retries", "0", "--limit-rate", "100K"];
  const pack = ["pack", "-m", "a.fl", "-s", place.store(), ...tuning, "--concurrency", "2"];
  const { document: packed } = await myfsJson([...pack, "tree"], place.options);
  // A quarter of a second's worth passes at once.
  assert.ok((packed["durationMs"] as number) >= 300, `${packed["durationMs"]} ms`);
  await myfsOk(["unpack", ...tuning, "a.fl", "out"], place.options);
  await myfsOk(["check", ...tuning, "a.fl"], place.options);
  await myfsOk(["flist", "cat", ...tuning, "a.fl", "noise", "--json"], place.options);
  const clone = ["clone", ...tuning, "-m", "a.fl", "--target", "b.fl", "-s", place.store("b")];
  await myfsOk(clone, place.options);
  for (const wrong of [["--timeout", "0"], ["--retries", "100"], ["--limit-rate", "fast"]]) {
    assert.equal((await myfs(["check", ...wrong, "a.fl"], place.options)).code, 2);
  }
});
