/** Goal: platforms in all their spellings are compared as what they are. */

import assert from "node:assert/strict";
import {
  formatPlatform,
  machinePlatform,
  parsePlatform,
  platformFit,
} from "../../../../lib/oci/platform.ts";

Deno.test("platform: other spellings have one meaning", () => {
  const cases: Readonly<Record<string, string>> = {
    "linux/x86_64": "linux/amd64",
    "Linux/AMD64/v1": "linux/amd64",
    "linux/aarch64": "linux/arm64",
    "linux/arm64/v8": "linux/arm64",
    "linux/arm/7": "linux/arm/v7",
    "linux/armhf": "linux/arm/v7",
    "linux/amd64/v3": "linux/amd64/v3",
  };
  for (const [text, expected] of Object.entries(cases)) {
    assert.equal(formatPlatform(parsePlatform(text)), expected, text);
  }
  for (const text of ["", "linux", "linux/", "linux/arm/v7/x", "all"]) {
    assert.throws(() => parsePlatform(text), SyntaxError, text);
  }
});

Deno.test("platform: processors run what was made for older ones of their family", () => {
  const fit = (wanted: string, offered: string): number | undefined =>
    platformFit(parsePlatform(wanted), parsePlatform(offered));
  assert.ok(fit("linux/arm/v7", "linux/arm/v7")! > fit("linux/arm/v7", "linux/arm/v6")!);
  assert.equal(fit("linux/arm/v6", "linux/arm/v7"), undefined);
  assert.notEqual(fit("linux/amd64/v3", "linux/amd64"), undefined);
  assert.equal(fit("linux/amd64", "linux/amd64/v3"), undefined);
  assert.equal(fit("linux/amd64", "windows/amd64"), undefined);
  assert.equal(machinePlatform().os, "linux");
});
