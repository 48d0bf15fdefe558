/**
 * Which folder the environment names.
 */

import assert from "node:assert/strict";
import { blockCacheFolder, stateFolder } from "../../../cli/cache_folder.ts";

function folderFor(variables: Readonly<Record<string, string>>): string | undefined {
  return stateFolder((name) => variables[name]);
}

Deno.test("cache folder: our own variable comes first, then XDG's, then home", () => {
  const all = { MYFS_CACHE_DIR: "/m", XDG_CACHE_HOME: "/x", HOME: "/h" };
  assert.equal(folderFor(all), "/m");
  assert.equal(folderFor({ ...all, MYFS_CACHE_DIR: "" }), "/x/myfs");
  assert.equal(folderFor({ HOME: "/h" }), "/h/.cache/myfs");
});

Deno.test("cache folder: a relative XDG_CACHE_HOME is ignored, as its specification asks", () => {
  assert.equal(folderFor({ XDG_CACHE_HOME: "x", HOME: "/h" }), "/h/.cache/myfs");
});

Deno.test("cache folder: there may be none", () => {
  assert.equal(folderFor({}), undefined);
});

Deno.test("cache folder: blocks have a folder in it, and without one a name must be given", () => {
  assert.equal(
    blockCacheFolder((name) => name === "HOME" ? "/h" : undefined),
    "/h/.cache/myfs/blocks",
  );
  assert.throws(() => blockCacheFolder(() => undefined), { code: "usage", hint: /--cache/ });
});
