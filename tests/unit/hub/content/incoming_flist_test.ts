/** Goal: a flist on its way in is bounded, and is gone unless it got its place. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { IncomingFlist } from "../../../../hub/content/incoming_flist.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";

const names = (path: string): string[] => Array.from(Deno.readDirSync(path), ({ name }) => name);

Deno.test("incoming flist: it grows up to its limit, is its owner's alone, and gets its place", async () => {
  using folder = new TempFolder();
  await using incoming = await IncomingFlist.create(folder.path, 10);
  assert.equal((await Deno.stat(incoming.path)).mode! & 0o777, 0o600);
  const bytes = new TextEncoder().encode("12345");
  await incoming.write(bytes);
  await incoming.write(bytes);
  await assert.rejects(incoming.write(Uint8Array.of(1)), { status: 413, code: "too_large" });
  incoming.close();
  incoming.close();
  const sha256 = createHash("sha256").update("1234512345").digest("hex");
  assert.deepEqual(await incoming.digest(), { sha256, size: 10 });
  const place = folder.file("placed.fl");
  await incoming.moveTo(place);
  await incoming[Symbol.asyncDispose]();
  assert.deepEqual(names(folder.path), ["placed.fl"]);
  assert.equal(await Deno.readTextFile(place), "1234512345");
});

Deno.test("incoming flist: what was not published leaves nothing", async () => {
  using folder = new TempFolder();
  {
    await using incoming = await IncomingFlist.create(folder.path, 10);
    await incoming.write(Uint8Array.of(1));
    assert.equal(names(folder.path).length, 1);
  }
  assert.deepEqual(names(folder.path), []);
  await assert.rejects(IncomingFlist.create(folder.file("away"), 10), Deno.errors.NotFound);
});
