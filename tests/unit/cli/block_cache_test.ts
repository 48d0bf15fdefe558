/**
 * What the options of the cache mean.
 */

import assert from "node:assert/strict";
import { openReadCache, openWorkCache, withoutCache } from "../../../cli/block_cache.ts";
import { TempFolder } from "../../helpers/temp_folder.ts";
import { TextPrinter } from "../../../cli/output/text_printer.ts";
import { recorder } from "./output/recorder.ts";

function quietPrinter(warnings: string[] = []): TextPrinter {
  const { stdout } = recorder();
  return new TextPrinter({
    stdout,
    stderr: (text) => warnings.push(text),
    quiet: true,
    color: false,
  });
}

Deno.test("cache options: there is a cache when one is named, or its size", async () => {
  using folder = new TempFolder();
  const printer = quietPrinter();
  assert.equal(await openReadCache({}, printer), undefined);
  assert.equal(await openReadCache({ cache: false }, printer), undefined);
  assert.equal(await openReadCache({ heal: true }, printer), undefined);
  const path = folder.file("cache");
  await using cache = await openReadCache({ cache: path, cacheSize: 5000 }, printer);
  assert.equal(cache!.folder, path);
  assert.equal((await cache!.status()).sizeMax, 5000);
});

Deno.test("cache options: what is wrong with a cache is told", async () => {
  const warnings: string[] = [];
  const options = { cache: "/proc/no/cache" };
  await using cache = await openReadCache(options, quietPrinter(warnings));
  assert.equal(cache!.folder, options.cache);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!, /^warning: The cache \/proc\/no\/cache keeps nothing new: /);
});

Deno.test("cache options: what contradicts itself is refused", async () => {
  const printer = quietPrinter();
  await assert.rejects(openReadCache({ cache: false, cacheSize: 1 }, printer), { code: "usage" });
  await assert.rejects(openReadCache({ cache: true, heal: true }, printer), {
    code: "usage",
    hint: /healed/,
  });
});

Deno.test("cache options: are not the library's", () => {
  assert.deepEqual(withoutCache({ cache: true, cacheSize: 5, path: "a" }), { path: "a" });
});

Deno.test("cache options: a cache that is to be worked on must be there, unless it is to be made", async () => {
  using folder = new TempFolder();
  const printer = quietPrinter();
  const options = { cache: folder.file("none") };
  await assert.rejects(openWorkCache(options, printer), { code: "missing", message: /none/ });
  assert.deepEqual(folder.names(), []);
  await using cache = await openWorkCache(options, printer, { create: true });
  assert.equal(cache.folder, options.cache);
});
