/** Goal: specs are read or refused as documented, and no secret survives redaction or stripping. */

import assert from "node:assert/strict";
import {
  formatStoreSpec,
  parseStoreSpec,
  redactUrl,
  stripSecrets,
} from "../../../../lib/store/store_url.ts";

const SPECS: readonly [text: string, start: number, end: number, url: string][] = [
  ["dir:///srv/blocks", 0, 255, "dir:///srv/blocks"],
  ["dir:///with space/a=b", 0, 255, "dir:///with space/a=b"],
  ["00-7f=dir:///srv/low", 0, 127, "dir:///srv/low"],
  ["80-FF=dir:///srv/high", 128, 255, "dir:///srv/high"],
  ["ab-ab=mem://one", 171, 171, "mem://one"],
  ["00-ff=mem://all", 0, 255, "mem://all"],
  ["zdb:///run/zdb.sock", 0, 255, "zdb:///run/zdb.sock"],
  ["zdb://:pass@[2001:db8::1]:9900/ns", 0, 255, "zdb://:pass@[2001:db8::1]:9900/ns"],
  [
    "00-80=s3://key:secret@host:9000/bucket?region=eu",
    0,
    128,
    "s3://key:secret@host:9000/bucket?region=eu",
  ],
  ["server://http://host:3000?token=t", 0, 255, "server://http://host:3000?token=t"],
];

for (const [text, start, end, url] of SPECS) {
  Deno.test(`parseStoreSpec: reads ${text}`, () => {
    assert.deepEqual(parseStoreSpec(text), { start, end, url });
  });
}

const REFUSED: readonly [text: string, reason: RegExp][] = [
  ["", /not a URL/],
  ["/srv/blocks", /it is a path; as a store it is written dir:\/\/\/srv\/blocks$/],
  ["blocks", /not a URL such as dir:/],
  ["dir:/srv/blocks", /not a URL such as dir:/],
  ["7f-00=dir:///srv/blocks", /ends before it starts/],
  ["0-7f=dir:///srv/blocks", /not a URL/],
  ["00-7g=dir:///srv/blocks", /not a URL/],
  ["00-7f=", /not a URL/],
  ["00-7f=00-3f=dir:///a", /not a URL/],
  [" dir:///srv/blocks", /white space/],
  ["dir:///srv/blocks\n", /white space|control/],
  ["zdb://ho\tst", /control/],
  ["s3://host:notaport/bucket", /not a valid URL/],
];

for (const [text, reason] of REFUSED) {
  Deno.test(`parseStoreSpec: refuses ${JSON.stringify(text)}`, () => {
    assert.throws(() => parseStoreSpec(text), { name: "SyntaxError", message: reason });
  });
}

Deno.test("parseStoreSpec: shows no secret when it refuses", () => {
  for (
    const text of [
      "s3://AKIA:s3cr3t/with/slash@host/bucket",
      "00-7f=s3://AKIA:s3cr3t@host:port/bucket",
      "ff-00=zdb://user:s3cr3t@host",
      "s3:AKIA:s3cr3t@host/bucket",
      "server//host?token=s3cr3t",
      "zdb://:s3cr3t#x@host",
    ]
  ) {
    assert.throws(() => parseStoreSpec(text), (error: Error) => {
      assert(error instanceof SyntaxError);
      assert(!error.message.includes("s3cr3t"), error.message);
      return true;
    });
  }
});

Deno.test("formatStoreSpec: gives back the text that parseStoreSpec read", () => {
  for (const text of ["dir:///srv/blocks", "00-7f=dir:///srv/low", "ab-ab=mem://one"]) {
    assert.equal(formatStoreSpec(parseStoreSpec(text)), text);
  }
  assert.equal(formatStoreSpec(parseStoreSpec("00-FF=mem://all")), "mem://all");
});

const SECRETS: readonly [url: string, redacted: string, stripped: string][] = [
  // Nothing secret: unchanged.
  ["dir:///home/me@work/a", "dir:///home/me@work/a", "dir:///home/me@work/a"],
  ["mem://name", "mem://name", "mem://name"],
  ["zdb:///path/to/socket", "zdb:///path/to/socket", "zdb:///path/to/socket"],
  ["zdb://host:9900/ns", "zdb://host:9900/ns", "zdb://host:9900/ns"],
  ["https://host/@scope/a?x=1", "https://host/@scope/a?x=1", "https://host/@scope/a?x=1"],
  [
    "s3://host:9000/b?region=eu&keyspace=a",
    "s3://host:9000/b?region=eu&keyspace=a",
    "s3://host:9000/b?region=eu&keyspace=a",
  ],
  // User and password.
  ["zdb://user:s3cr3t@host:9900/ns", "zdb://user:***@host:9900/ns", "zdb://host:9900/ns"],
  ["zdb://:s3cr3t@host/ns", "zdb://***@host/ns", "zdb://host/ns"],
  ["zdb://user:s3@cr3t@host/ns", "zdb://user:***@host/ns", "zdb://host/ns"],
  ["hub://s3cr3t@host", "hub://***@host", "hub://host"],
  ["s3://s3cr3tkey:s3cr3t@host/b", "s3://***@host/b", "s3://host/b"],
  [
    "s3+tls://s3cr3tkey:s3cr3t@h/b?region=eu",
    "s3+tls://***@h/b?region=eu",
    "s3+tls://h/b?region=eu",
  ],
  ["S3S://s3cr3tkey:s3cr3t@h/b", "S3S://***@h/b", "S3S://h/b"],
  // Query parameters.
  ["hub://h?token=s3cr3t", "hub://h?token=***", "hub://h"],
  [
    "server://h:80/?a=1&token=s3cr3t&b=2",
    "server://h:80/?a=1&token=***&b=2",
    "server://h:80/?a=1&b=2",
  ],
  ["https://h/p?accessToken=s3cr3t#x", "https://h/p?accessToken=***#x", "https://h/p#x"],
  ["https://h/p?tok%65n=s3cr3t", "https://h/p?tok%65n=***", "https://h/p"],
  [
    "https://h/p?X-Amz-Signature=s3cr3t&X-Amz-Credential=s3cr3t&X-Amz-Date=1",
    "https://h/p?X-Amz-Signature=***&X-Amz-Credential=***&X-Amz-Date=1",
    "https://h/p?X-Amz-Date=1",
  ],
  ["https://h/p#access_token=s3cr3t", "https://h/p#access_token=***", "https://h/p"],
  ["hub://h?token=a=s3cr3t", "hub://h?token=***", "hub://h"],
  // The shapes of rfs.
  [
    "server://http://host:3000?token=s3cr3t",
    "server://http://host:3000?token=***",
    "server://http://host:3000",
  ],
  [
    "server://http://u:s3cr3t@host:3000/?x=1",
    "server://http://u:***@host:3000/?x=1",
    "server://http://host:3000/?x=1",
  ],
  // Passwords that were not percent-encoded and so end the authority early.
  ["s3://s3cr3tkey:s3cr3t/s3cr3t@host/b", "s3://***@host/b", "s3://host/b"],
  ["s3://s3cr3tkey:12/s3cr3t@host/b", "s3://***@host/b", "s3://host/b"],
  ["zdb://user:12?s3cr3t@host/ns", "zdb://***@host/ns", "zdb://host/ns"],
  // No URL at all.
  ["key:s3cr3t@host/b?token=s3cr3t", "***@host/b?token=***", "***@host/b?token=***"],
];

for (const [url, redacted, stripped] of SECRETS) {
  Deno.test(`redactUrl and stripSecrets: of ${url}`, () => {
    assert.equal(redactUrl(url), redacted);
    assert.equal(stripSecrets(url), stripped);
    assert(!`${redactUrl(url)}${stripSecrets(url)}`.includes("s3cr3t"));
    assert.equal(stripSecrets(stripSecrets(url)), stripSecrets(url));
  });
}

Deno.test("redactUrl: keeps the range of a spec", () => {
  assert.equal(redactUrl("00-7f=zdb://u:s3cr3t@host"), "00-7f=zdb://u:***@host");
});
