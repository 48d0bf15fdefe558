/**
 * `deno task soak:hub`: a hub under full load for minutes, with many connections that do nothing, to
 * see whether its memory stays as it is.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- a program that prints

import { parseArgs } from "node:util";
import { atMost, type Bar, renderBars } from "../bars.ts";
import { run } from "../measure.ts";
import { BlockSet } from "../stores/block_set.ts";
import { uploadSet } from "./hub_run.ts";
import { underLoad } from "./load.ts";
import { type BenchHub, memoryOf, startHub } from "./servers.ts";

const USAGE = `Usage: deno task soak:hub [options]

  --minutes <n>      how long, after a tenth of that to get warm (default 10)
  --idle <n>         connections that do nothing (default 1000)
  --scratch <folder> work in a subfolder of it (default: the temporary folder)
`;

/** Memory may be so far from its mean, in MB. */
const MEMORY_SPAN_MAX = 50;

/** How long, and beside how many idle connections. */
export interface SoakOptions {
  readonly minutes: number;
  readonly idle: number;
  readonly scratch: string;
  readonly onStep: (text: string) => void;
}

/** What was seen. */
export interface SoakReport {
  readonly requests: number;
  readonly minutes: number;
  /** Idle connections that still answered at the end. */
  readonly idleAlive: number;
  /** Resident memory of the hub once it was warm, in bytes. */
  readonly memory: readonly number[];
}

/** Loads a hub with reads of large and small blocks and with uploads, all at once. */
export async function soakHub(options: SoakOptions): Promise<SoakReport> {
  const { minutes, idle, scratch, onStep } = options;
  const folder = await Deno.makeTempDir({ dir: scratch, prefix: "myfs-soak-hub-" });
  try {
    await using stack = new AsyncDisposableStack();
    const settings = "keep_alive_seconds = 86400\nanswer_idle_seconds = 86400";
    const hub = stack.use(await startHub(`${folder}/hub`, { settings }));
    const sets = [[256 * 1024, 500], [4096, 20_000]].map(([size, count]) =>
      new BlockSet({ kind: "small", name: "", size: size!, count: count!, concurrency: 1 })
    );
    const paths: string[] = [];
    for (const set of sets) {
      await uploadSet(hub, set);
      paths.push(`${folder}/paths ${set.workload.size}`);
      const lines = set.ids.map((id) => `/api/v1/block/${id}\n`);
      await Deno.writeTextFile(paths.at(-1)!, lines.join(""));
    }
    onStep(`opening ${idle} connections`);
    const connections: Deno.Conn[] = [];
    stack.defer(() => connections.forEach((connection) => connection.close()));
    for (let count = 0; count < idle; count++) {
      connections.push(await Deno.connect({ hostname: "127.0.0.1", port: hub.port }));
      await answers(connections.at(-1)!);
    }
    const warmSeconds = Math.max(1, Math.round(minutes * 6));
    const memory: number[] = [];
    let requests = 0;
    for (const [phase, seconds] of [["warm", warmSeconds], ["soak", minutes * 60]] as const) {
      onStep(`${phase}: ${seconds} s`);
      const watch = phase === "soak" ? watchMemory(hub, memory, onStep) : undefined;
      const [large, small, uploads] = await Promise.all([
        ...paths.map((path) =>
          underLoad({ port: hub.port, paths: path, seconds: Math.round(seconds), connections: 16 })
        ),
        uploadFor(hub, seconds),
      ]) as [Awaited<ReturnType<typeof underLoad>>, Awaited<ReturnType<typeof underLoad>>, number];
      watch?.stop();
      if (phase === "warm") continue;
      requests = Math.round((large.requestsPerSecond + small.requestsPerSecond) * seconds) +
        uploads;
    }
    let idleAlive = 0;
    for (const connection of connections) if (await answers(connection)) idleAlive++;
    return { requests, minutes, idleAlive, memory };
  } finally {
    await run({ argv: ["rm", "-rf", "--one-file-system", folder] });
  }
}

/** Uploads new blocks now and then; answers how many requests that were. */
async function uploadFor(hub: BenchHub, seconds: number): Promise<number> {
  const end = performance.now() + seconds * 1000;
  let count = 0;
  while (performance.now() < end) {
    await uploadSet(
      hub,
      new BlockSet({ kind: "small", name: "", size: 4096, count: 200, concurrency: 1 }),
    );
    count++;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return count;
}

function watchMemory(
  hub: BenchHub,
  memory: number[],
  onStep: (text: string) => void,
): { stop(): void } {
  const timer = setInterval(async () => {
    memory.push(await memoryOf(hub.pid, "VmRSS"));
    if (memory.length % 30 === 0) onStep(`memory: ${(memory.at(-1)! / 1e6).toFixed(0)} MB`);
  }, 1000);
  return { stop: () => clearInterval(timer) };
}

/** Whether a connection gets an answer to a request. */
async function answers(connection: Deno.Conn): Promise<boolean> {
  try {
    await connection.write(new TextEncoder().encode("GET /health HTTP/1.1\r\nHost: hub\r\n\r\n"));
    const buffer = new Uint8Array(4096);
    const length = await connection.read(buffer);
    return new TextDecoder().decode(buffer.subarray(0, length ?? 0)).startsWith("HTTP/1.1 200");
  } catch {
    return false;
  }
}

/** The bars that a soak can be held against. */
export function soakBars({ memory, idleAlive }: SoakReport, { idle }: SoakOptions): Bar[] {
  const mean = memory.reduce((sum, bytes) => sum + bytes, 0) / memory.length;
  const farthest = Math.max(...memory.map((bytes) => Math.abs(bytes - mean)));
  return [
    atMost("memory under load: MB away from its mean", farthest / 1e6, MEMORY_SPAN_MAX),
    atMost("idle connections that were lost", idle - idleAlive, 0),
  ];
}

/** A table of what was seen, as Markdown. */
export function renderSoak(report: SoakReport, bars: readonly Bar[]): string {
  const { requests, minutes, memory } = report;
  const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0);
  const tenth = Math.max(1, Math.floor(memory.length / 10));
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  return [
    `${requests} requests in ${minutes} minutes. Resident memory of the hub, MB: ` +
    `${megabytes(mean(memory.slice(0, tenth)))} in the first tenth, ` +
    `${megabytes(mean(memory.slice(-tenth)))} in the last, ` +
    `${megabytes(Math.min(...memory))} at least, ${megabytes(Math.max(...memory))} at most.`,
    ...renderBars(bars),
  ].join("\n");
}

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: "string", default: "10" },
      idle: { type: "string", default: "1000" },
      scratch: { type: "string", default: Deno.env.get("TMPDIR") ?? "/tmp" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const options: SoakOptions = {
    minutes: Number(values.minutes),
    idle: Number(values.idle),
    scratch: values.scratch,
    onStep: (text) => console.error(text),
  };
  const report = await soakHub(options);
  const bars = soakBars(report, options);
  console.log(renderSoak(report, bars));
  return bars.every(({ met }) => met) ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
