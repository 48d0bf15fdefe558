/** Goal: redirects lead only where they may. Over real connections: `http_client_test.ts`. */

import assert from "node:assert/strict";
import { HttpRedirectError, redirectTarget } from "../../../../lib/store/http_redirect.ts";

function target(
  location: string | undefined,
  { from = "https://a.example/x/y?z", method = "GET", status = 302, count = 0 } = {},
): string | undefined {
  const headers = new Map(location === undefined ? [] : [["location", location]]);
  return redirectTarget({ status, headers }, { url: new URL(from), method }, count)?.href;
}

Deno.test("redirects: to places of the same server and to others, without credentials", () => {
  assert.equal(target("../z"), "https://a.example/z");
  assert.equal(target("//b.example/q?r#s"), "https://b.example/q?r");
  assert.equal(target("https://user:secret@b.example/"), "https://b.example/");
  assert.equal(target("http://b.example/", { from: "http://a.example/" }), "http://b.example/");
  for (const status of [301, 303, 307, 308]) assert.ok(target("/", { status }), `${status}`);
});

Deno.test("redirects: what is no redirect", () => {
  assert.equal(target(undefined), undefined);
  for (const status of [200, 201, 300, 304, 404]) assert.equal(target("/", { status }), undefined);
});

Deno.test("redirects: those that are refused say why", () => {
  const cases: readonly [Parameters<typeof target>, RegExp][] = [
    [["http://a.example/"], /from https to http/],
    [["file:///etc/passwd"], /no web address/],
    [["https://"], /no web address/],
    [["/", { method: "POST" }], /not sent elsewhere/],
    [["/", { method: "PUT" }], /not sent elsewhere/],
    [["/", { count: 5 }], /too often/],
  ];
  for (const [args, message] of cases) {
    assert.throws(
      () => target(...args),
      (error: unknown) => error instanceof HttpRedirectError && message.test(error.message),
    );
  }
});
