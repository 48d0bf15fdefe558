/** Goal: counters and histograms as Prometheus reads them. */

import assert from "node:assert/strict";
import { HubMetrics } from "../../../hub/metrics.ts";

Deno.test("metrics: the same labels are the same series, buckets contain those before them", () => {
  const metrics = new HubMetrics();
  metrics.counter("hits_total", "Hits", { status: 200 }).value++;
  metrics.counter("hits_total", "Hits", { status: 200 }).value++;
  metrics.counter("hits_total", "Hits", { status: 404 }).value++;
  const seconds = metrics.histogram("seconds", "Time", { path: 'a"b' });
  for (const value of [0.0005, 0.001, 0.02, 100]) seconds.observe(value);
  metrics.gauge("now", "Now", () => 7);
  const lines = metrics.text().split("\n");
  for (
    const line of [
      "# TYPE hits_total counter",
      'hits_total{status="200"} 2',
      'hits_total{status="404"} 1',
      'seconds_bucket{path="a\\"b",le="0.001"} 2',
      'seconds_bucket{path="a\\"b",le="0.01"} 2',
      'seconds_bucket{path="a\\"b",le="0.025"} 3',
      'seconds_bucket{path="a\\"b",le="60"} 3',
      'seconds_bucket{path="a\\"b",le="+Inf"} 4',
      'seconds_count{path="a\\"b"} 4',
      "now 7",
    ]
  ) assert.ok(lines.includes(line), line);
});
