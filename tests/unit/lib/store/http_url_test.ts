/** Goal: what an `http(s)://` URL means, and that its secrets stay out of names and messages. */

import assert from "node:assert/strict";
import { parseHttpUrl } from "../../../../lib/store/http_url.ts";

Deno.test("parseHttpUrl: the path names a directory, with or without its slash", () => {
  for (const path of ["", "/", "/a", "/a/", "/a//"]) {
    const { base, authorization } = parseHttpUrl(`http://host:8080${path}`);
    assert.equal(base.href, path.startsWith("/a") ? "http://host:8080/a/" : "http://host:8080/");
    assert.equal(authorization, undefined);
  }
});

Deno.test("parseHttpUrl: the query stays, the fragment goes", () => {
  const { base, store } = parseHttpUrl("https://host/a?token=s3cr3t&x=1#part");
  assert.equal(base.href, "https://host/a/?token=s3cr3t&x=1");
  assert.equal(store, "https://host/a?x=1#part");
});

Deno.test("parseHttpUrl: user and password become what to authorize with, and stand nowhere else", () => {
  const { base, store, authorization } = parseHttpUrl("http://us%C3%A9r:p%40ss%25@host/a");
  assert.equal(base.href, "http://host/a/");
  assert.equal(store, "http://host/a");
  const [, encoded] = authorization!.split(" ");
  assert.equal(new TextDecoder().decode(Uint8Array.fromBase64(encoded!)), "usér:p@ss%");
  const token = parseHttpUrl("https://token@host").authorization;
  assert.equal(token, `Basic ${btoa("token:")}`);
});

Deno.test("parseHttpUrl: what is no such URL is refused without its secrets", () => {
  for (const url of ["ftp://u:s3cr3t@host/", "http://u:s3cr3t%@host/", "http://u:s3cr3t@:99999"]) {
    assert.throws(() => parseHttpUrl(url), (error) => {
      assert.ok(error instanceof SyntaxError);
      assert.ok(!`${error.message}${error.stack}`.includes("s3cr3t"), error.message);
      return true;
    });
  }
});
