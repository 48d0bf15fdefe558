/** Goal: what was used last is kept, within a number of entries and a weight. */

import assert from "node:assert/strict";
import { RecentMap } from "../../../../lib/base/recent_map.ts";

function keysOf(map: RecentMap<string, number>): string {
  // In the order of their age, so that asking changes nothing.
  return [..."abcd"].filter((key) => map.get(key) !== undefined).join("");
}

Deno.test("recent map: too many entries push out the one that was not used for longest", () => {
  const map = new RecentMap<string, number>({ countMax: 2, weightMax: 100, weigh: () => 1 });
  map.set("a", 1);
  map.set("b", 2);
  assert.equal(map.get("a"), 1);
  map.set("c", 3);
  assert.equal(keysOf(map), "ac");
  assert.equal(map.get("b"), undefined);
});

Deno.test("recent map: too heavy entries push out as many as need be, but not themselves", () => {
  const map = new RecentMap<string, number>({
    countMax: 9,
    weightMax: 10,
    weigh: (value) => value,
  });
  map.set("a", 4);
  map.set("b", 4);
  map.set("c", 2);
  assert.equal(keysOf(map), "abc");
  map.set("d", 5);
  assert.equal(keysOf(map), "cd");
  map.set("a", 99);
  assert.equal(keysOf(map), "a");
  map.set("b", 1);
  assert.equal(keysOf(map), "b");
});

Deno.test("recent map: what is set anew weighs once", () => {
  const map = new RecentMap<string, number>({
    countMax: 9,
    weightMax: 10,
    weigh: (value) => value,
  });
  map.set("a", 3);
  map.set("b", 6);
  map.set("b", 2);
  map.set("c", 5);
  assert.equal(keysOf(map), "abc");
  assert.equal(map.get("b"), 2);
});
