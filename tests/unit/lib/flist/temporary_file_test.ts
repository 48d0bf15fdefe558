/** Goal: a file appears whole under its name or leaves nothing. */

import assert from "node:assert/strict";
import { SystemError } from "../../../../lib/base/errors.ts";
import { TemporaryFile } from "../../../../lib/flist/temporary_file.ts";
import { TestFolder } from "./flist_samples.ts";

Deno.test("temporary file: takes the place of its target, or goes away", () => {
  using folder = new TestFolder();
  const target = folder.file("target");
  Deno.writeTextFileSync(target, "old");
  {
    using file = TemporaryFile.beside(target);
    assert.match(file.path, /\/target\.[0-9a-f]{8}\.tmp$/);
    Deno.writeTextFileSync(file.path, "discarded");
  }
  assert.equal(Deno.readTextFileSync(target), "old");
  {
    using file = TemporaryFile.beside(target);
    Deno.writeTextFileSync(file.path, "new");
    file.replaceTarget();
  }
  assert.equal(Deno.readTextFileSync(target), "new");
  assert.deepEqual(folder.names(), ["target"]);
});

Deno.test("temporary file: two for the same target do not meet", () => {
  using folder = new TestFolder();
  using first = TemporaryFile.beside(folder.file("target"));
  using second = TemporaryFile.beside(folder.file("target"));
  assert.notEqual(first.path, second.path);
});

Deno.test("temporary file: a target that cannot be made is a system error that names it", () => {
  using folder = new TestFolder();
  assert.throws(() => TemporaryFile.beside(folder.path), (error: Error) => {
    assert.ok(error instanceof SystemError);
    assert.equal(error.errno, "EISDIR");
    return true;
  });
  {
    using file = TemporaryFile.beside(folder.file("late"));
    Deno.mkdirSync(folder.file("late"));
    assert.throws(() => file.replaceTarget(), SystemError);
  }
  assert.deepEqual(folder.names(), ["late"]);
});

Deno.test("temporary file: one that a killed process left goes away, one in use stays", () => {
  using folder = new TestFolder();
  const hourAgo = new Date(Date.now() - 3_600_000);
  const make = (name: string, time?: Date): string => {
    const path = folder.file(name);
    Deno.writeTextFileSync(path, "");
    if (time !== undefined) Deno.utimeSync(path, time, time);
    return path;
  };
  make("target.0123abcd.tmp", hourAgo);
  make("target.89abcdef.tmp");
  make("target.tmp", hourAgo);
  make("other.0123abcd.tmp", hourAgo);
  using inUse = TemporaryFile.beside(folder.file("target"));
  Deno.utimeSync(inUse.path, hourAgo, hourAgo);
  using _next = TemporaryFile.beside(folder.file("target"));
  const names = folder.names();
  assert.ok(!names.includes("target.0123abcd.tmp"));
  for (const kept of ["target.89abcdef.tmp", "target.tmp", "other.0123abcd.tmp"]) {
    assert.ok(names.includes(kept), kept);
  }
  assert.ok(Deno.statSync(inUse.path).isFile);
});
