/**
 * Goal: a writer that is killed leaves no block that is not whole, and a store that works.
 * Method: a process that puts blocks is killed with SIGKILL, at each step of a put and at random
 * moments; then every listed block is compared with its id.
 */

import assert from "node:assert/strict";
import { DirectoryStore } from "../../lib/store/directory_store.ts";
import { randomBlock, testIdOf } from "../helpers/random_block.ts";

const WRITER = new URL("../helpers/killed_writer.ts", import.meta.url).pathname;

/** Starts a writer, waits until it has put its first block, and for its death when it dies alone. */
async function runWriter(path: string, step: string, killAfterMs?: number): Promise<void> {
  // Large blocks when it is killed from outside, so that most of the time is spent in a write.
  const size = killAfterMs === undefined ? 300_000 : 8 * 1024 * 1024;
  const args = ["run", "-A", "--quiet", WRITER, path, String(size), step, "3"];
  await using writer = new Deno.Command(Deno.execPath(), {
    args,
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = writer.stdout.getReader();
  const { value } = await reader.read();
  assert.equal(new TextDecoder().decode(value), "first\n");
  if (killAfterMs !== undefined) {
    await new Promise((resolve) => setTimeout(resolve, killAfterMs));
    writer.kill("SIGKILL");
  }
  await reader.cancel();
  assert.equal((await writer.status).signal, "SIGKILL");
}

/** Temporary files in the store. */
async function leftovers(path: string): Promise<string[]> {
  const names: string[] = [];
  for await (const entry of Deno.readDir(path)) {
    for await (const file of Deno.readDir(`${path}/${entry.name}`)) {
      if (!/^[0-9a-f]{64}$/.test(file.name)) names.push(file.name);
    }
  }
  return names;
}

/** Checks every block, and that the store goes on working; returns how many blocks there are. */
async function checkStore(path: string): Promise<number> {
  await using store = await DirectoryStore.open(path, { create: true });
  const ids = await Array.fromAsync(store.list());
  for (const id of ids) assert.equal(testIdOf(await store.get(id)), id);
  const { id, block } = randomBlock(1000);
  assert.equal(await store.put(id, block), "stored");
  store.sweepTemporary(0);
  assert.deepEqual(await leftovers(path), []);
  return ids.length;
}

for (
  const [step, blocks, temporary] of [
    ["before-open", 3, 0],
    ["after-open", 3, 1],
    ["half-written", 3, 1],
    ["before-rename", 3, 1],
    ["after-rename", 4, 0],
  ] as const
) {
  Deno.test(`directory store: a writer killed ${step} leaves only whole blocks`, async () => {
    const path = await Deno.makeTempDir();
    try {
      await runWriter(path, step);
      const left = await leftovers(path);
      assert.equal(left.length, temporary, left.join());
      assert.equal(await checkStore(path), blocks);
    } finally {
      await Deno.remove(path, { recursive: true });
    }
  });
}

Deno.test("directory store: writers killed at random moments leave only whole blocks", async () => {
  const delaysMs = Array.from({ length: 4 }, () => Math.floor(Math.random() * 60));
  // deno-lint-ignore no-console -- what is random is printed
  console.log(`killed after ${delaysMs.join(", ")} ms`);
  for (const delayMs of delaysMs) {
    const path = await Deno.makeTempDir();
    try {
      await runWriter(path, "never", delayMs);
      assert(await checkStore(path) >= 1);
    } finally {
      await Deno.remove(path, { recursive: true });
    }
  }
});
