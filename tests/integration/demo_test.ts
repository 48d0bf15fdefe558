/**
 * Goal: `deno task demo` does the whole job on a directory, leaves nothing behind, and fails when
 * the trees differ. What it compares with is checked on its own, because no small tree comes back
 * different.
 */

import assert from "node:assert/strict";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { packDirectory } from "myfs";
import { proveWithMount } from "../../scripts_examples/demo/mount_proof.ts";
import { proveWithFind, proveWithRsync } from "../../scripts_examples/demo/system_proofs.ts";
import { chooseTree, surveyTree } from "../../scripts_examples/demo/tree_choice.ts";
import { compareListings, listTree } from "../../scripts_examples/demo/tree_listing.ts";
import { requiringTest } from "../helpers/require.ts";
import { until } from "../helpers/until.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Runs a test with a temporary folder that has a small tree, and a place for the demo's folder. */
function withTree(
  test: (paths: { folder: string; tree: string; work: string }) => Promise<void>,
): () => Promise<void> {
  return async () => {
    const folder = await Deno.makeTempDir({ prefix: "myfs test " });
    try {
      const tree = `${folder}/tree`;
      const work = `${folder}/work`;
      await Deno.mkdir(work);
      await makeTree(tree);
      await test({ folder, tree, work });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  };
}

async function makeTree(tree: string): Promise<void> {
  await Deno.mkdir(`${tree}/directory/below`, { recursive: true });
  for (let i = 0; i < 20; i++) {
    await Deno.writeTextFile(`${tree}/directory/file ${i}`, `${i} `.repeat(20_000 * (i % 3)));
  }
  await Deno.symlink("nowhere", `${tree}/link`);
  await Deno.link(`${tree}/directory/file 1`, `${tree}/other name`);
  await Deno.chmod(`${tree}/directory/file 2`, 0o600);
  await Deno.utime(`${tree}/directory/below`, 1, 1.5);
}

async function makeProgram(path: string, script: string): Promise<void> {
  await Deno.mkdir(dirname(path), { recursive: true });
  await Deno.writeTextFile(path, `#!/bin/sh\n${script}\n`);
  await Deno.chmod(path, 0o755);
}

async function packedFlist(tree: string, folder: string): Promise<string> {
  const meta = `${folder}/tree.fl`;
  const store = `dir://${folder}/blocks`;
  await packDirectory(tree, { meta, store, stateFolder: `${folder}/state` });
  return meta;
}

function startDemo(
  args: readonly string[],
  env: Record<string, string>,
): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", "demo", ...args],
    cwd: ROOT,
    env: { NO_COLOR: "1", ...env },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

async function runDemo(
  args: readonly string[],
  env: Record<string, string>,
): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await startDemo(args, env).output();
  const decoder = new TextDecoder();
  return { exitCode: code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

async function namesIn(directory: string): Promise<string[]> {
  return await Array.fromAsync(Deno.readDir(directory), ({ name }) => name);
}

Deno.test(
  "demo: packs, checks, unpacks and compares a directory, and removes what it made",
  withTree(async ({ tree, work }) => {
    const options = { owners: true, skip: new Set<string>(), signal: new AbortController().signal };
    const before = await listTree(tree, options);
    const { exitCode, stdout, stderr } = await runDemo([tree], { TMPDIR: work });
    assert.equal(exitCode, 0, stdout + stderr);
    assert.equal(stderr, "");
    const steps = stdout.matchAll(/^(\d) {2}(\S.*?) {2,}\d+\.\d\d s/gm);
    assert.deepEqual(Array.from(steps, ([, number, name]) => `${number} ${name}`), [
      "1 Pack into a local store",
      "2 Inspect the flist",
      "3 Pack again, on top of the first",
      "4 Check every block",
      "5 Unpack",
      "6 Mount, and compare what is seen",
      "7 Compare every entry",
      "8 Compare with find",
      "9 Compare with rsync",
    ]);
    assert.match(stdout, /\n {3}(usable after \d+ ms; all entries, .* are equal|skipped: .+)\n/);
    assert.match(stdout, /\n {3}25 entries: kinds, modes, .* are equal\n/);
    assert.match(stdout, /\nSaved {3}.* less\n/);
    assert.match(stdout, /\nResult {2}the unpacked tree is equal to the tree that was packed\n$/);
    // Without a terminal there is nothing to overwrite.
    assert(!stdout.includes("\r") && !stdout.includes("\x1b"));

    assert.deepEqual(await namesIn(work), []);
    assert.deepEqual(await listTree(tree, options), before);
  }),
);

Deno.test(
  "demo: fails when a comparison finds a difference",
  withTree(async ({ folder, tree, work }) => {
    await makeProgram(`${folder}/bin/rsync`, 'echo ">f.st...... directory/x"');
    const path = `${folder}/bin:${Deno.env.get("PATH")}`;
    const { exitCode, stdout, stderr } = await runDemo([tree], { TMPDIR: work, PATH: path });
    assert.equal(exitCode, 1);
    assert.equal(stderr, "");
    assert.match(stdout, /DIFFERENT:\n {5}>f\.st\.{6} directory\/x\n/);
    assert.match(stdout, /\nResult {2}THE TREES DIFFER/);
    assert.deepEqual(await namesIn(work), []);
  }),
);

Deno.test(
  "demo: an interrupt ends it and leaves nothing behind",
  withTree(async ({ tree, work }) => {
    // To compare this takes long; to pack and unpack it does not.
    await Deno.writeTextFile(`${tree}/hole`, "");
    await Deno.truncate(`${tree}/hole`, 2 ** 36);
    const demo = startDemo([tree], { TMPDIR: work });
    let told = "";
    for await (const text of demo.stdout.pipeThrough(new TextDecoderStream())) {
      const isComparing = /^6 {2}Mount.*\n.*\n/m;
      if (!isComparing.test(told) && isComparing.test(told + text)) demo.kill("SIGINT");
      told += text;
    }
    const stderr = await new Response(demo.stderr).text();
    assert.equal((await demo.status).code, 130, told + stderr);
    assert.equal(stderr, "Interrupted: nothing is left behind\n");
    assert.deepEqual(await namesIn(work), []);
  }),
);

requiringTest(
  ["root", "fuse"],
  "demo: mounts the image, and a difference there counts",
  withTree(async ({ folder, tree, work }) => {
    // It sees the mount alone as different.
    await makeProgram(`${folder}/bin/rsync`, `case "$*" in *mounted*) echo "*deleting x";; esac`);
    const path = `${folder}/bin:${Deno.env.get("PATH")}`;
    const { exitCode, stdout, stderr } = await runDemo([tree], { TMPDIR: work, PATH: path });
    assert.equal(exitCode, 1, stdout + stderr);
    assert.match(stdout, /^6 .*\n {3}usable after \d+ ms; DIFFERENT:\n {5}\*deleting x\n7/m);
    assert.match(stdout, /^9 .*\n {3}rsync -aHAXn --checksum --delete has nothing to do\n/m);
    assert.match(stdout, /\nResult {2}THE TREES DIFFER/);
    assert.deepEqual(await namesIn(work), []);
  }),
);

requiringTest(
  ["root", "fuse"],
  "demo: an interrupt while the image is mounted leaves no mount",
  withTree(async ({ folder, tree, work }) => {
    const seen = `${folder}/seen`;
    const program = `cp /proc/self/mountinfo "${seen}.new"; mv "${seen}.new" "${seen}"; ` +
      "exec sleep 60";
    await makeProgram(`${folder}/bin/rsync`, program);
    // Read to its end, it takes half a minute.
    await Deno.writeTextFile(`${tree}/hole`, "");
    await Deno.truncate(`${tree}/hole`, 2 ** 36);
    const path = `${folder}/bin:${Deno.env.get("PATH")}`;
    const demo = startDemo([tree], { TMPDIR: work, PATH: path });
    const output = demo.output();
    await until(async () => await Deno.stat(seen).then(() => true, () => false));
    demo.kill("SIGINT");
    const { code, stderr } = await output;
    assert.equal(code, 130);
    assert.equal(new TextDecoder().decode(stderr), "Interrupted: nothing is left behind\n");
    // As the kernel writes a space.
    const mounted = work.replaceAll(" ", "\\040");
    assert.ok((await Deno.readTextFile(seen)).includes(mounted));
    assert.ok(!(await Deno.readTextFile("/proc/self/mountinfo")).includes(mounted));
    assert.deepEqual(await namesIn(work), []);
  }),
);

Deno.test(
  "demo: says so where it cannot mount",
  withTree(async ({ tree, work }) => {
    const signal = new AbortController().signal;
    const { proof } = await proveWithMount({
      meta: await packedFlist(tree, work),
      store: `dir://${work}/blocks`,
      source: tree,
      target: `${work}/missing`,
      skip: new Set(),
      isWhole: true,
      signal,
    });
    assert.equal(proof.kind, "skipped");
    assert.match(JSON.stringify(proof), /Cannot mount/);
  }),
);

Deno.test(
  "demo: refuses wrong arguments, and trees that it cannot use",
  withTree(async ({ folder, tree, work }) => {
    const usage = await runDemo([tree, tree], { TMPDIR: work });
    assert.equal(usage.exitCode, 2);
    assert.equal(usage.stderr, "Usage: deno task demo [directory]\n");
    const missing = await runDemo([`${folder}/missing`], { TMPDIR: work });
    assert.equal(missing.exitCode, 1);
    assert.match(missing.stderr, /missing is not a directory that can be read/);
    const around = await runDemo([folder], { TMPDIR: work });
    assert.equal(around.exitCode, 1);
    assert.match(around.stderr, /set TMPDIR to a folder outside of it/);
    assert.deepEqual(await namesIn(work), []);
  }),
);

/** One thing that may differ between two trees, and what a comparison says of it. */
const CHANGES: readonly (readonly [RegExp, (tree: string) => Promise<void>])[] = [
  [/^directory\/file 1 was .* SHA-256 \w+, is .* SHA-256 \w+$/, async (tree) => {
    const path = `${tree}/directory/file 1`;
    const { mtime } = await Deno.stat(path);
    const text = await Deno.readTextFile(path);
    await Deno.writeTextFile(path, text.replace("1", "2"));
    await Deno.utime(path, mtime!, mtime!);
  }],
  [/^directory\/file 2 was file, 600, .* is file, 644,/, async (tree) => {
    await Deno.chmod(`${tree}/directory/file 2`, 0o644);
  }],
  [/^directory\/below was .*00:00:01\.500Z.* is .*00:00:02\.000Z/, async (tree) => {
    await Deno.utime(`${tree}/directory/below`, 1, 2);
  }],
  [/^link was .* to nowhere, is .* to elsewhere$/, async (tree) => {
    const { mtime } = await Deno.lstat(`${tree}/link`);
    await Deno.remove(`${tree}/link`);
    await Deno.symlink("elsewhere", `${tree}/link`);
    await new Deno.Command("touch", { args: ["-h", "-d", mtime!.toISOString(), `${tree}/link`] })
      .output();
  }],
  [/^other name was .* the same inode as directory\/file 1, .* is file,/, async (tree) => {
    await Deno.remove(`${tree}/other name`);
    await new Deno.Command("cp", { args: ["-p", `${tree}/directory/file 1`, `${tree}/other name`] })
      .output();
  }],
  [/^directory\/file 3 is missing$/, async (tree) => {
    await Deno.remove(`${tree}/directory/file 3`);
  }],
  [/^directory\/new is new$/, async (tree) => {
    await Deno.writeTextFile(`${tree}/directory/new`, "");
  }],
];

Deno.test(
  "demo: its own comparison finds every kind of difference",
  withTree(async ({ folder, tree }) => {
    const options = { owners: true, skip: new Set<string>(), signal: new AbortController().signal };
    const left = await listTree(tree, options);
    for (const [expected, change] of CHANGES) {
      const copy = `${folder}/copy`;
      await new Deno.Command("cp", { args: ["-a", tree, copy] }).output();
      assert.deepEqual(compareListings(left, await listTree(copy, options), 9).examples, []);
      await change(copy);
      const { count, examples } = compareListings(left, await listTree(copy, options), 9);
      assert(count > 0 && examples.some((text) => expected.test(text)), `${expected}: ${examples}`);
      await Deno.remove(copy, { recursive: true });
    }
    const skip = new Set(["directory"]);
    assert.deepEqual([...(await listTree(tree, { ...options, skip })).keys()], [
      ".",
      "link",
      "other name",
    ]);
  }),
);

Deno.test(
  "demo: find and rsync see what Deno does not",
  withTree(async ({ folder, tree }) => {
    const options = { owners: true, signal: new AbortController().signal };
    const copy = `${folder}/copy`;
    await new Deno.Command("cp", { args: ["-a", tree, copy] }).output();
    assert.deepEqual(await proveWithFind(tree, copy, options), { kind: "equal" });
    const rsync = await proveWithRsync(tree, copy, options);
    // Not everyone has rsync.
    if (rsync.kind === "skipped") assert.match(rsync.why, /rsync/);
    else assert.equal(rsync.kind, "equal");

    const time = "2020-01-01 00:00:00.000000001";
    await new Deno.Command("touch", { args: ["-d", time, `${copy}/directory/below`] }).output();
    const found = await proveWithFind(tree, copy, options);
    assert.equal(found.kind, "different");
    assert.match(JSON.stringify(found), /directory\/below .*\.0000000010/);
    await Deno.writeTextFile(`${copy}/new`, "");
    if (rsync.kind !== "skipped") {
      assert.match(JSON.stringify(await proveWithRsync(tree, copy, options)), /deleting +new/);
    }
  }),
);

Deno.test(
  "demo: chooses a tree of thousands of files, and none that is too large",
  withTree(async ({ folder, tree }) => {
    const cache = `${folder}/npm`;
    await Deno.mkdir(cache);
    for (let i = 0; i < 2000; i++) await Deno.writeTextFile(`${cache}/${i}`, "x");
    const paths = [`${folder}/missing`, tree, cache, "/usr/share"];
    assert.deepEqual(chooseTree(paths), { path: cache, files: 2000, bytes: 2000 });
    assert.equal(surveyTree(tree)?.files, 21);
    assert.equal(surveyTree(tree, { filesMax: 20 }), undefined);
    assert.equal(surveyTree(tree, { bytesMax: 1000 }), undefined);
    assert.equal(surveyTree(`${tree}/missing`), undefined);
  }),
);
