/** Goal: the file says how to start the image, as readers of the old format expect it. */

import assert from "node:assert/strict";
import { startupFile } from "../../../../lib/oci/startup_file.ts";

const EMPTY = { entrypoint: [], command: [], environment: [], workingDirectory: "", diffIds: [] };

Deno.test("startup file: entry point, then command, with variables", async () => {
  const bytes = await startupFile({
    ...EMPTY,
    entrypoint: ["/bin/tini", "--"],
    command: ["run", 'say "hi"'],
    environment: [["PATH", "/bin:/usr/bin"], ["odd key", "line\nbreak"]],
    workingDirectory: "/work",
  });
  assert.equal(
    new TextDecoder().decode(bytes),
    `[startup.entry]
name = "core.system"

[startup.entry.args]
name = "/bin/tini"
args = [ "--", "run", "say \\"hi\\"" ]
dir = "/work"

[startup.entry.args.env]
PATH = "/bin:/usr/bin"
"odd key" = "line\\nbreak"
`,
  );
});

Deno.test("startup file: a shell in the root where the image says nothing", async () => {
  const text = new TextDecoder().decode(await startupFile(EMPTY));
  assert.match(text, /name = "\/bin\/sh"\nargs = \[\s*\]\ndir = "\/"\n/);
});
