/** Goal: a path survives its URL, and URLs that could mean another place are refused. */

import assert from "node:assert/strict";
import { directoryPath, directoryUrl } from "../../../../lib/store/directory_url.ts";

for (
  const path of [
    "/",
    "/srv/blocks",
    "/with space/a",
    "/a?b#c",
    "/100%",
    "/a%20b",
    "/bücher/日本",
    "/a@b:c=d&e+f[g]",
    "/back\\slash",
  ]
) {
  Deno.test(`directoryUrl: gives a URL that directoryPath reads as ${path}`, () => {
    assert.equal(directoryPath(directoryUrl(path)), path);
  });
}

Deno.test("directoryPath: reads URLs as people write them", () => {
  assert.equal(directoryPath("dir:///srv/my blocks/"), "/srv/my blocks");
  assert.equal(directoryPath("DIR:///srv/a/../b/./c//"), "/srv/b/c");
  assert.equal(directoryPath("dir:///srv/%C3%BC"), "/srv/ü");
});

for (
  const url of [
    "dir://",
    "dir://srv/blocks",
    "dir://./blocks",
    "dir://localhost/srv/blocks",
    "dir://user:s3cr3t@host/srv",
    "dir:///srv?mode=x",
    "dir:///srv#x",
    "dir:///srv/%ff",
    "dir:///srv/%00",
    "mem://x",
    "/srv/blocks",
  ]
) {
  Deno.test(`directoryPath: refuses ${url}`, () => {
    assert.throws(() => directoryPath(url), (error: Error) => {
      assert(error instanceof SyntaxError);
      assert.match(error.message, /dir:\/\/\/absolute\/path/);
      assert(!error.message.includes("s3cr3t"));
      return true;
    });
  });
}
