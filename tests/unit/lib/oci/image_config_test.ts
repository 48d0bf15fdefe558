/** Goal: configs are read as far as they are needed, and refused where they are something else. */

import assert from "node:assert/strict";
import { ArchiveFormatError } from "../../../../lib/base/errors.ts";
import { parseImageConfig } from "../../../../lib/oci/image_config.ts";

const parse = (value: unknown): ReturnType<typeof parseImageConfig> =>
  parseImageConfig(new TextEncoder().encode(JSON.stringify(value)), "image");

Deno.test("image config: what it says, and what counts where it says nothing", () => {
  const config = parse({
    config: { Entrypoint: ["/a"], Cmd: null, Env: ["A=b=c", "D"], WorkingDir: "/w" },
    rootfs: { type: "layers", diff_ids: ["sha256:00"] },
  });
  assert.deepEqual(config, {
    entrypoint: ["/a"],
    command: [],
    environment: [["A", "b=c"], ["D", ""]],
    workingDirectory: "/w",
    diffIds: ["sha256:00"],
  });
  assert.deepEqual(parse({}).diffIds, []);
  assert.equal(parse({ config: null }).workingDirectory, "");
});

Deno.test("image config: something else is refused", () => {
  for (
    const wrong of [[], "x", { config: [] }, { config: { Cmd: "x" } }, { config: { Env: [1] } }, {
      config: { WorkingDir: 1 },
    }, { rootfs: { diff_ids: {} } }]
  ) {
    assert.throws(() => parse(wrong), ArchiveFormatError, JSON.stringify(wrong));
  }
  assert.throws(() => parseImageConfig(new Uint8Array([0xff]), "image"), ArchiveFormatError);
});
