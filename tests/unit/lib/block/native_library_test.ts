/**
 * Goal: a library that cannot be used counts as absent, whatever the reason. Method: names, symbols
 * and permissions that do not exist.
 *
 * @module
 */

import assert from "node:assert/strict";
import { openNativeLibrary } from "../../../../lib/block/native_library.ts";

const symbols = { strlen: { parameters: ["buffer"], result: "usize" } } as const;

Deno.test("native library: one that does not exist is absent", () => {
  assert.equal(openNativeLibrary("libdoes-not-exist.so.7", symbols), undefined);
});

Deno.test("native library: one that lacks a symbol is absent", () => {
  const wanted = { no_such_symbol_anywhere: symbols.strlen };
  assert.equal(openNativeLibrary("libc.so.6", wanted), undefined);
});

Deno.test({
  name: "native library: one that may not be used is absent, without a prompt",
  permissions: { ffi: false },
  fn: () => {
    assert.equal(openNativeLibrary("libc.so.6", symbols), undefined);
  },
});
