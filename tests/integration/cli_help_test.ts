/**
 * The help of every program and command as it is printed, and that asking for it is cheap.
 */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { myfs, myfsOk, type ProgramFile } from "./cli_process.ts";

const COMMANDS: readonly (readonly string[])[] = [
  [],
  ["pack"],
  ["unpack"],
  ["check"],
  ["clone"],
  ["commit"],
  ["flist"],
  ["flist", "inspect"],
  ["flist", "ls"],
  ["flist", "tree"],
  ["flist", "cat"],
  ["flist", "diff"],
  ["flist", "dump"],
  ["flist", "push"],
  ["flist", "pull"],
  ["flist", "search"],
  ["flist", "history"],
  ["login"],
  ["logout"],
  ["token"],
  ["token", "create"],
  ["token", "list"],
  ["token", "revoke"],
  ["upload"],
  ["upload-dir"],
  ["download"],
  ["download-dir"],
  ["exists"],
  ["track"],
  ["track-blocks"],
  ["config"],
  ["config", "tag"],
  ["config", "tag", "list"],
  ["config", "tag", "add"],
  ["config", "tag", "delete"],
  ["config", "store"],
  ["config", "store", "list"],
  ["config", "store", "add"],
  ["config", "store", "delete"],
  ["cache"],
  ["cache", "status"],
  ["cache", "pin"],
  ["cache", "unpin"],
  ["cache", "clear"],
  ["cache", "verify"],
  ["store"],
  ["store", "check"],
  ["store", "copy"],
  ["run"],
  ["completion"],
  ["help"],
];

for (const command of COMMANDS) {
  Deno.test(`help: ${["myfs", ...command].join(" ")}`, async (t) => {
    const { stdout, stderr } = await myfsOk([...command, "--help"]);
    assert.equal(stderr, "");
    await t.assertSnapshot(stdout);
  });
}

for (const program of ["myfs_hub", "myfs_tool"] as const satisfies readonly ProgramFile[]) {
  Deno.test(`help: ${program}`, async (t) => {
    const { stdout } = await myfsOk(["--help"], { program });
    await t.assertSnapshot(stdout);
  });
}

Deno.test("help: the help command prints the same as --help, at every level", async () => {
  for (const command of [[], ["pack"], ["config", "tag", "add"]]) {
    const [asked, flag] = await Promise.all([
      myfsOk(["help", ...command]),
      myfsOk([...command, "--help"]),
    ]);
    assert.equal(asked.stdout, flag.stdout);
  }
  const unknown = await myfs(["help", "flist", "lss"]);
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /'lss'\nhint: 'myfs flist --help'/);
});

Deno.test("help: a command that is missing shows what there is, on standard error", async () => {
  for (const args of [[], ["flist"], ["config", "tag"]]) {
    const { code, stdout, stderr } = await myfs(args);
    assert.equal(code, 2);
    assert.equal(stdout, "");
    assert.match(stderr, /^Usage: myfs/);
  }
});

Deno.test("version: is the one in deno.json", async () => {
  const config = JSON.parse(await Deno.readTextFile(new URL("../../deno.json", import.meta.url)));
  assert.equal((await myfsOk(["--version"])).stdout, `myfs ${config.version}\n`);
  const hub = await myfsOk(["-V"], { program: "myfs_hub" });
  assert.equal(hub.stdout, `myfs-hub ${config.version}\n`);
});

interface ModuleGraph {
  readonly modules: readonly {
    readonly specifier: string;
    readonly dependencies?: readonly {
      readonly isDynamic?: boolean;
      readonly code?: { readonly specifier: string };
    }[];
  }[];
}

/** Modules that are loaded as soon as `entry` runs: those that are imported when asked for are not. */
async function loadedAtStart(entry: URL): Promise<ReadonlySet<string>> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", fileURLToPath(entry)],
  }).output();
  const graph: ModuleGraph = JSON.parse(new TextDecoder().decode(stdout));
  const modules = new Map(graph.modules.map((module) => [module.specifier, module]));
  const loaded = new Set<string>();
  const waiting = [entry.href];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (loaded.has(next)) continue;
    loaded.add(next);
    for (const { isDynamic, code } of modules.get(next)?.dependencies ?? []) {
      if (isDynamic !== true && code !== undefined) waiting.push(code.specifier);
    }
  }
  return loaded;
}

Deno.test("startup: help and parsing do not load the library", async () => {
  const loaded = await loadedAtStart(new URL("../../cli/myfs_program.ts", import.meta.url));
  assert.ok(loaded.has(new URL("../../cli/commands/pack.ts", import.meta.url).href));
  assert.ok(!loaded.has(new URL("../../mod.ts", import.meta.url).href), [...loaded].join("\n"));
});
