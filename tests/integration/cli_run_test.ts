/**
 * `myfs run`: a script finds "myfs" wherever it lies, and is not disturbed.
 */

import assert from "node:assert/strict";
import { myfs, myfsOk, programArgs, Workplace } from "./cli_process.ts";

Deno.test("run: a script elsewhere finds myfs, its own files, and all of its arguments", async () => {
  await using place = await Workplace.create();
  await place.write({
    "scripts/helper.ts": "export const word = 'helped';",
    "scripts/main.ts": `import { packDirectory } from "myfs";
import { word } from "./helper.ts";
console.log(typeof packDirectory, word, JSON.stringify(Deno.args), import.meta.main);`,
  });
  const args = ["--help", "-q", "--json", "--", "-x", "a b"];
  const { stdout, stderr } = await myfsOk(["run", "scripts/main.ts", ...args], place.options);
  assert.equal(stdout, `function helped ${JSON.stringify(args)} true\n`);
  assert.equal(stderr, "");
});

Deno.test("run: a deno.json beside the script is not read", async () => {
  await using place = await Workplace.create();
  await place.write({
    "deno.json": '{ "imports": { "myfs": "./other.ts", "own/": "./own/" } }',
    "other.ts": "export const openImage = 1;",
    "own/a.ts": "export const a = 1;",
    "main.ts": 'import { openImage } from "myfs"; console.log(typeof openImage);',
    "mapped.ts": 'import { a } from "own/a.ts"; console.log(a);',
  });
  assert.equal((await myfsOk(["run", "main.ts"], place.options)).stdout, "function\n");
  const mapped = await myfs(["run", "mapped.ts"], place.options);
  assert.equal(mapped.code, 1);
  assert.match(mapped.stderr, /own\/a\.ts/);
});

Deno.test("run: the script's exit code and streams are the command's", async () => {
  await using place = await Workplace.create();
  await place.write({
    "main.ts": `const text = await new Response(Deno.stdin.readable).text();
console.log(text.toUpperCase());
console.error("to stderr");
Deno.exit(7);`,
  });
  const child = new Deno.Command(Deno.execPath(), {
    args: programArgs(["run", "main.ts"]),
    cwd: place.path,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode("hi"));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  assert.deepEqual([code, decoder.decode(stdout), decoder.decode(stderr)], [
    7,
    "HI\n",
    "to stderr\n",
  ]);
});

Deno.test("run: signals reach the script, and its answer is the command's", async () => {
  await using place = await Workplace.create();
  await place.write({
    "main.ts": `for (const [signal, code] of [["SIGINT", 5], ["SIGTERM", 6]] as const) {
  Deno.addSignalListener(signal, () => Deno.exit(code));
}
console.log("ready");
setInterval(() => {}, 1000);`,
  });
  for (const [signal, expected] of [["SIGINT", 5], ["SIGTERM", 6]] as const) {
    // setsid: without a terminal, only the command gets the signal, and must pass it on.
    const child = new Deno.Command("setsid", {
      args: [Deno.execPath(), ...programArgs(["run", "main.ts"])],
      cwd: place.path,
      stdin: "null",
      stdout: "piped",
    }).spawn();
    const reader = child.stdout.getReader();
    const { value } = await reader.read();
    assert.equal(new TextDecoder().decode(value), "ready\n");
    child.kill(signal);
    assert.equal((await child.status).code, expected, signal);
    await reader.cancel();
  }
});
