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
  ["flist"],
  ["flist", "inspect"],
  ["flist", "ls"],
  ["flist", "tree"],
  ["flist", "cat"],
  ["flist", "diff"],
  ["flist", "dump"],
  ["config"],
  ["config", "tag"],
  ["config", "tag", "list"],
  ["config", "tag", "add"],
  ["config", "tag", "delete"],
  ["config", "store"],
  ["config", "store", "list"],
  ["config", "store", "add"],
  ["config", "store", "delete"],
  ["run"],
  ["completion"],
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

Deno.test("help: the help command prints the same as --help", async () => {
  const [asked, flag] = await Promise.all([
    myfsOk(["help", "pack"]),
    myfsOk(["pack", "--help"]),
  ]);
  assert.equal(asked.stdout, flag.stdout);
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

Deno.test("startup: help and parsing do not load the library", async () => {
  const root = new URL("../../", import.meta.url);
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", fileURLToPath(new URL("cli/myfs.ts", root))],
  }).output();
  const graph: ModuleGraph = JSON.parse(new TextDecoder().decode(stdout));
  const modules = new Map(graph.modules.map((module) => [module.specifier, module]));
  const reached = new Set<string>();
  const waiting = [new URL("cli/myfs.ts", root).href];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (reached.has(next)) continue;
    reached.add(next);
    for (const { isDynamic, code } of modules.get(next)?.dependencies ?? []) {
      if (isDynamic !== true && code !== undefined) waiting.push(code.specifier);
    }
  }
  assert.ok(reached.has(new URL("cli/commands/pack.ts", root).href));
  assert.ok(!reached.has(new URL("mod.ts", root).href), [...reached].join("\n"));
});
