/**
 * The shape of the project: who may import whom (types count as imports), what lies where, and that
 * no source file is without a test. Each test lists what breaks its rule.
 */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { COMPUTED_SPECIFIER, type ModuleSyntax, moduleSyntax } from "./helpers/module_syntax.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url)).replace(/\/$/, "");

/** What may lie at the top beside files whose names begin with a dot. */
const TOP_LEVEL = [
  "CHANGELOG.md",
  "LICENSE",
  "README.md",
  "cli",
  "deno.json",
  "deno.lock",
  "hub",
  "lib",
  "mod.ts",
  "scripts_examples",
  "tests",
];

/** Folders of lib/ from the lowest rank up. One imports those of lower ranks, never its equals. */
const RANKS = [
  ["base"],
  ["linux"],
  ["chunk", "block", "tree", "fuse"],
  ["flist", "hub_api"],
  ["store"],
  ["image"],
  ["mount", "oci", "runbook"],
];

/** Files that may compute what they import, so that the runtime does not read it at the start. */
const COMPUTING = ["cli/library.ts", "cli/myfs.ts"];

/** What cli/library.ts may load by itself, because a mount has to be there at once. */
const LOADED_EARLY = ["lib/mount/device_thread.ts", "lib/mount/mod.ts"];

/** Pairs of folders that never meet, though their ranks would let them. */
const STRANGERS = [["flist", "store"]];

/** Folders of hub/ that are held to the rule for lib/. */
const UNIT_TESTED_OF_HUB = /^hub\/(accounts|config|content)\//;

/**
 * Files of lib/ and hub/ whose behaviour shows, and is tested, through others of their folder alone: where.
 * A file that only declares types and constants needs no mention.
 */
const TESTED_ELSEWHERE: Readonly<Record<string, string>> = {
  "hub/config/example_config.ts": "tests/integration/hub_accounts_test.ts",
  "hub/config/settings.ts": "tests/unit/hub/config/load_config_test.ts",
  "hub/content/content.ts": "tests/unit/hub/endpoints/files_test.ts",
  "hub/content/flist_check_worker.ts": "tests/unit/hub/content/flist_check_test.ts",
  "hub/content/garbage.ts": "tests/unit/hub/endpoints/files_test.ts",
  "lib/oci/archive_index.ts": "tests/integration/oci_sources_test.ts",
  "lib/oci/container_image.ts": "tests/unit/lib/oci/registry_source_test.ts",
  "lib/oci/convert_image.ts": "tests/integration/oci_sources_test.ts",
  "lib/oci/daemon_image.ts": "tests/integration/oci_sources_test.ts",
  "lib/oci/docker_archive_source.ts": "tests/integration/oci_sources_test.ts",
  "lib/oci/image_files.ts": "tests/integration/oci_sources_test.ts",
  "lib/oci/layout_source.ts": "tests/integration/oci_sources_test.ts",
  "lib/oci/oci_digest.ts": "tests/unit/lib/oci/registry_source_test.ts",
  "lib/oci/registry_fault.ts": "tests/unit/lib/oci/registry_source_test.ts",
  "lib/block/block_checks.ts": "tests/unit/lib/block/block_codec_test.ts",
  "lib/block/myfs_codec.ts": "tests/unit/lib/block/block_codec_test.ts",
  "lib/block/rfs_codec.ts": "tests/unit/lib/block/block_codec_test.ts",
  "lib/chunk/chunk_sizes.ts": "tests/golden/chunk/content_defined_chunker_golden_test.ts",
  "lib/flist/content_rows.ts": "tests/unit/lib/flist/flist_reader_test.ts",
  "lib/flist/file_failures.ts": "tests/unit/lib/flist/flist_writer_test.ts",
  "lib/flist/flist_validation.ts": "tests/unit/lib/flist/flist_reader_test.ts",
  "lib/flist/foreign_database.ts": "tests/unit/lib/flist/flist_reader_test.ts",
  "lib/flist/inode_rows.ts": "tests/unit/lib/flist/flist_reader_test.ts",
  "lib/flist/myfs_content.ts": "tests/unit/lib/flist/flist_reader_test.ts",
  "lib/flist/myfs_directories.ts": "tests/unit/lib/flist/flist_reader_test.ts",
  "lib/flist/rfs_content.ts": "tests/unit/lib/flist/flist_reader_test.ts",
  "lib/flist/rfs_directories.ts": "tests/unit/lib/flist/flist_reader_test.ts",
  "lib/flist/written_content.ts": "tests/unit/lib/flist/flist_writer_test.ts",
  "lib/flist/written_inodes.ts": "tests/unit/lib/flist/flist_writer_test.ts",
  "lib/store/s3_bucket.ts": "tests/unit/lib/store/s3_store_test.ts",
  "lib/store/s3_client.ts": "tests/unit/lib/store/s3_store_test.ts",
  "lib/store/s3_fault.ts": "tests/unit/lib/store/s3_store_test.ts",
  "lib/store/s3_transport.ts": "tests/unit/lib/store/s3_store_test.ts",
  "lib/store/cache_contents.ts": "tests/unit/lib/store/block_cache_test.ts",
  "lib/fuse/file_system.ts": "tests/unit/lib/fuse/dispatcher_test.ts",
  "lib/fuse/mount_helper.ts": "tests/integration/fuse_user_test.ts",
  "lib/hub_api/messages/accounts.ts": "tests/unit/lib/hub_api/endpoints_test.ts",
  "lib/hub_api/messages/blocks.ts": "tests/unit/lib/hub_api/endpoints_test.ts",
  "lib/hub_api/messages/common.ts": "tests/unit/lib/hub_api/endpoints_test.ts",
  "lib/hub_api/messages/files.ts": "tests/unit/lib/hub_api/endpoints_test.ts",
  "lib/hub_api/messages/flists.ts": "tests/unit/lib/hub_api/endpoints_test.ts",
  "lib/hub_api/messages/mod.ts": "tests/unit/lib/hub_api/endpoints_test.ts",
  "lib/hub_api/messages/problem.ts": "tests/unit/lib/hub_api/endpoints_test.ts",
  "lib/hub_api/messages/service.ts": "tests/unit/lib/hub_api/endpoints_test.ts",
  // These run as worker threads, or are the messages between them and the main thread.
  "lib/image/check_worker.ts": "tests/unit/lib/image/check_test.ts",
  "lib/image/pack_work.ts": "tests/unit/lib/image/pack_test.ts",
  "lib/oci/layer_merge.ts": "tests/unit/lib/oci/convert_layers_test.ts",
  "lib/image/pack_worker.ts": "tests/integration/round_trip_large_test.ts",
  "lib/image/unpack_messages.ts": "tests/unit/lib/image/unpack_test.ts",
  "lib/image/unpack_worker.ts": "tests/integration/round_trip_targets_test.ts",
  "lib/store/resp/redis_dialect.ts": "tests/unit/lib/store/resp/resp_store_test.ts",
  "lib/store/resp/resp_reply.ts": "tests/unit/lib/store/resp/resp_reader_test.ts",
  "lib/store/resp/resp_socket.ts": "tests/unit/lib/store/resp/resp_store_test.ts",
  "lib/store/resp/zdb_dialect.ts": "tests/unit/lib/store/resp/resp_store_test.ts",
  "lib/mount/chunk_opener_worker.ts": "tests/unit/lib/mount/chunk_openers_test.ts",
  "lib/mount/device_thread.ts": "tests/integration/mount_image_test.ts",
  "lib/mount/device_worker.ts": "tests/integration/mount_image_test.ts",
  "lib/mount/mount_image.ts": "tests/integration/mount_image_test.ts",
  "lib/mount/push_worker.ts": "tests/unit/lib/mount/neighbour_pushes_test.ts",
  "lib/mount/mounts.ts": "tests/integration/mount_image_test.ts",
};

const files = sourceFiles(["mod.ts", "lib", "hub", "cli", "scripts_examples", "tests"]);
const modules: ReadonlyMap<string, ModuleSyntax> = new Map(
  files.map((path) => [path, moduleSyntax(path, Deno.readTextFileSync(`${ROOT}/${path}`))]),
);

/** One module needs another. Both are paths from the top of the project. */
interface Edge {
  readonly from: string;
  readonly to: string;
  /** Whether only types pass. */
  readonly isType: boolean;
}

/** Edges between modules of the project. */
const edges: readonly Edge[] = files.flatMap((from) =>
  modules.get(from)!.imports.flatMap(({ specifier, isType }) => {
    const to = resolve(from, specifier);
    return to === undefined ? [] : [{ from, to, isType }];
  })
);

Deno.test("architecture: no form of import goes unseen", () => {
  const source = `
    import a from "./a.ts"; import { type B } from "./b.ts"; import type { C } from "./c.ts";
    export { d } from "./d.ts"; export * from "./e.ts"; export type { F } from "./f.ts";
    const g = await import("./g.ts"); type H = import("./h.ts").H; await import(g.path);
    new Worker(new URL("i_worker.ts", import.meta.url)); new URL("x.ts", "http://host/");
    import defer * as j from "./j.ts";
  `;
  const types = ["./c.ts", "./f.ts", "./h.ts"];
  const all = ["a", "b", "c", "d", "e", "f", "g", "h"].map((name) => `./${name}.ts`);
  assert.deepEqual(
    moduleSyntax("sample.ts", source).imports,
    [...all, COMPUTED_SPECIFIER, "./i_worker.ts", "./j.ts"]
      .map((specifier) => ({ specifier, isType: types.includes(specifier) })),
  );
});

Deno.test("architecture: the top level has nothing but what was agreed", () => {
  const names = Array.from(Deno.readDirSync(ROOT), ({ name }) => name);
  const others = names.filter((name) => !name.startsWith(".") && !TOP_LEVEL.includes(name));
  assert.deepEqual(others.toSorted(), []);
});

Deno.test("architecture: packages are named in deno.json, from npm, at one exact version", async () => {
  const { imports } = JSON.parse(await Deno.readTextFile(`${ROOT}/deno.json`));
  const wrong = Object.entries(imports as Record<string, string>).filter(([name, target]) =>
    name !== "myfs" && !/^npm:(@[^/@]+\/)?[^/@]+@\d+\.\d+\.\d+$/.test(target)
  );
  assert.deepEqual(wrong, []);
});

Deno.test("architecture: nothing is imported but own files, node: and what deno.json names", async () => {
  const { imports } = JSON.parse(await Deno.readTextFile(`${ROOT}/deno.json`));
  const wrong = files.flatMap((from) =>
    modules.get(from)!.imports
      .filter(({ specifier }) =>
        !/^\.\.?\//.test(specifier) && !specifier.startsWith("node:") &&
        !(packageOf(specifier) in imports) &&
        !(specifier === COMPUTED_SPECIFIER &&
          (topFolder(from) === "tests" || COMPUTING.includes(from)))
      )
      .map(({ specifier }) => `${from} imports ${specifier}`)
  );
  assert.deepEqual(wrong, []);
});

/** The package of an import that may lead to a part of it: `hono` of `hono/http-exception`. */
function packageOf(specifier: string): string {
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}

Deno.test("architecture: a folder of lib imports folders of lower ranks only", () => {
  const wrong = edges.filter(({ from, to }) => {
    const [folder, target] = [libFolder(from), libFolder(to)];
    if (folder === undefined || folder === target) return false;
    return target === undefined || rankOf(target) >= rankOf(folder);
  });
  assert.deepEqual(wrong.map(described), []);
});

Deno.test("architecture: flist and store never meet", () => {
  const wrong = edges.filter(({ from, to }) => {
    const pair = [libFolder(from), libFolder(to)];
    return STRANGERS.some((strangers) => strangers.every((folder) => pair.includes(folder)));
  });
  assert.deepEqual(wrong.map(described), []);
});

Deno.test("architecture: hub and cli use the public API, and lib/hub_api, alone", () => {
  const wrong = edges.filter(({ from, to }) => {
    const top = topFolder(from);
    if (top !== "hub" && top !== "cli") return false;
    const allowed = [top, "mod.ts", "deno.json"];
    if (top === "cli" && to === "hub/mod.ts") return false;
    if (from === "cli/library.ts" && LOADED_EARLY.includes(to)) return false;
    return !allowed.includes(topFolder(to)) && libFolder(to) !== "hub_api";
  });
  assert.deepEqual(wrong.map(described), []);
});

Deno.test('architecture: examples import "myfs", node: and what lies beside them alone', () => {
  const wrong = files.filter((path) => topFolder(path) === "scripts_examples").flatMap((from) =>
    modules.get(from)!.imports
      .filter(({ specifier }) =>
        specifier !== "myfs" && !specifier.startsWith("node:") &&
        topFolder(resolve(from, specifier) ?? "") !== "scripts_examples"
      )
      .map(({ specifier }) => `${from} imports ${specifier}`)
  );
  assert.deepEqual(wrong, []);
});

Deno.test("architecture: no module loads itself, however long the way", () => {
  assert.deepEqual(cycles(), []);
});

Deno.test("architecture: mod.ts re-exports by name, and only from lib", () => {
  const { imports, onlyReexports } = modules.get("mod.ts")!;
  assert.ok(onlyReexports, "mod.ts has a statement that is no `export { … } from`");
  assert.deepEqual(imports.filter(({ specifier }) => !specifier.startsWith("./lib/")), []);
});

Deno.test("architecture: importing the public API needs no permission", async () => {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", `${ROOT}/mod.ts`],
    stdin: "null",
  }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
});

Deno.test("architecture: every file of lib, and of what a hub keeps, has a unit test", async (t) => {
  const all = new Set(files);
  const hasTest = (path: string): boolean =>
    all.has(`tests/unit/${path.replace(/\.ts$/, "_test.ts")}`);

  await t.step("or is tested where the list says", () => {
    const forgotten = files.filter((path) =>
      (topFolder(path) === "lib" || UNIT_TESTED_OF_HUB.test(path)) &&
      !modules.get(path)!.onlyDeclarations && !hasTest(path) &&
      !(path in TESTED_ELSEWHERE)
    );
    assert.deepEqual(forgotten, []);
  });

  await t.step("and the list is up to date", () => {
    const stale = Object.entries(TESTED_ELSEWHERE).filter(([path, test]) =>
      !all.has(path) || !all.has(test) || hasTest(path)
    );
    assert.deepEqual(stale, []);
  });
});

/** All TypeScript files in `entries` of the top level, as sorted paths from there. */
function sourceFiles(entries: readonly string[]): string[] {
  return entries.flatMap((path) => {
    if (path.endsWith(".ts")) return [path];
    const below = Array.from(Deno.readDirSync(`${ROOT}/${path}`)).filter(({ name, isDirectory }) =>
      isDirectory ? name !== "node_modules" : name.endsWith(".ts")
    );
    return sourceFiles(below.map(({ name }) => `${path}/${name}`));
  }).toSorted();
}

/** The file of the project that `specifier` means; undefined where it means none. */
function resolve(from: string, specifier: string): string | undefined {
  if (specifier === "myfs") return "mod.ts";
  if (!/^\.\.?\//.test(specifier)) return undefined;
  return new URL(specifier, `file:///${from}`).pathname.slice(1);
}

function topFolder(path: string): string {
  return path.split("/")[0]!;
}

/** The folder of lib/ that a file is in; undefined elsewhere. */
function libFolder(path: string): string | undefined {
  const [top, folder] = path.split("/");
  return top === "lib" ? folder : undefined;
}

function rankOf(folder: string): number {
  const rank = RANKS.findIndex((folders) => folders.includes(folder));
  assert.ok(rank >= 0, `lib/${folder} has no rank`);
  return rank;
}

function described({ from, to }: Edge): string {
  return `${from} imports ${to}`;
}

/** One closed way through each module that has one, found by depth-first search. */
function cycles(): string[] {
  const targets = Map.groupBy(edges.filter(({ isType }) => !isType), ({ from }) => from);
  const found: string[] = [];
  const done = new Set<string>();
  const way: string[] = [];
  const visit = (path: string): void => {
    const at = way.indexOf(path);
    if (at >= 0) {
      found.push([...way.slice(at), path].join(" → "));
      return;
    }
    if (done.has(path)) return;
    way.push(path);
    for (const { to } of targets.get(path) ?? []) visit(to);
    way.pop();
    done.add(path);
  };
  files.forEach(visit);
  return found;
}
