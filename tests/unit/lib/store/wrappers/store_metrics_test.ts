/** Goal: numbers are plain data, by store, kind of call and code of error. */

import assert from "node:assert/strict";
import { BlockNotFoundError } from "../../../../../lib/base/errors.ts";
import { StoreMetricsCollector } from "../../../../../lib/store/wrappers/store_metrics.ts";

Deno.test("StoreMetricsCollector: counts by store and kind of call, stores of one URL together", () => {
  const metrics = new StoreMetricsCollector();
  assert.deepEqual(metrics.snapshot(), []);
  metrics.meter("mem://b").begin("get");
  const meter = metrics.meter("mem://a");
  assert.equal(metrics.meter("mem://a"), meter);
  meter.begin("get");
  meter.end("get", { durationMs: 10, bytesIn: 500, bytesOut: 0 });
  meter.begin("get");
  meter.fail("get", 30, new BlockNotFoundError("00", "mem://a"), undefined);
  meter.begin("put");
  meter.end("put", { durationMs: 5, bytesIn: 0, bytesOut: 700 });
  const [b, a] = metrics.snapshot();
  assert.equal(b!.store, "mem://b");
  assert.deepEqual(a, {
    store: "mem://a",
    operations: {
      get: {
        requests: 2,
        errors: { block_not_found: 1 },
        bytesIn: 500,
        bytesOut: 0,
        latency: {
          count: 2,
          meanMs: 20,
          p50Ms: a!.operations.get!.latency.p50Ms,
          p95Ms: 30,
          maxMs: 30,
        },
      },
      put: {
        requests: 1,
        errors: {},
        bytesIn: 0,
        bytesOut: 700,
        latency: { count: 1, meanMs: 5, p50Ms: 5, p95Ms: 5, maxMs: 5 },
      },
    },
  });
  const { p50Ms } = a!.operations.get!.latency;
  assert.ok(p50Ms >= 10 && p50Ms <= 15);
  assert.deepEqual(JSON.parse(JSON.stringify(a)), a);
});

Deno.test("StoreMetricsCollector: tells the caller's giving up from other failures", () => {
  const metrics = new StoreMetricsCollector();
  const meter = metrics.meter("mem://a");
  const reason = new Error("stop");
  const signal = AbortSignal.abort(reason);
  meter.fail("has", 1, reason, signal);
  meter.fail("has", 1, new Error("other"), signal);
  meter.fail("has", 1, "text", undefined);
  assert.deepEqual(metrics.snapshot()[0]!.operations.has!.errors, { aborted: 1, unknown: 2 });
});
