/**
 * What standard output and the terminal do to us, and we to them.
 */

import assert from "node:assert/strict";
import { myfsOk, programArgs, Workplace } from "./cli_process.ts";

async function bash(
  script: string,
  place: Workplace,
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  const run = [Deno.execPath(), ...programArgs([])].map((word) => `'${word}'`).join(" ");
  const command = new Deno.Command("bash", {
    args: ["-c", `unset NO_COLOR; myfs() { ${run} "$@"; }\n${script}`],
    cwd: place.path,
    stdin: "null",
    env: { ...place.options.env, TERM: "xterm" },
  });
  const { code, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** A workplace with an image whose list is longer than a pipe holds. */
function longList(): Promise<Workplace> {
  return Workplace.create(async (place) => {
    const names = Array.from({ length: 2000 }, (_, i) => `${i}`.padStart(100, "n"));
    await place.write(Object.fromEntries(names.map((name) => [`tree/${name}`, ""])));
    await myfsOk(["pack", "-q", "-m", "tree.fl", "-s", place.store(), "tree"], place.options);
  });
}

Deno.test("output: a reader that goes away ends a listing quietly", async () => {
  await using place = await longList();
  for (const args of ["flist ls tree.fl", "flist ls tree.fl --json", "--help"]) {
    const script = `myfs ${args} | head -c 10 > /dev/null; echo "\${PIPESTATUS[0]}"`;
    const { stdout, stderr } = await bash(script, place);
    assert.deepEqual([stdout, stderr], ["0\n", ""], args);
  }
});

Deno.test("output: a reader that goes away does not hide what was found", async () => {
  await using place = await Workplace.create();
  await place.write({ "tree/a": "content" });
  await myfsOk(["pack", "-q", "-m", "tree.fl", "-s", place.store(), "tree"], place.options);
  await Deno.remove(`${place.path}/blocks`, { recursive: true });
  await Deno.mkdir(`${place.path}/blocks`);
  for (const option of ["", "--json"]) {
    const script = `myfs check ${option} tree.fl | true; echo "\${PIPESTATUS[0]}"`;
    assert.equal((await bash(script, place)).stdout, "10\n");
  }
});

Deno.test("output: a full disk behind standard output is an error", async () => {
  await using place = await longList();
  for (const option of ["", "--json"]) {
    const { code, stderr } = await bash(`myfs flist ls ${option} tree.fl > /dev/full`, place);
    assert.equal(code, 1);
    assert.match(stderr, /^error: Cannot write to standard output: No space left.*\n$/);
  }
});

Deno.test("output: a closed standard error costs nothing but the messages", async () => {
  await using place = await longList();
  const { code } = await bash(`myfs check tree.fl 2>&-`, place);
  assert.equal(code, 0);
});

const ESCAPE = "\x1b";
const CLEAR_TO_END = `${ESCAPE}[K`;

/** Runs a command on a terminal of the width given, and answers all that it wrote there. */
async function onTerminal(place: Workplace, columns: number, args: string): Promise<string> {
  const run = [Deno.execPath(), ...programArgs([])].map((word) => `"${word}"`).join(" ");
  const inner = `stty cols ${columns}; exec ${run} ${args}`;
  const { stdout } = await bash(`script -qec '${inner}' /dev/null`, place);
  return stdout;
}

/** A workplace with a tree that takes a second or more to pack at level 15. */
function slowWork(): Promise<Workplace> {
  return Workplace.create((place) => place.writeNoise("tree/noise", 16 * 1024 * 1024));
}

Deno.test("progress: is one line on a terminal, fits it, and is gone in the end", async () => {
  await using place = await slowWork();
  const pack = `pack -m tree.fl -s ${place.store()} --level 15 -j1 tree`;
  const written = await onTerminal(place, 50, pack);
  const [before = "", after = ""] = written.split("Packed tree");
  assert.match(before, /\rstoring +\d+ %/);
  assert.ok(before.endsWith(`\r${CLEAR_TO_END}`));
  assert.ok(!before.includes("\n"));
  for (const line of before.replaceAll(CLEAR_TO_END, "").split("\r")) {
    assert.ok(line.length < 50, line);
  }
  assert.ok(!after.includes(ESCAPE));
});

Deno.test("progress: --quiet and --json show none", async () => {
  await using place = await slowWork();
  const pack = `pack -m tree.fl -s ${place.store()} --level 15 -j1 tree`;
  assert.equal(await onTerminal(place, 80, `${pack} --quiet`), "");
  assert.match(await onTerminal(place, 80, `${pack} --json`), /^\{.*\}\r\n$/);
});

Deno.test("colour: labels are coloured on a terminal, and not where NO_COLOR is set", async () => {
  await using place = await Workplace.create();
  const coloured = await onTerminal(place, 80, "pak");
  assert.ok(coloured.startsWith(`${ESCAPE}[31merror:${ESCAPE}[0m Unknown`), coloured);
  const run = [Deno.execPath(), ...programArgs(["pak"])].map((word) => `"${word}"`).join(" ");
  const { stdout } = await bash(`NO_COLOR=1 script -qec '${run}' /dev/null`, place);
  assert.match(stdout, /^error: Unknown/);
});
