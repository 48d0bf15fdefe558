/**
 * Goal: the scripts of `scripts_examples/`, and the commands and the script of the README, do what
 * they say, as users run them: as processes of their own, on real files.
 */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import {
  connectHub,
  diffImages,
  downloadTree,
  type EntryAspect,
  openImage,
  packDirectory,
  type Profile,
} from "myfs";
import { libc } from "../../lib/linux/libc.ts";
import { HUB_PASSWORDS, HubServer } from "../helpers/hub_server.ts";
import { writeLayout } from "../helpers/oci_layout.ts";
import { makeLayer } from "../helpers/tar_maker.ts";

// It stays loaded for as long as the process lives: loaded within a test, it would count as leaked.
libc();

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function runScript(
  name: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Outcome> {
  const output = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", `scripts_examples/${name}`, ...args],
    cwd: ROOT,
    env: { NO_COLOR: "1", ...env },
  }).output();
  const decoder = new TextDecoder();
  return {
    exitCode: output.code,
    stdout: decoder.decode(output.stdout),
    stderr: decoder.decode(output.stderr),
  };
}

/** Bytes that do not compress, the same in every run (a linear congruential generator). */
function noise(size: number, seed: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i++) {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    bytes[i] = seed >>> 23;
  }
  return bytes;
}

/** Runs a test with a temporary folder that has a small tree in it. */
function withTree(test: (folder: string, tree: string) => Promise<void>): () => Promise<void> {
  return async () => {
    const folder = await Deno.makeTempDir({ prefix: "myfs test " });
    try {
      const tree = `${folder}/tree`;
      await Deno.mkdir(`${tree}/etc`, { recursive: true });
      await Deno.writeTextFile(`${tree}/etc/motd`, "Welcome!\n");
      await Deno.chmod(`${tree}/etc/motd`, 0o640);
      await Deno.utime(`${tree}/etc/motd`, 1_000_000_000, 1_000_000_000);
      await Deno.symlink("etc/motd", `${tree}/greeting`);
      await Deno.writeFile(`${tree}/noise`, noise(3_000_000, 1));
      await test(folder, tree);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  };
}

async function namesIn(directory: string): Promise<string[]> {
  return await Array.fromAsync(Deno.readDir(directory), ({ name }) => name);
}

/** Paths of the blocks in a store, from its directory. */
async function blockFiles(directory: string): Promise<string[]> {
  const subdirectories = await namesIn(directory);
  const names = await Promise.all(
    subdirectories.map(async (prefix) =>
      (await namesIn(`${directory}/${prefix}`)).map((name) => `${prefix}/${name}`)
    ),
  );
  return names.flat().sort();
}

/** Spec of the store in a directory, whose path has a space. */
function storeIn(path: string): string {
  return `dir://${path.replaceAll(" ", "%20")}`;
}

async function packTree(
  folder: string,
  name: string,
  profile: Profile = "myfs",
  tags: Record<string, string> = {},
): Promise<string> {
  const meta = `${folder}/${name}.fl`;
  const store = storeIn(`${folder}/${profile} blocks`);
  await packDirectory(`${folder}/tree`, { meta, store, profile, tags });
  return meta;
}

Deno.test("examples: each script explains itself when its arguments are missing", async () => {
  const scripts: string[] = [];
  for await (const { name, isFile } of Deno.readDir(`${ROOT}/scripts_examples`)) {
    if (isFile && name.endsWith(".ts") && name !== "demo.ts") scripts.push(name);
  }
  assert(scripts.length >= 5, scripts.join());
  for (const name of scripts) {
    const { exitCode, stdout, stderr } = await runScript(name, []);
    assert.equal(exitCode, 2, `${name}: ${stderr}`);
    assert.equal(stdout, "");
    assert.match(stderr, new RegExp(`^Usage: deno run -A scripts_examples/${name} <`));
  }
});

Deno.test(
  "publish_on_hub: a tree is published once, and again where it has changed",
  withTree(async (folder, tree) => {
    await using hub = await HubServer.start();
    const name = `${hub.hubUrl}/bob/site:1`;
    const env = { MYFS_HUB_PASSWORD: HUB_PASSWORDS.bob };
    const publish = (): Promise<Outcome> => runScript("publish_on_hub.ts", [tree, name], env);
    const first = await publish();
    assert.equal(first.exitCode, 0, first.stderr);
    assert.match(first.stdout, /^hub:\S+\/bob\/site:1 is [0-9a-f]{64}\n[1-9]\d* blocks went there/);
    assert.match((await publish()).stdout, /It was the same before\./);
    await Deno.writeTextFile(`${tree}/etc/motd`, "Another\n");
    const third = await publish();
    assert.match(third.stdout, /\n1 blocks went there, [1-9]\d* were there already\.\n/);
    assert.equal(third.stdout.split("\n").filter((line) => line.startsWith("20")).length, 3);

    const client = await connectHub(hub.hubUrl, { user: "bob", password: HUB_PASSWORDS.bob });
    await downloadTree(client, "bob/site:1", `${folder}/copy`);
    assert.equal(await Deno.readTextFile(`${folder}/copy/etc/motd`), "Another\n");
    const denied = await runScript("publish_on_hub.ts", [tree, name]);
    assert.equal(denied.exitCode, 1);
    assert.match(denied.stderr, /myfs login/);
  }),
);

Deno.test(
  "pack_and_unpack: makes a flist, blocks and an equal copy",
  withTree(async (folder, tree) => {
    const meta = `${folder}/tree.fl`;
    const store = storeIn(`${folder}/blocks`);
    const copy = `${folder}/new/copy`;
    const { exitCode, stdout, stderr } = await runScript("pack_and_unpack.ts", [
      tree,
      meta,
      store,
      copy,
    ]);
    assert.equal(exitCode, 0, stderr);
    assert.equal(stderr, "");
    assert.match(stdout, /^Packed 2 files \(2\.9 MiB\) in (\d+) blocks .* \1 of them are new/);
    assert.match(stdout, /\nUnpacked 2 files \(2\.9 MiB\) into /);

    assert.deepEqual(await Deno.readFile(`${copy}/noise`), noise(3_000_000, 1));
    assert.equal(await Deno.readTextFile(`${copy}/etc/motd`), "Welcome!\n");
    assert.equal(await Deno.readLink(`${copy}/greeting`), "etc/motd");
    const { mode, mtime } = await Deno.stat(`${copy}/etc/motd`);
    assert.equal(mode! & 0o7777, 0o640);
    assert.equal(mtime!.getTime(), 1_000_000_000_000);
  }),
);

Deno.test(
  "pack_and_unpack: fails when there is no such directory, and leaves no flist",
  withTree(async (folder) => {
    const { exitCode, stderr } = await runScript("pack_and_unpack.ts", [
      `${folder}/missing`,
      `${folder}/missing.fl`,
      storeIn(`${folder}/blocks`),
      `${folder}/copy`,
    ]);
    assert.equal(exitCode, 1);
    assert.match(stderr, /missing.*ENOENT/);
    await assert.rejects(Deno.stat(`${folder}/missing.fl`), Deno.errors.NotFound);
    await assert.rejects(Deno.stat(`${folder}/copy`), Deno.errors.NotFound);
  }),
);

Deno.test(
  "read_without_unpacking: lists an image without its store",
  withTree(async (folder) => {
    const meta = await packTree(folder, "tree");
    await Deno.remove(`${folder}/myfs blocks`, { recursive: true });
    const { exitCode, stdout, stderr } = await runScript("read_without_unpacking.ts", [meta]);
    assert.equal(exitCode, 0, stderr);
    const lines = stdout.trimEnd().split("\n");
    assert.deepEqual(lines.map((line) => line.replace(/^.* \S+Z /, "")), [
      ".",
      "etc",
      "etc/motd",
      "greeting -> etc/motd",
      "noise",
    ]);
    assert.match(lines[2]!, /^file +0640 +9 2001-09-09T01:46:40\.000Z etc\/motd$/);
    assert.equal(stderr, "2 files, 3000009 bytes\n");

    const part = await runScript("read_without_unpacking.ts", [meta, "etc"]);
    assert.equal(part.stderr, "1 files, 9 bytes\n");
  }),
);

Deno.test(
  "read_without_unpacking: prints a file from the store that it is told, or trusts",
  withTree(async (folder) => {
    const meta = await packTree(folder, "tree");
    const script = "read_without_unpacking.ts";
    const store = storeIn(`${folder}/myfs blocks`);
    const told = await runScript(script, [meta, "etc/motd", "--store", store]);
    assert.deepEqual(told, { exitCode: 0, stdout: "Welcome!\n", stderr: "" });
    const trusted = await runScript(script, [meta, "etc/motd", "--trust-routes"]);
    assert.equal(trusted.stdout, "Welcome!\n");

    const untrusted = await runScript(script, [meta, "etc/motd"]);
    assert.equal(untrusted.exitCode, 1);
    assert.equal(untrusted.stdout, "");
    assert.match(untrusted.stderr, /^untrusted_route: .*\n.*--trust-routes/);
    const missing = await runScript(script, [meta, "etc/nothing"]);
    assert.equal(missing.exitCode, 1);
    assert.match(missing.stderr, /^path_not_found: .*etc\/nothing/);
  }),
);

Deno.test(
  "sharded_store: reads everything after the loss of a directory",
  withTree(async (folder, tree) => {
    const work = `${folder}/sharded`;
    const { exitCode, stdout, stderr } = await runScript("sharded_store.ts", [tree, work]);
    assert.equal(exitCode, 0, stderr);
    const counts = /in (\d+) blocks:\n +(\d+) in .*\n +(\d+) in .*\n +(\d+) in /.exec(stdout);
    const [total, disk1, disk2, replica] = counts!.slice(1).map(Number);
    assert(disk1! > 0 && disk2! > 0, stdout);
    assert.equal(disk1! + disk2!, total);
    assert.equal(replica, total);
    assert.match(stdout, new RegExp(`\n${total} of ${total} blocks are there and right\n`));
    assert.match(stdout, /\nRead 3000009 bytes of files\n$/);

    // Each block is where its id says, and the lost directory is back.
    assert((await namesIn(`${work}/disk1`)).every((name) => name < "80"));
    assert((await namesIn(`${work}/disk2`)).every((name) => name >= "80"));
  }),
);

Deno.test(
  "replicate_store: completes and repairs a copy, and names what it cannot copy",
  withTree(async (folder) => {
    const meta = await packTree(folder, "tree");
    const [source, target] = ["myfs blocks", "copy"].map((name) => `${folder}/${name}`);
    const script = "replicate_store.ts";
    const args = [storeIn(source!), storeIn(target!)];
    const first = await runScript(script, args);
    assert.equal(first.exitCode, 0, first.stderr);
    const count = Number(/^(\d+) blocks copied/.exec(first.stdout)![1]);
    assert(count > 1, first.stdout);
    assert.match(first.stdout, /\n0 were there, 0 were damaged there\ndir:.*copy reads well\n$/);

    // One copy is damaged, another lost, and of a third the original is gone too.
    const [damaged, lost, gone] = await blockFiles(target!);
    await Deno.writeTextFile(`${target}/${damaged}`, "x");
    await Deno.remove(`${target}/${lost}`);
    await Deno.remove(`${target}/${gone}`);
    await Deno.remove(`${source}/${gone}`);
    const second = await runScript(script, [...args, meta]);
    assert.equal(second.exitCode, 3);
    assert.match(second.stdout, /^2 blocks copied, .*\n\d+ were there, 1 were damaged there\n/);
    assert.equal(second.stderr.split("\n").length, 2);
    assert.match(second.stderr, new RegExp(`^not copied: ${gone!.slice(3)}: `));

    const none = await runScript(script, [storeIn(`${folder}/none`), storeIn(target!)]);
    assert.equal(none.exitCode, 1);
    assert.match(none.stderr, /^store_unavailable: .*does not exist/);
  }),
);

Deno.test(
  "compare_images: names what differs and what has to be fetched",
  withTree(async (folder, tree) => {
    const monday = await packTree(folder, "monday");
    await Deno.writeFile(`${tree}/more noise`, noise(1_000_000, 2));
    await Deno.chmod(`${tree}/etc/motd`, 0o600);
    await Deno.remove(`${tree}/greeting`);
    const tuesday = await packTree(folder, "tuesday");

    const { exitCode, stdout, stderr } = await runScript("compare_images.ts", [monday, tuesday]);
    assert.equal(exitCode, 1, stderr);
    const lines = stdout.split("\n");
    assert.deepEqual(lines.slice(0, 5), [
      "- greeting",
      "+ more noise",
      "~ . (mtime)",
      "~ etc/motd (mode)",
      "1 added, 1 removed, 2 changed",
    ]);
    // What does not compress and is new must be fetched; of the rest, nothing.
    const [, bytes, total] = /To transfer: (\d+) bytes.*of the (\d+) bytes/s.exec(stdout)!;
    assert(Number(bytes) >= 1_000_000 && Number(bytes) < 1_001_000, stdout);
    assert(Number(total) > 4_000_000, stdout);

    const same = await runScript("compare_images.ts", [monday, monday]);
    assert.equal(same.exitCode, 0);
    assert.match(same.stdout, /^0 added, 0 removed, 0 changed\nTo transfer: 0 bytes in 0 of /);
  }),
);

Deno.test(
  "migrate_rfs_flist: keeps the tree, its metadata and its tags",
  withTree(async (folder) => {
    const old = await packTree(folder, "old", "rfs", { author: "me", description: "a tree" });
    const meta = `${folder}/new.fl`;
    const store = storeIn(`${folder}/new blocks`);
    const work = `${folder}/work`;
    await Deno.mkdir(work);
    const { exitCode, stdout, stderr } = await runScript(
      "migrate_rfs_flist.ts",
      [old, meta, "--store", store, "--trust-routes"],
      { TMPDIR: work },
    );
    assert.equal(exitCode, 0, stderr);
    assert.match(stdout, /^Migrated 2 files, 3000009 bytes, into \d+ blocks/);
    assert.deepEqual(await namesIn(work), []);

    await using image = await openImage(meta, { store });
    assert.equal(image.profile, "myfs");
    assert.equal(image.tags.get("author"), "me");
    assert.equal(image.tags.get("description"), "a tree");
    assert.deepEqual(await image.readFile("noise"), noise(3_000_000, 1));
    assert.equal(image.readLink("greeting"), "etc/motd");
    const { mode, mtime } = image.stat("etc/motd");
    assert.equal(mode & 0o7777, 0o640);
    assert.equal(mtime, 1_000_000_000);
    // Packed from the tree itself, the flist says the same, but for the times that rfs cuts.
    const direct = await diffImages(await packTree(folder, "direct"), meta);
    assert.deepEqual(direct.added.concat(direct.removed), []);
    const aspects = new Set<EntryAspect>(direct.changed.flatMap(({ changes }) => changes));
    aspects.delete("mtime");
    assert.deepEqual([...aspects], []);
    assert.equal(direct.blocksAdded, 0);
  }),
);

Deno.test(
  "migrate_rfs_flist: makes no flist without trust, from damaged blocks, or of its own kind",
  withTree(async (folder) => {
    const old = await packTree(folder, "old", "rfs");
    const meta = `${folder}/new.fl`;
    const args = [old, meta, "--store", storeIn(`${folder}/new blocks`)];
    const untrusted = await runScript("migrate_rfs_flist.ts", args);
    assert.equal(untrusted.exitCode, 1);
    assert.match(untrusted.stderr, /--trust-routes/);

    const blocks = `${folder}/rfs blocks`;
    const [subdirectory] = await namesIn(blocks);
    const [block] = await namesIn(`${blocks}/${subdirectory}`);
    await Deno.truncate(`${blocks}/${subdirectory}/${block}`, 5);
    const damaged = await runScript("migrate_rfs_flist.ts", [...args, "--source", storeIn(blocks)]);
    assert.equal(damaged.exitCode, 1);
    assert.match(damaged.stderr, new RegExp(`Not done: (noise|etc/motd): .*${block}`));

    const own = await packTree(folder, "own");
    const same = await runScript("migrate_rfs_flist.ts", [own, ...args.slice(1)]);
    assert.equal(same.exitCode, 2);
    assert.match(same.stderr, /nothing to migrate/);
    await assert.rejects(Deno.stat(meta), Deno.errors.NotFound);
  }),
);

/** The code blocks of `language` in the section of the README with this title, in order. */
async function readmeCode(title: string, language: string): Promise<string[]> {
  const readme = await Deno.readTextFile(`${ROOT}/README.md`);
  const section = readme.split(/^## /m).find((text) => text.startsWith(`${title}\n`));
  assert(section !== undefined, `The README has no section "${title}"`);
  const blocks = section.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, "gms"));
  return Array.from(blocks, ([, code]) => code!);
}

Deno.test(
  "README: the commands of the tour work as they stand",
  withTree(async (folder) => {
    const commands = (await readmeCode("A tour of five minutes", "sh")).join("");
    assert.match(commands, /npx -y deno@2\.9\.5 run/);
    const output = await new Deno.Command("bash", {
      args: ["-euo", "pipefail", "-c", commands.replaceAll("npx -y deno@2.9.5", Deno.execPath())],
      cwd: ROOT,
      env: { TMPDIR: folder, MYFS_CACHE_DIR: `${folder}/cache`, NO_COLOR: "1" },
    }).output();
    const stdout = new TextDecoder().decode(output.stdout);
    const stderr = new TextDecoder().decode(output.stderr);
    assert.equal(output.code, 0, stdout + stderr);
    assert.match(stdout, /^first version$/m);
    assert.match(stdout, /^~ note\.txt \(.*content.*\)$/m);
    assert.match(stdout, /^equal$/m);
    assert.match(stdout, /^15 note\.txt$/m);
    assert.match(
      stderr,
      /^ {2}stored +1 new block, [\s\S]*?^ {2}reused +.*\d blocks? of the base$/m,
    );
    assert.match(stderr, /^Checked \d+ blocks of sharded\.fl in .*: all well$/m);
  }),
);

Deno.test("README: the script works as it stands, and its types are right", async () => {
  const [script] = await readmeCode("Scripts", "ts");
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/script.ts`, script!);
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--check", "--config", "deno.json", `${folder}/script.ts`],
      cwd: ROOT,
      env: { NO_COLOR: "1", TMPDIR: folder },
    }).output();
    const shown = new TextDecoder().decode(stdout);
    assert.equal(code, 0, shown + new TextDecoder().decode(stderr));
    assert.match(shown, /^Welcome!$/m);
    assert.match(shown, /^etc\/motd file 9$/m);
    assert.deepEqual(await namesIn(folder), ["script.ts"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("convert_container_image: converts an image, and the next one without its base", async () => {
  const folder = await Deno.makeTempDir({ prefix: "myfs test " });
  try {
    const base = makeLayer({ name: "etc/motd", content: "Welcome!\n" });
    for (const [i, name] of ["one", "two"].entries()) {
      const layers = [base, makeLayer({ name, content: name })];
      const config = { Cmd: ["/bin/app"], Env: ["A=b"] };
      await writeLayout(`${folder}/layout`, name, { layers, config });
      const args = [
        `oci:${folder}/layout:${name}`,
        `${folder}/${name}.fl`,
        `dir://${folder}/blocks`,
      ];
      const { exitCode, stdout, stderr } = await runScript("convert_container_image.ts", args, {
        XDG_CACHE_HOME: `${folder}/cache`,
      });
      assert.equal(exitCode, 0, stderr);
      assert.match(stdout, /linux\/amd64, 2 layers, \d+ bytes\n/);
      assert.match(stdout, new RegExp(`\n${i} of 2 layers were known\n`));
      assert.match(stdout, /manifest sha256:[0-9a-f]{64}\n[^]*name = "\/bin\/app"/);
    }
    await using image = await openImage(`${folder}/two.fl`);
    assert.deepEqual(
      await Array.fromAsync(image.walk(), ({ path }) => path),
      ["", ".startup.toml", "etc", "etc/motd", "two"],
    );
    const missing = [`oci:${folder}/nowhere`, `${folder}/x.fl`, `dir://${folder}/blocks`];
    const { exitCode, stderr } = await runScript("convert_container_image.ts", missing);
    assert.equal(exitCode, 1);
    assert.match(stderr, /^image_not_found: /);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
