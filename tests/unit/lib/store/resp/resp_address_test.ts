import assert from "node:assert/strict";
import { parseRespUrl, type RespAddress } from "../../../../../lib/store/resp/resp_address.ts";

const FORM = { port: 9900, tls: false, spaceParameter: "namespace", example: "zdb://host" };

const tcp = (host: string, port: number): RespAddress["place"] => ({
  kind: "tcp",
  host,
  port,
  tls: false,
});
const unix = (path: string): RespAddress["place"] => ({ kind: "unix", path });

const READ: readonly (readonly [string, RespAddress["place"], string, string, string, string])[] = [
  ["zdb://host", tcp("host", 9900), "", "", "", "zdb://host"],
  ["zdb://host:1/ns", tcp("host", 1), "", "", "ns", "zdb://host:1/ns"],
  ["zdb://host/ns/", tcp("host", 9900), "", "", "ns", "zdb://host/ns/"],
  ["zdb://u:p%40%2F@h/n%20s", tcp("h", 9900), "u", "p@/", "n s", "zdb://h/n%20s"],
  ["zdb://:pw@[::1]:7/ns", tcp("::1", 7), "", "pw", "ns", "zdb://[::1]:7/ns"],
  ["zdb:///run/z.sock", unix("/run/z.sock"), "", "", "", "zdb:///run/z.sock"],
  [
    "zdb:///run/z%20.sock?namespace=ns&password=p%26",
    unix("/run/z .sock"),
    "",
    "p&",
    "ns",
    "zdb:///run/z%20.sock?namespace=ns",
  ],
];

Deno.test("resp address: reads what a URL says, and keeps no secret in its own", () => {
  for (const [url, place, user, password, space, shown] of READ) {
    assert.deepEqual(parseRespUrl(url, FORM), { url: shown, place, user, password, space });
  }
});

Deno.test("resp address: what cannot be meant is refused without telling secrets", () => {
  const wrong: readonly (readonly [string, RegExp])[] = [
    ["zdb://:s3cr3t@host/a/b", /more than one name/],
    ["zdb://:s3cr3t@host?namespace=x", /"namespace" is no parameter/],
    ["zdb:///run/z.sock?password=s3cr3t&space=x", /"space" is no parameter/],
    ["zdb:///?password=s3cr3t", /neither a host nor a socket/],
    ["zdb:///run/?password=s3cr3t", /neither a host nor a socket/],
    ["zdb://:s3cr3t%zz@host", /percent sign/],
    ["zdb://:s3cr3t@host/a#b", /number sign/],
    ["zdb://:s3cr3t@:9900", /not a URL/],
  ];
  for (const [url, reason] of wrong) {
    assert.throws(() => parseRespUrl(url, FORM), (error) => {
      assert.ok(error instanceof SyntaxError);
      assert.match(error.message, reason);
      assert.match(error.message, /write zdb:\/\/host$/);
      assert.ok(!error.message.includes("s3cr3t"), error.message);
      return true;
    });
  }
  assert.throws(() => parseRespUrl("rediss:///run/s", { ...FORM, tls: true }), /names no host/);
});
