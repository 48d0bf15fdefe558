/** Goal: any name becomes one header, which says the name and nothing else. */

import assert from "node:assert/strict";
import { attachment } from "../../../../hub/endpoints/content_disposition.ts";

Deno.test("content disposition: plain names stay, others are said in both ways", () => {
  const cases: [string, string][] = [
    ["a file.bin", 'attachment; filename="a file.bin"'],
    ["ä.txt", `attachment; filename="_.txt"; filename*=UTF-8''%C3%A4.txt`],
    ['a"b', `attachment; filename="a_b"; filename*=UTF-8''a%22b`],
    ["a'(b)*", `attachment; filename="a'(b)*"`],
    ["100%", `attachment; filename="100_"; filename*=UTF-8''100%25`],
    ["../../etc/passwd", 'attachment; filename="passwd"'],
    ["C:\\windows\\x", 'attachment; filename="x"'],
    ["", `attachment; filename="download"; filename*=UTF-8''download`],
    ["/", `attachment; filename="download"; filename*=UTF-8''download`],
  ];
  for (const [name, header] of cases) assert.equal(attachment(name), header, name);
});

Deno.test("content disposition: nothing ends the header or is no header at all", () => {
  for (const name of ["a\r\nSet-Cookie: x=1", "a\u0000b", "\ud800", "x".repeat(5000), "a;b=c"]) {
    const header = attachment(name);
    assert.match(header, /^[\x20-\x7e]+$/);
    new Headers({ "content-disposition": header });
  }
});
