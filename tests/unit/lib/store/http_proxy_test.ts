/** Goal: the environment's proxies are used for the servers they are for, and for no others. */

import assert from "node:assert/strict";
import { proxyFor } from "../../../../lib/store/http_proxy.ts";

Deno.test("proxy: chosen by scheme, and left out where NO_PROXY says so", () => {
  const settings = {
    http: "plain.example:3128",
    https: "http://u:p%40@tls.example",
    no: "direct.example, .dot.example,10.0.0.0/8 ported.example:8443,[::2]",
  };
  const host = (url: string): string | undefined => proxyFor(new URL(url), settings)?.hostname;
  assert.equal(host("http://a.example/"), "plain.example");
  assert.equal(host("https://a.example/"), "tls.example");
  for (
    const url of [
      "https://direct.example/",
      "https://sub.direct.example/",
      "https://x.dot.example/",
      "http://10.1.2.3/",
      "https://ported.example:8443/",
      "http://[::2]/",
      "http://localhost:5000/",
      "http://127.0.0.1/",
    ]
  ) assert.equal(host(url), undefined, url);
  assert.equal(host("https://ported.example/"), "tls.example");
  assert.equal(host("https://indirect.example/"), "tls.example");
  const proxy = proxyFor(new URL("https://a.example/"), settings)!;
  assert.equal(proxy.authorization, `Basic ${btoa("u:p@")}`);
  assert.equal(proxy.port, 80);
  assert.equal(proxyFor(new URL("https://a.example/"), { https: "x:1", no: "*" }), undefined);
});

Deno.test("proxy: of an unknown kind, is refused without its secrets", () => {
  assert.throws(
    () => proxyFor(new URL("http://a.example/"), { http: "socks5://u:secret@h:1" }),
    (error: unknown) => error instanceof SyntaxError && !error.message.includes("secret"),
  );
});
