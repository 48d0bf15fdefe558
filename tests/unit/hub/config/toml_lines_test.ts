/** Goal: a mistake is told with the line on which its setting stands. */

import assert from "node:assert/strict";
import { lineOfKey } from "../../../../hub/config/toml_lines.ts";

const TEXT = `# a comment = 1
port = 1
"host" = "h"
store_url = [
  "00-7f=dir:///a",
  "80-ff=dir:///b",
]

[[users]]
username = "a"
[[ users ]]
# password = "x"
  password = "p"
`;

Deno.test("toml lines: settings, quoted ones, and those of one user among others", () => {
  const cases: [PropertyKey[], number | undefined][] = [
    [["port"], 2],
    [["host"], 3],
    [["store_url"], 4],
    [["store_url", 1], 4],
    [["users", 0, "username"], 10],
    [["users", 1, "password"], 13],
    // What is missing is told where its user begins.
    [["users", 0, "password"], 9],
    [["users", 1, "username"], 11],
    [["users"], 11],
    [["username"], undefined],
    [["missing"], undefined],
  ];
  for (const [path, line] of cases) assert.equal(lineOfKey(TEXT, path), line, path.join("."));
  assert.equal(lineOfKey("", ["port"]), undefined);
  assert.equal(lineOfKey("[tls]\r\nport = 1\r\n", ["port"]), undefined);
  assert.equal(lineOfKey("a = 1\r\nport = 1\r\n", ["port"]), 2);
});
