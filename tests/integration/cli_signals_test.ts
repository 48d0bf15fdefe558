/**
 * Ctrl-C and its like: exit codes, one line that says what is left, and no half flist.
 */

import assert from "node:assert/strict";
import { finish, myfsOk, startMyfs, Workplace } from "./cli_process.ts";

/** A workplace whose tree takes seconds to pack, however fast the machine: level 19 on noise. */
function slowTree(): Promise<Workplace> {
  return Workplace.create((place) => place.writeNoise("tree/noise", 48 * 1024 * 1024));
}

/** Starts a slow pack and waits until it is at work. */
async function startSlowPack(place: Workplace, ...args: string[]): Promise<Deno.ChildProcess> {
  const pack = ["pack", "-m", "tree.fl", "-s", place.store(), "--level", "19", "tree", ...args];
  const child = startMyfs(pack, place.options);
  let ended = false;
  child.status.finally(() => ended = true);
  for (;;) {
    assert.ok(!ended, "the pack ended before it could be interrupted");
    const names = await Array.fromAsync(Deno.readDir(place.path), ({ name }) => name);
    if (names.includes("blocks")) return child;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

Deno.test("signals: Ctrl-C ends a pack with 130, one line and no flist", async () => {
  await using place = await slowTree();
  const child = await startSlowPack(place);
  child.kill("SIGINT");
  const { code, stdout, stderr } = await finish(child);
  assert.equal(code, 130);
  assert.equal(stdout, "");
  assert.equal(
    stderr,
    "Ended by SIGINT; no flist was written, and blocks that were stored will be reused\n",
  );
  const names = await Array.fromAsync(Deno.readDir(place.path), ({ name }) => name);
  assert.deepEqual(names.filter((name) => name !== "state").sort(), ["blocks", "tree"]);
});

Deno.test("signals: SIGTERM ends a pack with 143, and with a document where --json asks", async () => {
  await using place = await slowTree();
  const child = await startSlowPack(place, "--json");
  child.kill("SIGTERM");
  const { code, stdout, stderr } = await finish(child);
  assert.equal(code, 143);
  assert.equal(stderr, "");
  assert.equal(JSON.parse(stdout).error.code, "interrupted");
});

Deno.test("signals: a second Ctrl-C does not wait for what cannot end", async () => {
  await using place = await Workplace.create();
  const files: Record<string, string> = {};
  for (let i = 0; i < 2000; i++) files[`tree/${"n".repeat(100)}${i}`] = "";
  await place.write(files);
  await myfsOk(["pack", "-q", "-m", "tree.fl", "-s", place.store(), "tree"], place.options);
  // Nobody reads the list: once the pipe is full, the command waits for ever.
  const child = startMyfs(["flist", "ls", "tree.fl", "--json"], place.options);
  const reader = child.stdout.getReader();
  await reader.read();
  await new Promise((resolve) => setTimeout(resolve, 500));
  let ended = false;
  const status = child.status.finally(() => ended = true);
  child.kill("SIGINT");
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.equal(ended, false);
  child.kill("SIGINT");
  assert.equal((await status).code, 130);
  await reader.cancel();
  await child.stderr.cancel();
});
