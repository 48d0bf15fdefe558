/** Goal: manifests that lie, or ask for what cannot be done, are refused by name. */

import assert from "node:assert/strict";
import { ImageFormatError } from "../../../../lib/base/errors.ts";
import { MEDIA_TYPE, parseManifest } from "../../../../lib/oci/manifest.ts";

const DIGEST = `sha256:${"0".repeat(64)}`;
const config = { mediaType: MEDIA_TYPE.ociConfig, digest: DIGEST, size: 2 };
const layer = { mediaType: `${MEDIA_TYPE.ociLayer}+zstd`, digest: DIGEST, size: 9 };
const good = { schemaVersion: 2, config, layers: [layer] };

function parse(value: unknown, type?: string): ReturnType<typeof parseManifest> {
  return parseManifest("app", new TextEncoder().encode(JSON.stringify(value)), type);
}

Deno.test("manifest: OCI's and Docker's are read", () => {
  assert.equal(parse(good, MEDIA_TYPE.ociManifest).kind, "manifest");
  assert.equal(parse(good).kind, "manifest");
  assert.equal(parse({ schemaVersion: 2, manifests: [] }, MEDIA_TYPE.dockerList).kind, "index");
});

Deno.test("manifest: what is wrong is refused with its name", () => {
  const cases: readonly (readonly [unknown, RegExp, string?])[] = [
    [{ schemaVersion: 1, fsLayers: [] }, /schema 1/],
    [{ ...good, manifests: [] }, /two ways/],
    [good, /unknown media type "text\/html"/, "text/html"],
    [{ ...good, mediaType: MEDIA_TYPE.dockerManifest }, /is said to be/, MEDIA_TYPE.ociManifest],
    [{ ...good, layers: [{ ...layer, mediaType: "application/x-odd" }] }, /application\/x-odd/],
    [{ ...good, layers: [{ ...layer, urls: ["http://169.254.169.254/"] }] }, /another place/],
    [{ ...good, layers: [{ ...layer, mediaType: "a.foreign.tar" }] }, /another place/],
    [{ ...good, layers: [{ ...layer, size: -1 }] }, /no size/],
    [{ ...good, layers: [{ ...layer, digest: "sha256:../../etc" }] }, /cannot be read/],
    [{ ...good, layers: Array(2000).fill(layer) }, /more than 1024/],
    [{ ...good, config: { ...config, mediaType: "application/vnd.helm" } }, /no container image/],
    [{ ...good, config: { ...config, size: 1e12 } }, /1000000000000 bytes/],
    [[], /not a JSON object/],
    ["x", /not a JSON object/],
  ];
  for (const [value, message, type] of cases) {
    assert.throws(
      () => parse(value, type),
      (error: unknown) => error instanceof ImageFormatError && message.test(error.message),
      `${message}`,
    );
  }
});
