/** Goal: pins are kept by name, and what is no pin does no harm. */

import assert from "node:assert/strict";
import { CachePins } from "../../../../lib/store/cache_pins.ts";
import { randomBlock } from "../../../helpers/random_block.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";

const someIds = (count: number): ReturnType<typeof randomBlock>["id"][] =>
  Array.from({ length: count }, () => randomBlock(8).id);

Deno.test("CachePins: gives back what was written, whatever the name", () => {
  using folder = new TempFolder();
  const pins = new CachePins(folder.path);
  assert.deepEqual([...pins.list()], []);
  assert.equal(pins.remove("none"), false);
  const written = ["/srv/a.fl", "../../etc/passwd", "with\nline \udc80", ""].map((name) => ({
    name,
    ids: someIds(3),
  }));
  for (const pin of written) pins.write(pin);
  for (const pin of written) assert.deepEqual(pins.read(pin.name), pin);
  assert.equal(pins.read("none"), undefined);
  const byName = (a: { name: string }, b: { name: string }): number => a.name < b.name ? -1 : 1;
  assert.deepEqual([...pins.list()].sort(byName), written.toSorted(byName));
  pins.write({ name: "", ids: [] });
  assert.deepEqual(pins.read(""), { name: "", ids: [] });
  assert.equal(pins.remove(""), true);
  assert.equal(pins.read(""), undefined);
  assert.deepEqual(folder.names(), ["pins"]);
});

Deno.test("CachePins: files that are no pins are passed over, and leftovers swept", () => {
  using folder = new TempFolder();
  const pins = new CachePins(folder.path);
  pins.write({ name: "a", ids: someIds(2) });
  const [file] = folder.names("pins");
  Deno.writeTextFileSync(folder.file(`pins/${"0".repeat(64)}`), "no pin");
  Deno.writeTextFileSync(folder.file(`pins/${file}.new`), "half");
  Deno.writeTextFileSync(folder.file("pins/other"), '"b"');
  assert.deepEqual([...pins.list()].map(({ name }) => name), ["a"]);
  pins.sweepTemporary();
  assert.equal(folder.names("pins").includes(`${file}.new`), false);
});
