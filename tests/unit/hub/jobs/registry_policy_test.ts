/**
 * Which registries a hub reads from: patterns mean what they say, and no more.
 */

import assert from "node:assert/strict";
import { imageOf } from "../../../../hub/jobs/conversion_request.ts";
import { registryAccess, type RegistrySettings } from "../../../../hub/jobs/registry_policy.ts";

const OPEN: RegistrySettings = {
  registries: ["*"],
  private_registries: [],
  plain_http_registries: [],
};

Deno.test("registry policy: by default any registry, with TLS, at public addresses alone", () => {
  for (const name of ["nginx", "quay.io/a/b", "127.0.0.1:5000/x", "localhost/x", "[::1]:1/x"]) {
    const access = registryAccess(imageOf(name), OPEN);
    assert.deepEqual(access, { publicAddressesOnly: true, plainHttp: false }, name);
  }
});

Deno.test("registry policy: a pattern is for a registry, or for a part of one", () => {
  const cases: [pattern: string, image: string, isMeant: boolean][] = [
    ["docker.io", "nginx", true],
    ["docker.io", "docker.io/team/app:1", true],
    ["docker.io/library/*", "nginx", true],
    ["docker.io/library/*", "team/app", false],
    ["ghcr.io/team/*", "ghcr.io/team/app", true],
    ["ghcr.io/team/*", "ghcr.io/team2/app", false],
    ["ghcr.io/team/*", "ghcr.io/x/team/app", false],
    ["*.example.org", "eu.example.org/app", true],
    ["*.example.org", "example.org/app", false],
    ["*.example.org", "example.org.evil.net/app", false],
    ["registry.lan", "registry.lan:5000/app", false],
    ["registry.lan:5000", "registry.lan:5000/app", true],
    ["registry.lan:*", "registry.lan:5000/app", true],
    ["registryxlan", "registry.lan/app", false],
    ["Registry.LAN:5000", "registry.lan:5000/app", true],
  ];
  for (const [pattern, image, isMeant] of cases) {
    const settings = { ...OPEN, registries: [pattern] };
    const ask = () => registryAccess(imageOf(image), settings);
    if (isMeant) ask();
    else assert.throws(ask, { status: 403, code: "registry_forbidden" }, `${pattern} ${image}`);
    const { publicAddressesOnly, plainHttp } = registryAccess(imageOf(image), {
      ...OPEN,
      private_registries: [pattern],
      plain_http_registries: [pattern],
    });
    assert.equal(publicAddressesOnly, !isMeant, `${pattern} ${image}`);
    assert.equal(plainHttp, isMeant, `${pattern} ${image}`);
  }
});
