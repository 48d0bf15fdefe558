/**
 * One JSON document on standard output, whatever happens.
 */

import assert from "node:assert/strict";
import { JsonPrinter } from "../../../../cli/output/json_printer.ts";
import { recorder } from "./recorder.ts";

const problem = { code: "flist_format", message: "Cannot read it", hint: "Try again." };

Deno.test("json printer: prints one document on one line", async () => {
  const { stdout, text } = recorder();
  const printer = new JsonPrinter({ stdout });
  await printer.result(() => ({ meta: "a.fl", files: 3, unknown: undefined, list: [1, 2] }));
  printer.note();
  printer.warn();
  assert.equal(text(), '{"meta":"a.fl","files":3,"list":[1,2]}\n');
});

Deno.test("json printer: prints what can be iterated as an array", async () => {
  const { stdout, text } = recorder();
  const items = async function* (): AsyncGenerator<number> {
    for (let i = 0; i < 3; i++) yield await Promise.resolve(i);
  };
  await new JsonPrinter({ stdout }).result(() => ({
    items: items(),
    none: new Set().values(),
    end: true,
  }));
  assert.deepEqual(JSON.parse(text()), { items: [0, 1, 2], none: [], end: true });
});

Deno.test("json printer: an error alone is a document", async () => {
  const { stdout, text } = recorder();
  await new JsonPrinter({ stdout }).fail(problem);
  assert.deepEqual(JSON.parse(text()), { error: problem });
});

Deno.test("json printer: an error in the middle leaves a document that parses", async () => {
  const failing = function* (count: number): Generator<number> {
    for (let i = 0; i < count; i++) yield i;
    throw new Error("broken");
  };
  const documents: readonly [Record<string, unknown>, Record<string, unknown>][] = [
    [{ meta: "a", items: failing(2) }, { meta: "a", items: [0, 1], error: problem }],
    [{ items: failing(0), end: 1 }, { items: [], error: problem }],
  ];
  for (const [document, expected] of documents) {
    const { stdout, text } = recorder();
    const printer = new JsonPrinter({ stdout });
    await assert.rejects(printer.result(() => document), { message: "broken" });
    await printer.fail(problem);
    assert.deepEqual(JSON.parse(text()), expected);
  }
});

Deno.test("json printer: a failure after the document adds nothing to it", async () => {
  const { stdout, text } = recorder();
  const printer = new JsonPrinter({ stdout });
  await printer.result(() => ({ ok: true }));
  await printer.fail(problem);
  assert.equal(text(), '{"ok":true}\n');
});
