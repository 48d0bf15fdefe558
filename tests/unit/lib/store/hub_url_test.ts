/** Goal: every form in which a hub is named, ours and those of rfs, leads to the same hub. */

import assert from "node:assert/strict";
import { parseHubUrl } from "../../../../lib/store/hub_url.ts";

Deno.test("parseHubUrl: reads all forms", () => {
  const forms: Readonly<Record<string, string>> = {
    "hub://host": "http://host/",
    "hub://host:3000": "http://host:3000/",
    "hub://host:3000/": "http://host:3000/",
    "hub://[::1]:3000/prefix": "http://[::1]:3000/prefix/",
    "HUB://host": "http://host/",
    "hubs://host": "https://host/",
    "hubs://host:8443/a/b/": "https://host:8443/a/b/",
    "server://host:4000": "http://host:4000/",
    "server://http://localhost:4000": "http://localhost:4000/",
    "server://https://hub.example": "https://hub.example/",
    "server://https://hub.example/path/": "https://hub.example/path/",
    "server://http//localhost:4000": "http://localhost:4000/",
    "server://https//hub.example": "https://hub.example/",
    // A host that is called as a scheme is.
    "server://http:8080": "http://http:8080/",
  };
  for (const [form, base] of Object.entries(forms)) {
    const plain = parseHubUrl(form);
    assert.equal(plain.base.href, base, form);
    assert.equal(plain.token, undefined, form);
    assert.equal(plain.store, form);
    const signed = parseHubUrl(`${form}?token=a.b-c_d`);
    assert.equal(signed.base.href, base, form);
    assert.equal(signed.token, "a.b-c_d", form);
    assert.equal(signed.store, form, "the token is no part of the store's name");
  }
});

Deno.test("parseHubUrl: an empty token is none, an encoded one is decoded", () => {
  assert.equal(parseHubUrl("hub://host?token=").token, undefined);
  assert.equal(parseHubUrl("hub://host?token=a%2Fb%3D").token, "a/b=");
});

Deno.test("parseHubUrl: refuses everything else, and shows no secret", () => {
  const wrong = [
    "hub://",
    "server://",
    "server://http://",
    "http://host?token=s3cr3t",
    "hub://user:s3cr3t@host",
    "hub://s3cr3t@host",
    "server://http://user:s3cr3t@host",
    "hub://host?token=s3cr3t&x=1",
    "hub://host?token=s3cr3t%0d%0aX:1",
    "hub://host:99999?token=s3cr3t",
  ];
  for (const url of wrong) {
    assert.throws(() => parseHubUrl(url), (error) => {
      assert.ok(error instanceof SyntaxError, url);
      assert.ok(!`${error.message}${error.stack}`.includes("s3cr3t"), error.message);
      return true;
    }, url);
  }
});
