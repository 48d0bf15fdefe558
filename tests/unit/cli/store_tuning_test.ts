/**
 * What the options for stores mean to the library.
 */

import assert from "node:assert/strict";
import { byteCount, tuningOf } from "../../../cli/store_tuning.ts";

Deno.test("store tuning: says what was given, in the library's units, and who one is", async () => {
  const { hubCredentials, ...nothing } = (await tuningOf({})).storeOptions;
  assert.deepEqual(nothing, {});
  const options = { timeout: 5, retries: 0, concurrency: 3, limitRate: 1000 };
  const { hubCredentials: same, ...given } = (await tuningOf(options)).storeOptions;
  assert.deepEqual(given, { deadlineMs: 5000, attempts: 1, concurrency: 3, bytesPerSecond: 1000 });
  assert.equal(same?.path, hubCredentials?.path);
});

Deno.test("byte count: accepts plain numbers and K, M, G, T of 1,024", () => {
  for (
    const [text, bytes] of [
      ["1", 1],
      ["1000", 1000],
      ["500K", 512_000],
      ["10M", 10_485_760],
      ["1.5m", 1_572_864],
      ["2g", 2_147_483_648],
      ["10GiB", 10_737_418_240],
      ["1T", 1_099_511_627_776],
      ["1.3M", 1_363_148],
    ] as const
  ) assert.equal(byteCount(text), bytes, text);
  for (
    const text of ["", "0", "0.5", "M", "10MB", "-1", "1e3", " 1", "0x10", "1.2.3K", "9999999T"]
  ) {
    assert.throws(() => byteCount(text), { code: "commander.invalidArgument" }, text);
  }
});
