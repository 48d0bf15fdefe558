/** Goal: one line an event, which a program can read, and no secret in any of them. */

import assert from "node:assert/strict";
import { createLog } from "../../../hub/log.ts";

const SECRET = "canary-0123456789";

function linesOf(
  format: "json" | "text",
  write: (log: ReturnType<typeof createLog>) => void,
): string[] {
  const lines: string[] = [];
  write(
    createLog({ format, write: (line) => lines.push(line), secrets: [SECRET, "ab"], now: () => 0 }),
  );
  return lines;
}

Deno.test("log: JSON has time, level, event and fields, and leaves out what is not there", () => {
  const [line] = linesOf(
    "json",
    (log) => log.info("request", { status: 200, user: undefined, no: null }),
  );
  assert.deepEqual(JSON.parse(line!), {
    at: "1970-01-01T00:00:00.000Z",
    level: "info",
    event: "request",
    status: 200,
  });
});

Deno.test("log: secrets are hidden by value, wherever they stand, and by the name of their field", () => {
  for (const format of ["json", "text"] as const) {
    const lines = linesOf(format, (log) => {
      log.error("x", {
        error: new Error(`no ${SECRET} here`),
        list: [SECRET],
        text: `a${SECRET}b`,
      });
      log.warn("x", { password: "anything", access_token: "t0ken", Authorization: "Bearer t0ken" });
      // Too short to be hidden inside of other words.
      log.info("x", { path: "/about" });
    });
    const text = lines.join("");
    assert.ok(!/canary|anything|t0ken/.test(text), text);
    assert.match(text, /\/about/);
    assert.equal(lines.length, 3);
  }
});

Deno.test("log: no text makes a second line of its own", () => {
  for (const format of ["json", "text"] as const) {
    const [line] = linesOf(
      format,
      (log) => log.info("x", { path: '/\n{"level":"info"}\u001b[2J' }),
    );
    assert.equal(line!.indexOf("\n"), line!.length - 1);
    assert.ok(!line!.includes("\u001b"));
  }
});

Deno.test("log: lists and objects stay what they are, with their secrets hidden", () => {
  const fields = { addresses: ["http://a", `http://u:${SECRET}@b`] };
  const [line] = linesOf("json", (log) => log.info("serving", fields));
  const { addresses } = JSON.parse(line!);
  assert.deepEqual(addresses, ["http://a", "http://u:[redacted]@b"]);
});
