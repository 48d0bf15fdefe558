/** Goal: what S3 URLs mean, and that those refused show no secret. */

import assert from "node:assert/strict";
import { parseS3Url } from "../../../../lib/store/s3_url.ts";

const nothing = {
  prefix: "",
  region: undefined,
  credentials: undefined,
  profile: undefined,
  anonymous: false,
  metadata: false,
  create: false,
};

Deno.test("parseS3Url: reads host, port, bucket and scheme", () => {
  assert.deepEqual(parseS3Url("s3://host/blocks"), {
    ...nothing,
    endpoint: "http://host",
    bucket: "blocks",
  });
  const secure = { ...nothing, endpoint: "https://host:9000", bucket: "my.Blocks_1" };
  assert.deepEqual(parseS3Url("s3s://host:9000/my.Blocks_1/"), secure);
  assert.deepEqual(parseS3Url("s3+tls://host:9000/my.Blocks_1"), secure);
  assert.equal(parseS3Url("s3://[::1]:9000/b").endpoint, "http://[::1]:9000");
});

Deno.test("parseS3Url: a prefix ends in one slash", () => {
  for (const path of ["a/b", "a/b/", "/a/b//"]) {
    assert.equal(parseS3Url(`s3://host/blocks/${path}`).prefix, "a/b/");
  }
  assert.equal(parseS3Url("s3://host/blocks/%C3%BC%20x/y").prefix, "ü x/y/");
});

Deno.test("parseS3Url: credentials are percent-decoded", () => {
  const { credentials } = parseS3Url("s3://k%40y:s%2Fe%2Bc:r%25t@host/b?session-token=t%2Fk");
  assert.deepEqual(credentials, {
    accessKeyId: "k@y",
    secretAccessKey: "s/e+c:r%t",
    sessionToken: "t/k",
  });
});

Deno.test("parseS3Url: reads parameters", () => {
  const place = parseS3Url("s3://host/b?region=eu-west-1&profile=work&create=1");
  assert.equal(place.region, "eu-west-1");
  assert.equal(place.profile, "work");
  assert.equal(place.create, true);
  assert.equal(parseS3Url("s3://host/b?anonymous=true&create=0").anonymous, true);
  assert.equal(parseS3Url("s3://host/b?metadata=1").metadata, true);
});

Deno.test("parseS3Url: Amazon's hosts say the region, a parameter says it better", () => {
  const regions = {
    "s3.eu-west-3.amazonaws.com": "eu-west-3",
    "s3-us-gov-west-1.amazonaws.com": "us-gov-west-1",
    "s3.dualstack.us-east-2.amazonaws.com": "us-east-2",
    "s3.cn-north-1.amazonaws.com.cn": "cn-north-1",
    "s3.amazonaws.com": undefined,
    "s3.eu-west-3.example.org": undefined,
  };
  for (const [host, region] of Object.entries(regions)) {
    assert.equal(parseS3Url(`s3s://${host}/b`).region, region);
  }
  assert.equal(parseS3Url("s3s://s3.eu-west-3.amazonaws.com/b?region=x").region, "x");
});

Deno.test("parseS3Url: refuses what is not an S3 store, without showing secrets", () => {
  const refused: Readonly<Record<string, RegExp>> = {
    "nonsense": /not a URL/,
    "http://key:canary@host/b": /scheme/,
    "s3:///b": /no host/,
    "s3://key:canary@host": /no bucket/,
    "s3://key:canary@host/": /no bucket/,
    "s3://key:canary@host//b": /no bucket/,
    "s3://key:canary@host/-b": /no bucket can have that name/,
    "s3://key:canary@host/a%20b": /no bucket can have that name/,
    "s3://key:canary@host/b/%ff": /UTF-8/,
    "s3://key:canary@host/b#x": /%23/,
    "s3://canary@host/b": /go together/,
    "s3://:canary@host/b": /go together/,
    "s3://key:canary@host/b?regoin=x": /no parameter regoin/,
    "s3://key:canary@host/b?create=maybe": /create is 1 or 0/,
    "s3://key:canary@host/b?region=a%20b": /no region/,
    "s3://host/b?session-token=canary": /needs key and secret/,
    "s3://key:canary@host/b?anonymous=1": /more than one way/,
    "s3://host/b?metadata=1&profile=x": /more than one way/,
  };
  for (const [url, message] of Object.entries(refused)) {
    assert.throws(() => parseS3Url(url), (error) => {
      assert.ok(error instanceof SyntaxError, url);
      assert.match(error.message, message);
      assert.ok(!error.message.includes("canary"), error.message);
      return true;
    });
  }
  assert.throws(() => parseS3Url(`s3://host/b/${"x".repeat(1000)}`), /prefix has more than/);
});
