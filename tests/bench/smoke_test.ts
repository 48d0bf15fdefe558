/**
 * Goal: the benchmark does not rot. Method: it runs on tiny trees, with myfs alone, so that it needs
 * neither a network nor other programs.
 */

import assert from "node:assert/strict";
import { requiringTest } from "../helpers/require.ts";
import { benchRun } from "./bench_run.ts";
import { renderReport } from "./report.ts";
import { SCENARIOS } from "./scenarios.ts";

/** Not every machine has a tmpfs, and unpacking to one is unpacking to a folder. */
const scenarios = SCENARIOS.filter((scenario) => scenario !== "unpack-tmpfs");

requiringTest(
  ["time"],
  "bench: measures packing, unpacking and memory, and leaves nothing behind",
  async () => {
    const scratch = await Deno.makeTempDir();
    try {
      const report = await benchRun({
        quick: true,
        runs: 1,
        only: scenarios,
        tools: ["myfs", "myfs --base"],
        corpora: ["small-files"],
        trees: [],
        scratch,
        tmpfs: "/dev/shm",
        keep: false,
        onStep: () => {},
      });
      const measured = new Set(report.results.map(({ scenario }) => scenario));
      assert.deepEqual(scenarios.filter((scenario) => !measured.has(scenario)), []);
      for (const { runs, tool } of report.results) {
        for (const { wallSeconds, peakMemoryBytes } of runs) {
          assert.ok(wallSeconds > 0 && peakMemoryBytes > 1e6, `${tool} was not measured`);
        }
      }
      const rendered = renderReport(report);
      assert.match(rendered, /### Pack: small-files/);
      assert.deepEqual(await Array.fromAsync(Deno.readDir(scratch)), []);
    } finally {
      await Deno.remove(scratch, { recursive: true });
    }
  },
);
