/** Goal: heads of answers are read as RFC 9112 says, and what contradicts itself is refused. */

import assert from "node:assert/strict";
import {
  formatHttpFields,
  formatHttpHead,
  HttpSyntaxError,
  parseHttpHead,
} from "../../../../lib/store/http_message.ts";

function head(...lines: string[]): string {
  return ["HTTP/1.1 200 OK", ...lines].join("\r\n");
}

Deno.test("parseHttpHead: status and headers", () => {
  const { status, headers } = parseHttpHead(
    "HTTP/1.1 404 Not Found\r\nA-b: c \r\nX:\r\na-B:\td: e",
    "GET",
  );
  assert.equal(status, 404);
  assert.deepEqual([...headers], [["a-b", "c, d: e"], ["x", ""]]);
  assert.equal(parseHttpHead("HTTP/1.1 200", "GET").status, 200);
});

Deno.test("parseHttpHead: how the body ends", () => {
  const end = (text: string, method = "GET"): unknown => parseHttpHead(text, method).bodyEnd;
  assert.deepEqual(end(head()), { kind: "close" });
  assert.deepEqual(end(head("Content-Length: 12")), { kind: "length", length: 12 });
  assert.deepEqual(end(head("Content-Length: 7, 7")), { kind: "length", length: 7 });
  assert.deepEqual(end(head("Content-Length: 7", "content-length: 7")), {
    kind: "length",
    length: 7,
  });
  assert.deepEqual(end(head("Transfer-Encoding: Chunked")), { kind: "chunked" });
  assert.deepEqual(end(head("Content-Length: 12"), "HEAD"), { kind: "none" });
  for (const status of [100, 204, 304]) {
    assert.deepEqual(end(`HTTP/1.1 ${status} X\r\nContent-Length: 5`), { kind: "none" });
  }
});

Deno.test("parseHttpHead: whether the connection can be used again", () => {
  const keeps = (text: string): boolean => parseHttpHead(text, "GET").keepsAlive;
  assert.equal(keeps(head("Content-Length: 1")), true);
  assert.equal(keeps(head("Content-Length: 1", "Connection: Close")), false);
  assert.equal(keeps(head()), false, "a body that ends with the connection");
  assert.equal(keeps("HTTP/1.0 200 OK\r\nContent-Length: 1"), false);
  assert.equal(keeps("HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive"), true);
});

Deno.test("parseHttpHead: what is not HTTP, or contradicts itself, is refused", () => {
  const wrong = [
    "",
    "ICY 200 OK",
    "HTTP/2 200 OK",
    "HTTP/1.1 20 OK",
    "HTTP/1.1 2000",
    "HTTP/1.1 700 X",
    "SSH-2.0-OpenSSH_9.2",
    head("no colon"),
    head("space : x"),
    head(" folded: x"),
    head(": x"),
    head("Content-Length: 5, 6"),
    head("Content-Length: -5"),
    head("Content-Length: 5x"),
    head("Content-Length: 99999999999999999999"),
    head("Content-Length: 5", "Transfer-Encoding: chunked"),
    head("Transfer-Encoding: gzip, chunked"),
    head("Transfer-Encoding: gzip"),
  ];
  for (const text of wrong) {
    assert.throws(() => parseHttpHead(text, "GET"), HttpSyntaxError, JSON.stringify(text));
  }
});

Deno.test("formatHttpHead: one line a field, and an empty one", () => {
  assert.equal(
    formatHttpHead("GET", "/a?b=c", formatHttpFields([["Host", "h"], ["X", "y z"]])),
    "GET /a?b=c HTTP/1.1\r\nHost: h\r\nX: y z\r\n\r\n",
  );
});

Deno.test("formatHttpHead: nothing can break out of its line", () => {
  for (const target of ["/a b", "/a\r\nX: y", "/a\n", "/é", ""]) {
    assert.throws(() => formatHttpHead("GET", target, ""), TypeError);
  }
  for (const value of ["x\r\nY: z", "x\n", "é", "\0"]) {
    assert.throws(() => formatHttpFields([["X", value]]), TypeError);
  }
});
