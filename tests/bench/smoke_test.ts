/**
 * Goal: the benchmark does not rot. Method: it runs on tiny trees, with myfs alone, and on few blocks,
 * so that it needs no network, and no other program than there is.
 */

import assert from "node:assert/strict";
import { requiringTest } from "../helpers/require.ts";
import { benchRun } from "./bench_run.ts";
import { tinyCorpora, tinyFiles } from "./corpora.ts";
import { HUB_SCENARIOS, HUB_STEP, HUB_WAY, hubRun, TINY_HUB_SIZES } from "./hub/hub_run.ts";
import { hubBars, renderHubReport } from "./hub/report.ts";
import { renderSoak, soakBars, soakHub } from "./hub/soak.ts";
import { WAY } from "./mount/mounters.ts";
import { MOUNT_SCENARIOS, mountRun, STEP } from "./mount/mount_run.ts";
import { mountBars, renderMountReport } from "./mount/report.ts";
import { OCI_STEP, ociRun } from "./oci/oci_run.ts";
import { ociBars, renderOciReport } from "./oci/report.ts";
import { renderReport } from "./report.ts";
import { SCENARIOS } from "./scenarios.ts";
import { TINY_WORKLOADS } from "./stores/block_set.ts";
import { STORE_KINDS } from "./stores/kinds.ts";
import { renderStoresReport, storeBars } from "./stores/report.ts";
import { storesRun } from "./stores/stores_run.ts";

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

requiringTest(
  ["cp"],
  "bench: measures every kind of store that this machine has a server for, and leaves nothing behind",
  async () => {
    const scratch = await Deno.makeTempDir();
    try {
      const report = await storesRun({
        kinds: STORE_KINDS,
        workloads: TINY_WORKLOADS,
        runs: 1,
        roundTripMs: 2,
        scratch,
        onStep: () => {},
      });
      for (const { name, readOnly } of STORE_KINDS) {
        if (report.skipped.some((reason) => reason.startsWith(`${name}: `))) continue;
        const directions = readOnly === true ? ["download"] : ["upload", "download"];
        for (const workload of TINY_WORKLOADS) {
          const measured = report.results.filter((result) =>
            result.kind === name && result.workload === workload.name && result.tool === "myfs"
          );
          assert.deepEqual(measured.map(({ direction }) => direction), directions);
          assert.ok(measured.every(({ medianSeconds }) => medianSeconds > 0));
        }
      }
      const bars = storeBars(report);
      assert.ok(bars.some(({ text }) => text.startsWith("dir: upload of 512 KiB blocks")));
      assert.match(renderStoresReport(report, bars), /### 6 blocks of 512 KiB \(one run\)/);
      assert.deepEqual(await Array.fromAsync(Deno.readDir(scratch)), []);
    } finally {
      await Deno.remove(scratch, { recursive: true });
    }
  },
);

requiringTest(
  ["root", "fuse"],
  "bench: measures mounts in every scenario, and leaves nothing behind",
  async () => {
    const scratch = await Deno.makeTempDir();
    const corpora = await Deno.makeTempDir();
    try {
      await tinyFiles(`${corpora}/tree`, 100);
      const report = await mountRun({
        only: MOUNT_SCENARIOS,
        ways: [WAY.myfs, WAY.local],
        tree: `${corpora}/tree`,
        runs: 1,
        largeBytes: 1 << 20,
        inodes: 100,
        roundTripMs: 2,
        scratch,
        onStep: () => {},
      });
      const measured = new Set(report.results.map(({ step }) => step));
      const isLeftOut = (step: string): boolean =>
        step.startsWith("HTTP") && report.skipped.some((reason) => reason.startsWith("http"));
      const missing = Object.values(STEP).filter((step) => !measured.has(step) && !isLeftOut(step));
      assert.deepEqual(missing, []);
      const bars = mountBars(report);
      assert.ok(bars.some(({ text }) => text.startsWith("find -ls, warm: time of local")));
      assert.match(renderMountReport(report, bars), /### first tar \(one run\)/);
      assert.deepEqual(await Array.fromAsync(Deno.readDir(scratch)), []);
    } finally {
      await Deno.remove(scratch, { recursive: true });
      await Deno.remove(corpora, { recursive: true });
    }
  },
);

requiringTest(
  ["root", "time", "docker-registry", "skopeo", "umoci"],
  "bench: measures conversions of images, and leaves nothing behind",
  async () => {
    const scratch = await Deno.makeTempDir();
    const folder = await Deno.makeTempDir();
    try {
      const corpora = await tinyCorpora(folder);
      const report = await ociRun({ corpora, runs: 1, scratch, onStep: () => {} });
      assert.deepEqual(
        report.results.map(({ step }) => step).sort(),
        Object.values(OCI_STEP).toSorted(),
      );
      const [first, , second] = report.results;
      assert.ok(first!.addedBytes! > 20 * second!.addedBytes!, "what is shared is stored once");
      const bars = ociBars(report);
      assert.equal(bars.length, 4);
      assert.match(renderOciReport(report, bars), /### Container images \(one run\)/);
      assert.deepEqual(await Array.fromAsync(Deno.readDir(scratch)), []);
    } finally {
      await Deno.remove(scratch, { recursive: true });
      await Deno.remove(folder, { recursive: true });
    }
  },
);

requiringTest(
  ["wrk", "nginx", "docker-registry"],
  "bench: measures the hub in every scenario, soaks it, and leaves nothing behind",
  async () => {
    const scratch = await Deno.makeTempDir();
    const corpora = await Deno.makeTempDir();
    try {
      await tinyFiles(`${corpora}/tree`, 20);
      const report = await hubRun({
        only: HUB_SCENARIOS,
        sizes: TINY_HUB_SIZES,
        tree: `${corpora}/tree`,
        runs: 1,
        seconds: 1,
        scratch,
        onStep: () => {},
      });
      const measured = new Set(report.results.map(({ step }) => step));
      assert.deepEqual(Object.values(HUB_STEP).filter((step) => !measured.has(step)), []);
      const ways = new Set(report.results.map(({ way }) => way));
      assert.deepEqual(Object.values(HUB_WAY).filter((way) => !ways.has(way)), []);
      assert.ok(report.results.every(({ median }) => median > 0));
      const bars = hubBars(report);
      assert.equal(bars.length, 7);
      assert.match(renderHubReport(report, bars), /### GET of 4 KiB blocks, requests/);
      const options = { minutes: 0.03, idle: 20, scratch, onStep: (): void => {} };
      const soak = await soakHub(options);
      assert.equal(soak.idleAlive, 20);
      assert.ok(soak.requests > 0 && soak.memory.length > 0);
      assert.match(renderSoak(soak, soakBars(soak, options)), /memory under load/);
      assert.deepEqual(await Array.fromAsync(Deno.readDir(scratch)), []);
    } finally {
      await Deno.remove(scratch, { recursive: true });
      await Deno.remove(corpora, { recursive: true });
    }
  },
);
