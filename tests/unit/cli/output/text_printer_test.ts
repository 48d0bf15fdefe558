/**
 * Where the text printer puts what, and what `--quiet` silences.
 */

import assert from "node:assert/strict";
import { TextPrinter } from "../../../../cli/output/text_printer.ts";
import { recorder } from "./recorder.ts";

function printer(options: { quiet?: boolean; color?: boolean } = {}): {
  readonly printer: TextPrinter;
  out(): string;
  err(): string;
} {
  const { stdout, text } = recorder();
  let err = "";
  const { quiet = false, color = false } = options;
  return {
    printer: new TextPrinter({ stdout, stderr: (text) => err += text, quiet, color }),
    out: text,
    err: () => err,
  };
}

Deno.test("text printer: results go to standard output, all else to standard error", async () => {
  const { printer: it, out, err } = printer();
  await it.result(() => ({}), () => ["one", "two"]);
  it.note(() => ["summary"]);
  it.warn(() => ["warning"]);
  assert.equal(out(), "one\ntwo\n");
  assert.equal(err(), "summary\nwarning\n");
});

Deno.test("text printer: quiet leaves results, warnings and errors", async () => {
  const { printer: it, out, err } = printer({ quiet: true });
  await it.result(() => ({}), () => ["one"]);
  it.note(() => ["summary"]);
  it.warn(() => ["warning"]);
  await it.fail({ code: "system", message: "Cannot" });
  assert.equal(out(), "one\n");
  assert.equal(err(), "warning\nerror: Cannot\n");
});

Deno.test("text printer: an error has its hint on a line of its own", async () => {
  const { printer: it, err } = printer();
  await it.fail({ code: "untrusted_route", message: "No", hint: "Do this." });
  assert.equal(err(), "error: No\nhint: Do this.\n");
});

Deno.test("text printer: colours the labels only, and only where it may", async () => {
  const { printer: it, err } = printer({ color: true });
  await it.fail({ code: "system", message: "No\x1b[2J", hint: "Do this." });
  assert.equal(err(), "\x1b[31merror:\x1b[0m No\\u{1b}[2J\n\x1b[36mhint:\x1b[0m Do this.\n");
});

Deno.test("text printer: an interruption is no error", async () => {
  const { printer: it, err } = printer();
  await it.fail({ code: "interrupted", message: "Ended by SIGINT" });
  assert.equal(err(), "Ended by SIGINT\n");
});

Deno.test("text printer: names the parts that failed with the error", async () => {
  const { printer: it, err } = printer();
  const failures = [{ path: "a", reason: "Cannot open a", code: "system" }];
  await it.fail({ code: "partial_failure", message: "Some failed", failures });
  assert.equal(err(), "error: Some failed\nfailed: a: Cannot open a\n");
});
