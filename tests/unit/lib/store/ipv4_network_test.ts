/** Goal: addresses are read exactly, and networks hold what their prefix says. */

import assert from "node:assert/strict";
import { ipv4Value, isInIpv4Network } from "../../../../lib/store/ipv4_network.ts";

Deno.test("IPv4: four decimal bytes, and nothing else", () => {
  assert.equal(ipv4Value("0.0.0.0"), 0);
  assert.equal(ipv4Value("255.255.255.255"), 2 ** 32 - 1);
  assert.equal(ipv4Value("1.2.3.4"), 0x01020304);
  for (
    const wrong of ["", "1.2.3", "1.2.3.4.5", "1.2.3.256", "0x1.2.3.4", "1.2.3.-4", " 1.2.3.4"]
  ) {
    assert.equal(ipv4Value(wrong), undefined, wrong);
  }
});

Deno.test("IPv4: what is in a network", () => {
  for (const inside of ["10.0.0.0", "10.255.255.255"]) {
    assert.ok(isInIpv4Network(inside, "10.0.0.0", 8), inside);
  }
  for (const outside of ["9.255.255.255", "11.0.0.0", "10.0.0.256", "name"]) {
    assert.ok(!isInIpv4Network(outside, "10.0.0.0", 8), outside);
  }
  assert.ok(isInIpv4Network("200.1.1.1", "1.2.3.4", 0));
  assert.ok(isInIpv4Network("1.2.3.4", "1.2.3.4", 32));
  assert.ok(!isInIpv4Network("1.2.3.5", "1.2.3.4", 32));
  assert.ok(!isInIpv4Network("1.2.3.4", "1.2.3.4", 33));
});
