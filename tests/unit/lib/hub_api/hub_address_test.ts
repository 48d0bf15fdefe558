/** Names of hubs and of flists on them: what is read, what is refused, and that no secret shows. */

import assert from "node:assert/strict";
import {
  formatHubFlist,
  hubFlistPath,
  isHubFlist,
  parseHubAddress,
  parseHubFlist,
} from "../../../../lib/hub_api/hub_address.ts";

const DIGEST = "ab".repeat(32);

Deno.test("hub address: all forms name the same hub", () => {
  for (const text of ["hub://h:3000", "http://h:3000/", "HUB://h:3000///"]) {
    const { base, name } = parseHubAddress(text);
    assert.deepEqual([base.href, name], ["http://h:3000/", "hub://h:3000"]);
  }
  assert.equal(parseHubAddress("hubs://h/api").base.href, "https://h/api/");
  assert.equal(parseHubAddress("https://h").name, "hubs://h");
});

Deno.test("hub address: secrets and other schemes are refused, and do not show", () => {
  for (
    const text of ["", "h:3000", "ftp://h", "hub://", "hub://u:s3cret@h", "hub://h?token=s3cret"]
  ) {
    assert.throws(() => parseHubAddress(text), (error: Error) => {
      assert.ok(error instanceof SyntaxError && !error.message.includes("s3cret"));
      return true;
    }, text);
  }
});

Deno.test("hub flist: a name with and without a tag, with .fl, and a digest", () => {
  const cases: readonly [string, string, string][] = [
    ["hub://h/al/deb:12", "hub://h/al/deb:12", "api/v1/flists/al/deb/12"],
    ["hub://h/al/deb", "hub://h/al/deb:latest", "api/v1/flists/al/deb/latest"],
    ["hubs://h/al/deb.fl", "hubs://h/al/deb:latest", "api/v1/flists/al/deb/latest"],
    ["hub://h/behind/al/d.e:1", "hub://h/behind/al/d.e:1", "api/v1/flists/al/d.e/1"],
    [`hub://h/${DIGEST}`, `hub://h/${DIGEST}`, `api/v1/flists/digest/${DIGEST}`],
  ];
  for (const [text, formatted, path] of cases) {
    assert.ok(isHubFlist(text));
    const reference = parseHubFlist(text);
    assert.equal(formatHubFlist(reference), formatted);
    assert.equal(hubFlistPath(reference), path);
    assert.deepEqual(parseHubFlist(formatted), reference);
  }
});

Deno.test("hub flist: what could lead elsewhere is refused", () => {
  const wrong = [
    "hub://h",
    "hub://h/al",
    "hub://h/al/..",
    "hub://h/../deb:1",
    "hub://h/al/deb:",
    "hub://h/al/deb:a:b",
    "hub://h/al/d%2f:1",
    "hub://h/al/deb:1?token=x",
    "hub://u:p@h/al/deb:1",
    "tree.fl",
  ];
  for (const text of wrong) assert.throws(() => parseHubFlist(text), SyntaxError, text);
});
