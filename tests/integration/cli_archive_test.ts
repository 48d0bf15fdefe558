/** Goal: `myfs pack` takes archives from files and pipes, and what is wrong with them ends it well. */

import assert from "node:assert/strict";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { concatBytes } from "../../lib/base/bytes.ts";
import { makeEntry, makeTar } from "../helpers/tar_maker.ts";
import { finish, myfs, myfsOk, programArgs, type RunResult, Workplace } from "./cli_process.ts";

const ARCHIVE = makeTar(
  { name: "etc/", type: "5", mode: 0o755 },
  { name: "etc/motd", content: "Welcome!\n" },
  { name: "etc/same", type: "1", link: "etc/motd" },
  { name: "greeting", type: "2", link: "etc/motd" },
);

/** Packs what comes on standard input. */
async function packPiped(
  place: Workplace,
  bytes: Uint8Array<ArrayBuffer>,
  ...args: readonly string[]
): Promise<RunResult> {
  const child = new Deno.Command(Deno.execPath(), {
    args: programArgs(["pack", "-q", "-s", place.store(), ...args, "-"]),
    ...place.options,
    ...{ stdin: "piped", stdout: "piped", stderr: "piped" },
  }).spawn();
  const result = finish(child);
  try {
    await new Blob([bytes]).stream().pipeTo(child.stdin);
  } catch (error) {
    // It has read as much as it wants.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
  return await result;
}

async function namesIn({ path }: Workplace): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(path), ({ name }) => name)).sort();
}

Deno.test("pack: archives of all kinds, as files and as standard input, give one flist", async () => {
  await using place = await Workplace.create();
  const flists: Uint8Array[] = [];
  const take = async (): Promise<void> => {
    flists.push(await Deno.readFile(`${place.path}/a.fl`));
    await Deno.remove(`${place.path}/a.fl`);
  };
  const kinds = {
    "a.tar": ARCHIVE,
    "a.tgz": new Uint8Array(gzipSync(ARCHIVE)),
    "a.tar.zst": new Uint8Array(zstdCompressSync(ARCHIVE)),
  };
  for (const [name, bytes] of Object.entries(kinds)) {
    await Deno.writeFile(`${place.path}/${name}`, bytes);
    const { stdout, stderr } = await myfsOk(
      ["pack", "-m", "a.fl", "-s", place.store(), name],
      place.options,
    );
    assert.equal(stdout, "");
    assert.ok(stderr.startsWith(`Packed ${name} into `), stderr);
    await take();
    const { code, stderr: piped } = await packPiped(place, bytes, "-m", "a.fl");
    assert.equal(code, 0, piped);
    await take();
  }
  for (const flist of flists) assert.deepEqual(flist, flists[0]);

  await Deno.writeFile(`${place.path}/a.fl`, flists[0]!);
  await myfsOk(["unpack", "-q", "a.fl", "out", "--store", place.store()], place.options);
  assert.equal(await Deno.readTextFile(`${place.path}/out/greeting`), "Welcome!\n");
  assert.equal((await Deno.stat(`${place.path}/out/etc/same`)).nlink, 2);
});

Deno.test("pack: hostile archives are refused with their exit code, and leave no flist", async () => {
  await using place = await Workplace.create();
  // A ratio counts from 1 GiB on: 80 frames of 16 MiB each.
  const zeros = zstdCompressSync(new Uint8Array(2 ** 24));
  const bomb = concatBytes([
    zstdCompressSync(makeEntry({ name: "zeros", size: 80 * 2 ** 24 })),
    ...Array<Uint8Array>(80).fill(zeros),
  ]);
  const cases: readonly (readonly [
    what: string,
    bytes: Uint8Array<ArrayBuffer>,
    args: readonly string[],
    code: number,
    says: RegExp,
  ])[] = [
    ["too many entries", ARCHIVE, ["--entries-max", "3"], 1, /--entries-max/],
    ["too large", ARCHIVE, ["--plain-bytes-max", "2000"], 1, /--plain-bytes-max/],
    ["a bomb", bomb, ["--ratio-max", "20"], 1, /--ratio-max/],
    ["cut off", ARCHIVE.slice(0, 700), [], 11, /ends|cut/],
    ["no archive", new TextEncoder().encode("hello ".repeat(500)), [], 11, /tar/],
    ["nothing at all", new Uint8Array(), [], 11, /empty|tar/],
  ];
  for (const [what, bytes, args, code, says] of cases) {
    const result = await packPiped(place, bytes, "-m", "a.fl", ...args);
    assert.equal(result.code, code, `${what}: ${result.stderr}`);
    assert.match(result.stderr, says, `${what}: ${result.stderr}`);
    assert.ok(!(await namesIn(place)).some((name) => name.includes(".fl")), what);
  }
});

Deno.test("pack: no name leads out of an archive's root", async () => {
  await using place = await Workplace.create();
  const up = await packPiped(place, makeTar({ name: "../escaped", content: "x" }), "-m", "a.fl");
  assert.equal(up.code, 12, up.stderr);
  assert.match(up.stderr, /\.\.\/escaped/);
  assert.deepEqual((await namesIn(place)).filter((name) => name.endsWith(".fl")), []);

  const kept = makeTar(
    { name: "out", type: "2", link: ".." },
    { name: "/absolute", content: "x" },
    { name: "out/through", content: "x" },
  );
  const { code, stderr } = await packPiped(place, kept, "-m", "a.fl");
  assert.equal(code, 0, stderr);
  await myfsOk(["unpack", "-q", "a.fl", "in/target", "-s", place.store()], place.options);
  assert.deepEqual(
    await Array.fromAsync(Deno.readDir(`${place.path}/in`), ({ name }) => name),
    ["target"],
  );
  // As seen by a process whose root this is.
  assert.equal(await Deno.readTextFile(`${place.path}/in/target/absolute`), "x");
  assert.equal(await Deno.readTextFile(`${place.path}/in/target/through`), "x");
});

Deno.test("pack: options for the other kind of source are refused", async () => {
  await using place = await Workplace.create();
  await place.write({ "tree/a": "a" });
  const pack = ["pack", "-m", "a.fl", "-s", place.store()];
  const { code, stderr } = await myfs([...pack, "--entries-max", "9", "tree"], place.options);
  assert.equal(code, 2);
  assert.match(stderr, /--entries-max/);
  const piped = await packPiped(place, ARCHIVE, "-m", "a.fl", "--one-file-system");
  assert.equal(piped.code, 2);
  assert.match(piped.stderr, /--one-file-system/);
});
