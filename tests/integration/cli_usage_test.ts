/**
 * Mistakes on the command line: one clear line, a hint, the right exit code, and no stack trace.
 */

import assert from "node:assert/strict";
import { myfs, myfsJson, Workplace } from "./cli_process.ts";

interface Mistake {
  readonly args: readonly string[];
  readonly code: number;
  readonly says: RegExp;
  readonly hint?: RegExp;
}

async function assertMistakes(place: Workplace, mistakes: readonly Mistake[]): Promise<void> {
  for (const { args, code, says, hint } of mistakes) {
    const line = `myfs ${args.join(" ")}`;
    const result = await myfs(args, place.options);
    assert.equal(result.code, code, `${line}: ${result.stderr}`);
    assert.equal(result.stdout, "", line);
    const [error = "", second, ...more] = result.stderr.trimEnd().split("\n");
    assert.match(error, says, line);
    assert.ok(error.startsWith("error: "), line);
    if (hint !== undefined) assert.match(second ?? "", hint, line);
    assert.deepEqual(more, [], line);
  }
}

Deno.test("usage: what is misspelt is named, with what may be meant", async () => {
  await using place = await Workplace.create();
  await assertMistakes(place, [
    { args: ["pak"], code: 2, says: /'pak'/, hint: /^hint: Did you mean pack\?$/ },
    { args: ["flist", "lss"], code: 2, says: /'lss'/, hint: /Did you mean ls\?/ },
    { args: ["config", "tags"], code: 2, says: /'tags'/, hint: /Did you mean tag\?/ },
    { args: ["pack", "--mta", "x", "."], code: 2, says: /'--mta'/, hint: /Did you mean --meta\?/ },
    {
      args: ["flist", "ls", "--recursiv", "x"],
      code: 2,
      says: /--recursiv/,
      hint: /--recursive\?/,
    },
    { args: ["zzz"], code: 2, says: /'zzz'/, hint: /'myfs --help'/ },
    { args: ["pak", "--help"], code: 2, says: /'pak'/, hint: /pack\?/ },
    { args: ["flist", "lss", "-h"], code: 2, says: /'lss'/, hint: /ls\?/ },
  ]);
});

Deno.test("usage: what is missing or too much is named, with where to look", async () => {
  await using place = await Workplace.create();
  await assertMistakes(place, [
    { args: ["pack"], code: 2, says: /source/, hint: /'myfs pack --help'/ },
    { args: ["pack", "."], code: 2, says: /--meta/, hint: /'myfs pack --help'/ },
    { args: ["pack", "-m", "x.fl", "."], code: 2, says: /--store/, hint: /'myfs pack --help'/ },
    { args: ["pack", "-m"], code: 2, says: /--meta/, hint: /'myfs pack --help'/ },
    { args: ["commit", "."], code: 2, says: /--base/, hint: /'myfs commit --help'/ },
    { args: ["commit", "--base", "x.fl", "."], code: 2, says: /--meta/, hint: /commit --help'/ },
    { args: ["unpack"], code: 2, says: /no flist/, hint: /--meta/ },
    { args: ["unpack", "x.fl"], code: 2, says: /<target>/, hint: /'myfs unpack --help'/ },
    { args: ["flist", "ls", "-m", "x", "a", "b"], code: 2, says: /b$/, hint: /--meta/ },
    { args: ["flist", "cat", "x.fl"], code: 2, says: /no path/, hint: /'myfs flist cat --help'/ },
    { args: ["config", "tag", "delete", "x"], code: 2, says: /--all/, hint: /delete --help'/ },
    { args: ["run"], code: 2, says: /script/, hint: /'myfs run --help'/ },
  ]);
});

Deno.test("usage: values out of range or of no known form are refused", async () => {
  await using place = await Workplace.create();
  const pack = ["pack", "-m", "x.fl", "-s", place.store(), "."];
  await assertMistakes(place, [
    { args: [...pack, "--jobs", "0"], code: 2, says: /--jobs.*'0'/, hint: /1 to 64/ },
    { args: [...pack, "-jx"], code: 2, says: /--jobs.*'x'/, hint: /whole number/ },
    { args: [...pack, "--level", "99"], code: 2, says: /--level.*'99'/, hint: /1 to 19/ },
    { args: [...pack, "--profile", "x"], code: 2, says: /--profile.*'x'/, hint: /myfs, rfs/ },
    { args: [...pack, "--tag", "x"], code: 2, says: /tag 'x'/, hint: /key=value/ },
    { args: ["pack", "-m", "x.fl", "-s", "blocks", "."], code: 2, says: /blocks.*dir:\/\// },
    { args: ["pack", "-m", "x.fl", "-s", "7f-00=dir:///x", "."], code: 2, says: /range/ },
    { args: ["completion", "ksh"], code: 2, says: /'ksh'/, hint: /bash, zsh, fish/ },
  ]);
  assert.deepEqual(await Array.fromAsync(Deno.readDir(place.path)), []);
});

Deno.test("usage: files that are missing or of the wrong kind have their exit codes", async () => {
  await using place = await Workplace.create();
  await place.write({ "file": "text", "tree/a": "a" });
  const store = ["-s", place.store()];
  await assertMistakes(place, [
    { args: ["pack", "-m", "x.fl", ...store, "nope"], code: 10, says: /nope/ },
    { args: ["pack", "-m", "x.fl", ...store, "file"], code: 11, says: /file.*tar archive/ },
    { args: ["pack", "-m", "no/x.fl", ...store, "tree"], code: 10, says: /no\/x\.fl/ },
    { args: ["pack", "-m", "tree", ...store, "tree"], code: 1, says: /tree.*directory/ },
    { args: ["pack", "-m", "x.fl", ...store, "--base", "no", "tree"], code: 10, says: /no$/ },
    { args: ["unpack", "no.fl", "out"], code: 10, says: /no\.fl/ },
    { args: ["unpack", "file", "out"], code: 11, says: /file.*SQLite/ },
    { args: ["check", "file"], code: 11, says: /file/ },
    { args: ["flist", "inspect", "tree"], code: 11, says: /tree.*directory/ },
    { args: ["flist", "diff", "file", "file"], code: 11, says: /file/ },
    { args: ["run", "no.ts"], code: 10, says: /no\.ts/ },
    { args: ["run", "tree"], code: 2, says: /tree.*not a file/ },
  ]);
});

Deno.test("usage: with --json, mistakes are documents with the same exit codes", async () => {
  await using place = await Workplace.create();
  const wrong = await myfsJson(["flist", "lss"], place.options);
  assert.deepEqual(wrong, {
    code: 2,
    document: {
      error: { code: "usage", message: "Unknown command 'lss'", hint: "Did you mean ls?" },
    },
  });
  const missing = await myfsJson(["check", "no.fl"], place.options);
  assert.deepEqual(missing, {
    code: 10,
    document: { error: { code: "flist_not_found", message: "There is no flist at no.fl" } },
  });
});

Deno.test("usage: MYFS_DEBUG=1 shows where an error came from", async () => {
  await using place = await Workplace.create();
  const env = { ...place.options.env, MYFS_DEBUG: "1" };
  const { stderr } = await myfs(["check", "no.fl"], { ...place.options, env });
  assert.match(stderr, /FlistNotFoundError[^]*\n {4}at /);
});
