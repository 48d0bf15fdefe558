/**
 * Names that cannot be typed can be copied from a listing.
 */

import assert from "node:assert/strict";
import { asTypedOrPrinted, undoEscapes } from "../../../cli/image_path.ts";
import { decodeByteString, displayByteString } from "../../../lib/base/byte_string.ts";
import { PathNotFoundError } from "../../../lib/base/errors.ts";

/** Stands for an image with the paths given. */
function find(paths: readonly string[]): (path: string) => string {
  return (path) => {
    if (paths.includes(path)) return path;
    throw new PathNotFoundError(path, "image");
  };
}

Deno.test("image path: printed names lead back to the names", () => {
  const names = ["plain", "a\\b", "tab\there", "\x1b[31m", "\u202e", "é漢", "\u2028"];
  names.push(decodeByteString(new Uint8Array([0x61, 0xff, 0xfe, 0xe9])));
  for (const name of names) assert.equal(undoEscapes(displayByteString(name)), name);
});

Deno.test("image path: a name that holds an escape is found as it was typed", async () => {
  // systemd writes such names.
  const name = "dev-disk-by\\x2duuid.swap";
  assert.equal(await asTypedOrPrinted(name, find([name])), name);
});

Deno.test("image path: a name as it was printed is found", async () => {
  assert.equal(await asTypedOrPrinted("a\\xff", find(["a\udcff"])), "a\udcff");
  assert.equal(await asTypedOrPrinted("a\\\\x2d", find(["a\\x2d"])), "a\\x2d");
});

Deno.test("image path: a path that exists in neither form is reported as typed", async () => {
  await assert.rejects(asTypedOrPrinted("nope", find([])), {
    message: "There is no nope in image",
  });
});

Deno.test("image path: other errors are not asked twice", async () => {
  let calls = 0;
  const fail = (): never => {
    calls++;
    throw new Error("disk");
  };
  await assert.rejects(asTypedOrPrinted("a\\xff", fail), { message: "disk" });
  assert.equal(calls, 1);
});
