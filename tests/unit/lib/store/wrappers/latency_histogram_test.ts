/** Goal: quantiles are never below the true value, nor far above. */

import assert from "node:assert/strict";
import { LatencyHistogram } from "../../../../../lib/store/wrappers/latency_histogram.ts";

Deno.test("LatencyHistogram: of nothing, everything is 0", () => {
  const histogram = new LatencyHistogram();
  const { count, meanMs, maxMs } = histogram;
  assert.deepEqual([count, meanMs, maxMs, histogram.quantileMs(0.5)], [0, 0, 0, 0]);
});

Deno.test("LatencyHistogram: quantiles lie at most half as much again above the true value", () => {
  const histogram = new LatencyHistogram();
  for (let ms = 1; ms <= 1000; ms++) histogram.add(ms);
  assert.equal(histogram.count, 1000);
  assert.equal(histogram.meanMs, 500.5);
  assert.equal(histogram.maxMs, 1000);
  for (const share of [0.01, 0.5, 0.9, 0.95, 1]) {
    const value = histogram.quantileMs(share);
    assert.ok(value >= share * 1000 && value <= Math.min(1000, share * 1500 + 1), `${share}`);
  }
});

Deno.test("LatencyHistogram: takes the shortest and the longest", () => {
  const histogram = new LatencyHistogram();
  histogram.add(0);
  histogram.add(0.1);
  assert.equal(histogram.quantileMs(1), 0.1);
  histogram.add(3_600_000);
  assert.equal(histogram.maxMs, 3_600_000);
  assert.ok(histogram.quantileMs(1) > 180_000);
});

Deno.test("LatencyHistogram: what faded weighs less than what is new", () => {
  const histogram = new LatencyHistogram();
  for (let i = 0; i < 64; i++) histogram.add(1);
  for (let i = 0; i < 6; i++) histogram.fade();
  assert.equal(histogram.count, 1);
  assert.equal(histogram.meanMs, 1);
  for (let i = 0; i < 9; i++) histogram.add(100);
  assert.ok(histogram.quantileMs(0.5) >= 100);
});
