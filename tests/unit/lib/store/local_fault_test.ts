/** Goal: each refusal of the system becomes the store error that tells the user what to do. */

import assert from "node:assert/strict";
import {
  BlockNotFoundError,
  StoreDeniedError,
  StoreUnavailableError,
} from "../../../../lib/base/errors.ts";
import { localFault } from "../../../../lib/store/local_fault.ts";

function systemError(errno: string): Error {
  return Object.assign(new Error("Some words (os error 99): write '/a'"), { code: errno });
}

for (const errno of ["EACCES", "EPERM", "EROFS"]) {
  Deno.test(`localFault: ${errno} means denied`, () => {
    const error = localFault("dir:///a", "store block x", systemError(errno));
    assert(error instanceof StoreDeniedError);
    assert.equal(error.store, "dir:///a");
    assert.match(error.message, new RegExp(`^Cannot store block x: .* \\(${errno}\\)$`));
    assert.notEqual(error.hint, undefined);
  });
}

for (
  const [errno, retryable] of [
    ["ENOSPC", false],
    ["EDQUOT", false],
    ["EIO", false],
    ["ENOENT", false],
    ["ENOTDIR", false],
    ["EISDIR", false],
    ["EMFILE", true],
    ["ENFILE", true],
    ["ESTALE", true],
  ] as const
) {
  Deno.test(`localFault: ${errno} means unavailable`, () => {
    const error = localFault("dir:///a", "store block x", systemError(errno));
    assert(error instanceof StoreUnavailableError);
    assert.equal(error.retryable, retryable);
    assert.notEqual(error.hint, undefined);
  });
}

Deno.test("localFault: an errno without a text of its own keeps the system's", () => {
  const error = localFault("dir:///a", "read", systemError("EWEIRD"));
  assert(error instanceof StoreUnavailableError);
  assert.equal(error.message, "Cannot read: Some words (EWEIRD)");
});

Deno.test("localFault: the runtime's own refusal means denied", () => {
  const refusal = new Deno.errors.NotCapable("Requires read access to /a");
  assert(localFault("dir:///a", "read", refusal) instanceof StoreDeniedError);
});

Deno.test("localFault: other errors come back as they are", () => {
  for (
    const error of [
      new BlockNotFoundError("a", "dir:///a"),
      new RangeError("too large"),
      new Error("no errno"),
      "not even an error",
    ]
  ) assert.equal(localFault("dir:///a", "read", error), error);
});
