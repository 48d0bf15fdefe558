/** Goal: only a folder of one's own that holds nothing else becomes a cache, and one at a time has it. */

import assert from "node:assert/strict";
import { CacheFolder, checkCacheFolder } from "../../../../lib/store/cache_folder.ts";
import { requiringTest } from "../../../helpers/require.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";

function assertRefused(path: string, reason: RegExp, code = "store_denied"): void {
  assert.throws(() => checkCacheFolder(path), (error) => {
    assert.ok(error instanceof Error && "code" in error && "hint" in error);
    assert.equal(error.code, code);
    assert.match(error.message, reason);
    assert.match(error.message, /^Cannot use .*: /);
    assert.equal(typeof error.hint, "string");
    return true;
  });
}

Deno.test("checkCacheFolder: takes what is missing, empty, or a cache", () => {
  using folder = new TempFolder();
  checkCacheFolder(folder.file("a/b/c"));
  checkCacheFolder(folder.tree("empty"));
  using cache = new CacheFolder(folder.file("a/b/c"));
  checkCacheFolder(cache.path);
  Deno.symlinkSync(cache.path, folder.file("link"));
  checkCacheFolder(folder.file("link"));
  // Its maker died, or is about to write it.
  Deno.writeTextFileSync(folder.file("empty/CACHEDIR.TAG"), "");
  checkCacheFolder(folder.file("empty"));
});

Deno.test("checkCacheFolder: refuses what holds something else", () => {
  using folder = new TempFolder();
  assertRefused(folder.tree("home", { "letter": "dear" }), /not a cache.*letter/);
  assertRefused(folder.tree("store", { "ab/block": "a" }), /not a cache/);
  const tag = "Signature: 8a477f597d28d172789f06886806bc55\n";
  assertRefused(folder.tree("other", { "CACHEDIR.TAG": tag }), /not a cache/);
  assertRefused(
    folder.tree("tag", { "CACHEDIR.TAG": "something", "ab/block": "a" }),
    /not a cache/,
  );
  folder.tree("linked");
  Deno.symlinkSync("/dev/null", folder.file("linked/CACHEDIR.TAG"));
  assertRefused(folder.file("linked"), /not a cache/);
});

Deno.test("checkCacheFolder: refuses what everyone may write to, and what is no directory", () => {
  using folder = new TempFolder();
  folder.tree("open");
  Deno.chmodSync(folder.file("open"), 0o1777);
  assertRefused(folder.file("open"), /everyone may write/);
  Deno.writeTextFileSync(folder.file("file"), "");
  assertRefused(folder.file("file"), /not a directory/, "store_unavailable");
  assertRefused(folder.file("file/below"), /not a directory/, "store_unavailable");
});

requiringTest(["root"], "checkCacheFolder: refuses what belongs to somebody else", () => {
  using folder = new TempFolder();
  folder.tree("theirs");
  Deno.chownSync(folder.file("theirs"), 1234, 1234);
  assertRefused(folder.file("theirs"), /belongs to user 1234/);
});

Deno.test("CacheFolder: is made for its owner alone, with a tag that backups know", () => {
  using folder = new TempFolder();
  using cache = new CacheFolder(folder.file("a/b"));
  for (const path of ["a", "a/b"]) {
    assert.equal(Deno.statSync(folder.file(path)).mode! & 0o777, 0o700);
  }
  const tag = Deno.readTextFileSync(`${cache.path}/CACHEDIR.TAG`);
  assert.match(tag, /^Signature: 8a477f597d28d172789f06886806bc55\n/);
});

Deno.test("CacheFolder: one at a time has the lock, also of those in one process", async () => {
  using folder = new TempFolder();
  using one = new CacheFolder(folder.path);
  using other = new CacheFolder(folder.path);
  const lock = one.tryLock();
  assert.ok(lock !== undefined);
  assert.equal(one.tryLock(), undefined);
  assert.equal(other.tryLock(), undefined);
  assert.equal(await other.lock(20), undefined);
  const waiting = other.lock(10_000);
  lock[Symbol.dispose]();
  lock[Symbol.dispose]();
  {
    using got = await waiting;
    assert.ok(got !== undefined);
    assert.equal(one.tryLock(), undefined);
  }
  using again = one.tryLock();
  assert.ok(again !== undefined);
  const reason = new Error("stop");
  await assert.rejects(other.lock(10_000, AbortSignal.abort(reason)), (error) => error === reason);
});

Deno.test("CacheFolder: knows when it was removed or replaced", () => {
  using folder = new TempFolder();
  const path = folder.file("cache");
  using first = new CacheFolder(path);
  assert.equal(first.isCurrent(), true);
  Deno.removeSync(path, { recursive: true });
  assert.equal(first.isCurrent(), false);
  using second = new CacheFolder(path);
  assert.equal(first.isCurrent(), false);
  assert.equal(second.isCurrent(), true);
});
