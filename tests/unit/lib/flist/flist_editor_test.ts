/**
 * Goal: tags and routes change, nothing else does, and whoever reads meanwhile sees all of it or
 * none. Method: the sample flists of both profiles.
 */

import assert from "node:assert/strict";
import { FlistFormatError, FlistNotFoundError } from "../../../../lib/base/errors.ts";
import { FlistEditor } from "../../../../lib/flist/flist_editor.ts";
import { FlistReader } from "../../../../lib/flist/flist_reader.ts";
import { BOTH, dumpOf, TestFolder, writeSample } from "./flist_samples.ts";

for (const profile of BOTH) {
  Deno.test(`flist editor (${profile}): adds, replaces and deletes tags and routes, and nothing else`, () => {
    using folder = new TestFolder();
    const path = folder.file("a.fl");
    writeSample(path, profile);
    const before = dumpOf(path);
    {
      using editor = FlistEditor.open(path);
      editor.setTag("version", "2.0");
      editor.setTag("new", "tag é");
      assert.equal(editor.deleteTag("description"), true);
      assert.equal(editor.deleteTag("description"), false);
      assert.equal(editor.deleteRoutes({ url: "dir:///tmp/a" }), 1);
      assert.equal(editor.deleteRoutes({ url: "dir:///tmp/a" }), 0);
      editor.addRoute({ start: 16, end: 31, url: "s3://host/bucket" });
      assert.deepEqual([...editor.tags()], [["new", "tag é"], ["version", "2.0"]]);
      editor.finish();
    }
    const isTree = (line: string) => !/^(tag|route) /.test(line);
    const after = dumpOf(path);
    assert.deepEqual(after.filter(isTree), before.filter(isTree));
    assert.deepEqual(after.filter((line) => !isTree(line)), [
      "tag new=tag\\x20é",
      "tag version=2.0",
      "route 00-ff http://127.0.0.1/b",
      "route 10-1f s3://host/bucket",
    ]);
    using reader = FlistReader.open(path);
    reader.validate();
  });

  Deno.test(`flist editor (${profile}): readers keep the old flist until finish, and after it`, () => {
    using folder = new TestFolder();
    const path = folder.file("a.fl");
    writeSample(path, profile);
    using reader = FlistReader.open(path);
    using editor = FlistEditor.open(path);
    editor.setTag("version", "2.0");
    assert.equal(FlistReader.open(path)[Symbol.dispose](), undefined);
    assert.equal(reader.tags().get("version"), "1.0");
    assert.equal(folder.names().length, 2);
    editor.finish();
    assert.equal(reader.tags().get("version"), "1.0");
    reader.validate();
    using newer = FlistReader.open(path);
    assert.equal(newer.tags().get("version"), "2.0");
    assert.deepEqual(folder.names(), ["a.fl"]);
  });

  Deno.test(`flist editor (${profile}): nothing changes and nothing is left when it is discarded`, () => {
    using folder = new TestFolder();
    const path = folder.file("a.fl");
    writeSample(path, profile);
    const before = Deno.readFileSync(path);
    {
      using editor = FlistEditor.open(path);
      editor.clearTags();
      editor.deleteRoutes();
    }
    assert.deepEqual(Deno.readFileSync(path), before);
    assert.deepEqual(folder.names(), ["a.fl"]);
  });

  Deno.test(`flist editor (${profile}): clearing tags leaves the flist what it is`, () => {
    using folder = new TestFolder();
    const path = folder.file("a.fl");
    writeSample(path, profile);
    {
      using editor = FlistEditor.open(path);
      assert.equal(editor.clearTags(), 2);
      editor.replaceRoutes([{ start: 0, end: 255, url: "dir:///only" }]);
      editor.finish();
    }
    using reader = FlistReader.open(path);
    reader.validate();
    assert.equal(reader.profile, profile);
    assert.equal(reader.tags().size, 0);
    assert.deepEqual(reader.routes(), [{ start: 0, end: 255, url: "dir:///only" }]);
  });

  Deno.test(`flist editor (${profile}): a deleted URL does not stay in the file`, () => {
    using folder = new TestFolder();
    const path = folder.file("a.fl");
    writeSample(path, profile);
    {
      using editor = FlistEditor.open(path);
      editor.addRoute({ start: 0, end: 255, url: "s3://key:hidden-word@host/bucket" });
      editor.finish();
    }
    {
      using editor = FlistEditor.open(path);
      assert.equal(editor.deleteRoutes({ url: "s3://key:hidden-word@host/bucket" }), 1);
      editor.finish();
    }
    const bytes = new TextDecoder("latin1").decode(Deno.readFileSync(path));
    assert.ok(!bytes.includes("hidden-word"));
  });

  Deno.test(`flist editor (${profile}): refuses reserved keys and what is no route`, () => {
    using folder = new TestFolder();
    writeSample(folder.file("a.fl"), profile);
    using editor = FlistEditor.open(folder.file("a.fl"));
    assert.throws(
      () => editor.setTag("myfs.format", "myfs/9"),
      /it says what format the flist has/,
    );
    assert.throws(() => editor.deleteTag("myfs.format"), RangeError);
    assert.throws(() => editor.setTag("", "x"), RangeError);
    assert.throws(() => editor.addRoute({ start: 9, end: 8, url: "dir:///x" }), RangeError);
    editor.finish();
    assert.throws(() => editor.finish(), TypeError);
  });
}

Deno.test("flist editor: keeps the permissions of the file, also where it is read only", () => {
  using folder = new TestFolder();
  const path = folder.file("a.fl");
  writeSample(path, "myfs");
  Deno.chmodSync(path, 0o440);
  {
    using editor = FlistEditor.open(path);
    editor.setTag("a", "b");
    editor.finish();
  }
  assert.equal(Deno.statSync(path).mode! & 0o7777, 0o440);
});

Deno.test("flist editor: edits the file that a symbolic link leads to, and keeps the link", () => {
  using folder = new TestFolder();
  writeSample(folder.file("real.fl"), "myfs");
  Deno.symlinkSync("real.fl", folder.file("link.fl"));
  {
    using editor = FlistEditor.open(folder.file("link.fl"));
    editor.setTag("a", "b");
    editor.finish();
  }
  assert.equal(Deno.readLinkSync(folder.file("link.fl")), "real.fl");
  using reader = FlistReader.open(folder.file("real.fl"));
  assert.equal(reader.tags().get("a"), "b");
});

Deno.test("flist editor: a file that is missing or no flist is told, and nothing is left beside it", () => {
  using folder = new TestFolder();
  assert.throws(() => FlistEditor.open(folder.file("none.fl")), FlistNotFoundError);
  Deno.writeTextFileSync(folder.file("text.fl"), "no flist");
  assert.throws(() => FlistEditor.open(folder.file("text.fl")), FlistFormatError);
  assert.deepEqual(folder.names(), ["text.fl"]);
});
