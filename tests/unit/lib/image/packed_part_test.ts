/** Goal: a part that is kept comes back as it was, at any place of another pack. */

import assert from "node:assert/strict";
import { packedParts } from "../../../helpers/packed_parts.ts";
import {
  decodePart,
  describePart,
  encodePart,
  joinParts,
  movedUnit,
  splitPart,
} from "../../../../lib/image/packed_part.ts";

Deno.test("packed part: is the same after it was kept as JSON", () => {
  const { part, refs } = packedParts();
  const described = describePart(part, (key) => refs.get(key));
  assert.equal(described.refs.length, 3);
  const again = decodePart(JSON.parse(JSON.stringify(encodePart(described))));
  assert.deepEqual(again, described);
  const parts = splitPart(described, 1);
  assert.deepEqual(parts.map(({ units }) => units.length), [1, 1]);
  assert.deepEqual(joinParts(parts), described);
});

Deno.test("packed part: its numbers count from its start, and move with it", () => {
  const { part, refs } = packedParts();
  const { units } = describePart(part, (key) => refs.get(key));
  const [small, large] = units;
  assert.ok(small!.planned.unit.kind === "contents" && small!.done.kind === "files");
  assert.deepEqual(small!.planned.inos, [0, 1]);
  assert.equal(small!.planned.unit.firstFile, 0);
  assert.deepEqual([...small!.done.duplicateOf], [0, 1]);
  assert.deepEqual(large!.planned.inos, [2]);

  const moved = movedUnit(small!, { content: 100, file: 50, scope: 7 });
  assert.ok(moved.planned.unit.kind === "contents" && moved.done.kind === "files");
  assert.deepEqual(moved.planned.inos, [100, 101]);
  assert.deepEqual([moved.planned.unit.firstFile, moved.planned.unit.scope], [50, 7]);
  assert.deepEqual([...moved.done.duplicateOf], [0, 51]);
});

Deno.test("packed part: what is not done, or refers to chunks that nobody knows, is refused", () => {
  const { part, refs } = packedParts();
  assert.throws(() => describePart(part, () => undefined), TypeError);
  const [first] = part.units;
  const undone = { ...part, units: [{ planned: first!.planned }] };
  assert.throws(() => describePart(undone, (key) => refs.get(key)), TypeError);
});
