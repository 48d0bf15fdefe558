/**
 * Results on their way out: whole, in order, and quiet when nobody reads.
 */

import assert from "node:assert/strict";
import { OutputClosedError, StandardOutput } from "../../../../cli/output/standard_output.ts";
import { recorder } from "./recorder.ts";

Deno.test("standard output: writes everything through a sink that takes little at a time", async () => {
  const { stdout, text } = recorder(7);
  await stdout.writeText(["one é\n", "two\n"]);
  await stdout.writeBytes(ReadableStream.from([new TextEncoder().encode("three\n")]));
  assert.equal(text(), "one é\ntwo\nthree\n");
});

Deno.test("standard output: writes large text in few pieces", async () => {
  let writes = 0;
  const stdout = new StandardOutput({
    write: (bytes) => {
      writes++;
      return Promise.resolve(bytes.length);
    },
  });
  await stdout.writeText(Array.from({ length: 10_000 }, () => "0123456789abcdef\n"));
  assert.ok(writes <= 4, `${writes} writes`);
});

Deno.test("standard output: says so when the reader has gone", async () => {
  const stdout = new StandardOutput({
    write: () => Promise.reject(new Deno.errors.BrokenPipe()),
  });
  await assert.rejects(stdout.writeText(["x"]), OutputClosedError);
});

Deno.test("standard output: a full disk is an error that names standard output", async () => {
  const full = Object.assign(new Error("No space left on device"), { code: "ENOSPC" });
  const stdout = new StandardOutput({ write: () => Promise.reject(full) });
  await assert.rejects(stdout.writeText(["x"]), {
    message: "Cannot write to standard output: No space left on device",
    code: "ENOSPC",
  });
});

Deno.test("standard output: what a source gave before it failed is written", async () => {
  const { stdout, text } = recorder();
  const source = async function* (): AsyncGenerator<string> {
    yield "first\n";
    await Promise.resolve();
    throw new Error("broken");
  };
  await assert.rejects(stdout.writeText(source()), { message: "broken" });
  assert.equal(text(), "first\n");
});

Deno.test("standard output: an endless source stops when the signal is aborted", async () => {
  const { stdout } = recorder();
  const controller = new AbortController();
  const endless = function* (): Generator<string> {
    for (let i = 0;; i++) {
      if (i === 100) controller.abort(new Error("enough"));
      yield "x".repeat(4096);
    }
  };
  await assert.rejects(stdout.writeText(endless(), controller.signal), { message: "enough" });
});
