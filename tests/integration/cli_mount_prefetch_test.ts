/**
 * Goal: what one mount used is there before a program of the next asks for it, and all of an image
 * where that is wanted; contradictions are refused. Method: the commands as processes over a web
 * server that goes away, so that what is read then was fetched before.
 */

import assert from "node:assert/strict";
import { findMount } from "../../lib/fuse/mount_table.ts";
import { unmount } from "../../lib/fuse/unmount.ts";
import { type BlockServer, serveBlocks } from "../helpers/block_server.ts";
import { requiringTest } from "../helpers/require.ts";
import { tryProgram } from "../helpers/run_program.ts";
import { until } from "../helpers/until.ts";
import { finish, myfs, myfsOk, startMyfs, Workplace } from "./cli_process.ts";

/** Three files that do not compress, each in chunks of its own, packed. */
async function packedPlace(): Promise<Workplace> {
  const place = await Workplace.create(async (place) => {
    for (const name of ["a", "b", "c"]) await place.writeNoise(`tree/${name}`, 400_000);
    await Deno.mkdir(`${place.path}/mnt`);
    await myfsOk(["pack", "-q", "-m", "a.fl", "-s", place.store(), "tree"], place.options);
  });
  const dispose = place[Symbol.asyncDispose].bind(place);
  place[Symbol.asyncDispose] = async () => {
    await unmount(`${place.path}/mnt`, { lazy: true });
    await dispose();
  };
  return place;
}

interface MountedFiles {
  /** Whether each file reads as it was packed. */
  readonly reads: (...names: string[]) => Promise<boolean[]>;
}

/**
 * Mounts with a cache of that name and the options, has `use` look at it, unmounts, and answers what
 * the command printed.
 */
async function whileMounted(
  { path, options }: Workplace,
  { url }: BlockServer,
  args: readonly string[],
  use: (files: MountedFiles) => Promise<void>,
): Promise<Record<string, unknown>> {
  const common = ["--json", "--retries", "0", "--timeout", "3", "-s", url, "a.fl", "mnt"];
  const child = startMyfs(["mount", ...common, ...args], options);
  await until(async () => await findMount(`${path}/mnt`) !== undefined);
  await use({
    reads: (...names) =>
      Promise.all(
        names.map(async (name) =>
          (await tryProgram("cmp", `${path}/tree/${name}`, `${path}/mnt/${name}`)).code === 0
        ),
      ),
  });
  await myfsOk(["umount", "mnt"], options);
  const { code, stdout, stderr } = await finish(child);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

requiringTest(
  ["root", "fuse"],
  "mount --trace-out, --trace-in: the second machine has what the first one used, and no more",
  async () => {
    await using place = await packedPlace();
    await using server = await serveBlocks(`${place.path}/blocks`);
    await whileMounted(place, server, ["--cache=one", "--trace-out", "trace"], async (mount) => {
      assert.deepEqual(await mount.reads("c"), [true]);
      assert.deepEqual(await mount.reads("a"), [true]);
    });
    const lines = (await Deno.readTextFile(`${place.path}/trace`)).trimEnd().split("\n");
    assert.equal(lines[0], '{"myfsTrace":1}');
    const used = lines.slice(1).map((line) => (JSON.parse(line) as { block: string }).block);
    assert.ok(used.length > 4, `${used.length} blocks`);
    for (const block of used) {
      assert.ok(server.asked.some((path) => path.includes(block)), block);
    }

    server.asked.length = 0;
    const hasCome = (): boolean =>
      used.every((block) => server.asked.some((path) => path.includes(block)));
    const report = await whileMounted(
      place,
      server,
      ["--cache=two", "--trace-in", "trace"],
      async (mount) => {
        await until(hasCome);
        // What was asked for last is still on its way.
        await until(() => isCached(`${place.path}/two`, used.at(-1)!));
        server.isAway = true;
        assert.deepEqual(await mount.reads("a", "c"), [true, true]);
        assert.deepEqual(await mount.reads("b"), [false]);
      },
    );
    const prefetch = report.prefetch as Record<string, unknown>;
    assert.deepEqual([prefetch.blocks, prefetch.failed], [used.length, 0]);
  },
);

requiringTest(
  ["root", "fuse"],
  "mount --prefetch all: everything is there before anybody asks; none fetches nothing",
  async () => {
    await using place = await packedPlace();
    await using server = await serveBlocks(`${place.path}/blocks`);
    await whileMounted(place, server, ["--prefetch", "none", "--cache=none"], async (mount) => {
      assert.deepEqual(await mount.reads(), []);
    });
    assert.deepEqual(server.asked, []);

    const blocks = blockNames(`${place.path}/blocks`);
    await whileMounted(place, server, ["--prefetch", "all", "--cache=all"], async (mount) => {
      await until(() => blocks.every((block) => isCached(`${place.path}/all`, block)));
      server.isAway = true;
      assert.deepEqual(await mount.reads("a", "b", "c"), [true, true, true]);
    });
  },
);

requiringTest(
  ["root", "fuse"],
  "mount --prefetch: contradictions and bad lists are refused",
  async () => {
    await using place = await packedPlace();
    const { path, options } = place;
    await place.write({ "broken": "{}\n" });
    const refused = async (...args: string[]): Promise<string> => {
      const { code, stderr } = await myfs(["mount", "a.fl", "mnt", ...args], options);
      assert.notEqual(code, 0);
      assert.equal(await findMount(`${path}/mnt`), undefined);
      return stderr;
    };
    assert.match(await refused("--prefetch", "list", "--cache=x"), /needs a list/);
    assert.match(await refused("--prefetch", "all", "--trace-in", "broken"), /has no meaning/);
    assert.match(await refused("--trace-in", "broken", "--cache=x"), /line 1 does not say/);
    assert.match(await refused("--trace-in", "missing", "--cache=x"), /missing/);
    assert.match(await refused("--prefetch", "all", "--no-cache"), /without a cache/);
  },
);

/** Names of all files in a folder and below, which are ids. */
function blockNames(folder: string): string[] {
  return Array.from(Deno.readDirSync(folder)).flatMap(({ name, isDirectory }) =>
    isDirectory ? blockNames(`${folder}/${name}`) : [name]
  );
}

function isCached(cache: string, block: string): boolean {
  try {
    return blockNames(cache).includes(block);
  } catch {
    // It is being made.
    return false;
  }
}
