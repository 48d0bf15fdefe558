/** Goal: no spelling of a local place passes for a remote one, and public ones pass. */

import assert from "node:assert/strict";
import { isLocalAddress, isLocalUrl } from "../../../../lib/store/local_url.ts";

const LOCAL = [
  // Places that are no host.
  "dir:///srv/blocks",
  "DIR:///srv/blocks",
  "file:///etc/passwd",
  "mem://name",
  "zdb:///run/zdb.sock",
  "zdb:////127.0.0.1",
  // Names.
  "http://localhost:3000",
  "http://LOCALHOST./",
  "zdb://a.localhost:9900",
  "http://printer.local/",
  "http://metadata.google.internal/",
  "http://router.home.arpa/",
  "hub://intranet",
  "hub://intranet.",
  // IPv4 in its spellings, also where the URL parser leaves the host alone.
  "http://127.0.0.1/",
  "zdb://127.0.0.1:9900",
  "zdb://127.1",
  "zdb://2130706433",
  "zdb://0x7f000001",
  "zdb://0x7f.1",
  "zdb://0177.0.0.1",
  "zdb://017700000001",
  "zdb://0",
  "zdb://0.0.0.0",
  "zdb://127.0.0.1.",
  "zdb://%31%32%37.0.0.1",
  "http://１２７.0.0.1/",
  "http://①②⑦.0.0.1/",
  "http://user:password@127.0.0.1/",
  "http://example.com@127.0.0.1/",
  "http:///127.0.0.1/",
  "http://\\127.0.0.1/",
  "zdb://10.1.2.3",
  "zdb://172.16.0.1",
  "zdb://172.31.255.255",
  "zdb://192.168.1.1",
  "zdb://100.64.0.1",
  "http://169.254.169.254/latest/meta-data",
  "zdb://198.18.0.1",
  "zdb://192.0.2.1",
  "zdb://224.0.0.1",
  "zdb://255.255.255.255",
  // IPv6.
  "zdb://[::]",
  "zdb://[::1]:9900",
  "zdb://[0:0:0:0:0:0:0:1]",
  "zdb://[::ffff:127.0.0.1]",
  "zdb://[::ffff:7f00:1]",
  "zdb://[::ffff:10.0.0.1]",
  "zdb://[::127.0.0.1]",
  "zdb://[64:ff9b::10.0.0.1]",
  "zdb://[64:ff9b:1::1]",
  "zdb://[2002:7f00:1::]",
  "zdb://[2001::1]",
  "zdb://[2001:db8::1]",
  "zdb://[3fff::1]",
  "zdb://[100::1]",
  "zdb://[fc00::1]",
  "zdb://[fd12:3456::1]",
  "zdb://[fe80::1]",
  "zdb://[fe80::1%25eth0]",
  "zdb://[fec0::1]",
  "zdb://[ff02::1]",
  // One URL in another.
  "server://http://127.0.0.1:3000?token=t",
  "server://http://localhost:3000",
  "server://server://http://localhost:3000",
  "server://http:/127.0.0.1",
  // What is no URL counts as local.
  "",
  "/srv/blocks",
  "127.0.0.1:3000",
  "s3://host:port/bucket",
  "http://exa mple.com/",
  "zdb://evil.com\\@127.0.0.1",
];

const REMOTE = [
  "http://example.com/blocks",
  "https://example.com./blocks",
  "https://localhost.example.com/",
  "https://mylocal.org/",
  "https://notinternal.com/",
  "zdb://hub.example.com:9900/ns",
  "s3://play.min.io:9000/bucket?region=eu",
  "server://http://hub.example.com:3000?token=t",
  "server://hub.example.com:3000",
  "zdb://8.8.8.8:9900",
  "zdb://134744072",
  "zdb://172.15.255.255",
  "zdb://172.32.0.0",
  "zdb://100.63.255.255",
  "zdb://100.128.0.0",
  "zdb://192.167.255.255",
  "zdb://192.169.0.0",
  "zdb://223.255.255.255",
  "zdb://[2606:4700:4700::1111]:9900",
  "zdb://[2001:4860:4860::8888]",
  "zdb://[2002:808:808::1]",
  "zdb://[::ffff:8.8.8.8]",
  "zdb://[64:ff9b::8.8.8.8]",
  "http://bücher.example/",
];

for (const url of LOCAL) {
  Deno.test(`isLocalUrl: is true for ${JSON.stringify(url)}`, () =>
    assert.equal(isLocalUrl(url), true));
}

for (const url of REMOTE) {
  Deno.test(`isLocalUrl: is false for ${url}`, () => assert.equal(isLocalUrl(url), false));
}

Deno.test("isLocalAddress: judges what a name led to", () => {
  for (
    const address of ["127.0.0.1", "::1", "[::1]", "fe80::1%eth0", "::ffff:10.0.0.1", "x", "1.2.3"]
  ) {
    assert.equal(isLocalAddress(address), true, address);
  }
  for (const address of ["8.8.8.8", "2606:4700::1111", "[2606:4700::1111]", "::ffff:8.8.8.8"]) {
    assert.equal(isLocalAddress(address), false, address);
  }
});
