/**
 * What is missing from a result is named, and decides the exit code.
 */

import assert from "node:assert/strict";
import { warnOfGaps } from "../../../cli/partial_result.ts";
import { TextPrinter } from "../../../cli/output/text_printer.ts";
import { recorder } from "./output/recorder.ts";

Deno.test("partial result: failures make it 3, losses alone do not", () => {
  const { stdout } = recorder();
  let err = "";
  const stderr = (text: string): void => {
    err += text;
  };
  const printer = new TextPrinter({ stdout, stderr, quiet: true, color: false });
  const losses = [{ what: "owner", count: 1, examples: ["a"] }];
  const failures = [{ path: "b", reason: "gone", code: "system" }];
  assert.equal(warnOfGaps(printer, { losses: [], failures: [] }), 0);
  assert.equal(err, "");
  assert.equal(warnOfGaps(printer, { losses, failures: [] }), 0);
  assert.equal(warnOfGaps(printer, { losses, failures }), 3);
  assert.match(err, /^not kept: owner .*\nnot kept: owner .*\nfailed: b: gone\n$/);
});
