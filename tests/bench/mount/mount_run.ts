/**
 * One run of the benchmark of mounts.
 *
 * Archives are in the page cache for all, and each first use is that of a new mount: so a kernel's
 * image, a block store and a repository are alike, and no disk is measured.
 *
 * @module
 */

import { delayingProxy } from "../../helpers/delaying_proxy.ts";
import { NGINX, nginxServer } from "../../helpers/nginx_server.ts";
import { tinyFiles, warm } from "../corpora.ts";
import { type Machine, machine } from "../machine.ts";
import { median, run } from "../measure.ts";
import { allMounters, type Mounter, mountMyfs, myfs, WAY } from "./mounters.ts";

/** What can be measured. */
export const MOUNT_SCENARIOS = ["tree", "large", "http", "memory"] as const;

/** One of {@link MOUNT_SCENARIOS}. */
export type MountScenario = typeof MOUNT_SCENARIOS[number];

/** What to measure, and where. */
export interface MountRunOptions {
  readonly only: readonly MountScenario[];
  readonly ways: readonly string[];
  /** The tree of many files. */
  readonly tree: string;
  readonly runs: number;
  readonly largeBytes: number;
  /** How many inodes the mount has whose memory is measured. */
  readonly inodes: number;
  readonly roundTripMs: number;
  readonly scratch: string;
  readonly onStep: (text: string) => void;
}

/** How long one step took with one way to the tree. */
export interface MountResult {
  readonly step: string;
  readonly way: string;
  /** Seconds of each run; for memory, bytes. */
  readonly values: readonly number[];
  readonly median: number;
}

/** All that a run found. */
export interface MountReport {
  readonly machine: Machine;
  readonly options: Pick<MountRunOptions, "runs" | "largeBytes" | "inodes" | "roundTripMs">;
  readonly results: readonly MountResult[];
  readonly skipped: readonly string[];
}

/** Names of the steps that the bars are about. */
export const STEP = {
  ready: "command until usable",
  firstList: "first find -ls",
  list: "find -ls, warm",
  firstTar: "first tar",
  tar: "tar, warm",
  some: "500 random files, warm",
  large: "large file, first read",
  unpackHttp: "HTTP: unpack",
  tarHttp: "HTTP: first tar",
  someHttp: "HTTP: a program that needs 5 %",
  memory: "peak memory, bytes",
} as const;

/** Measures all that `options` ask for. */
export async function mountRun(options: MountRunOptions): Promise<MountReport> {
  const scratch = await Deno.makeTempDir({ dir: options.scratch, prefix: "myfs-bench-mount-" });
  try {
    const bench = new MountBench(options, scratch);
    await bench.measure();
    const { runs, largeBytes, inodes, roundTripMs } = options;
    return {
      machine: await machine(scratch, [`myfs: deno ${Deno.version.deno}`]),
      options: { runs, largeBytes, inodes, roundTripMs },
      results: bench.results(),
      skipped: bench.skipped,
    };
  } finally {
    await run({ argv: ["rm", "-rf", "--one-file-system", scratch] });
  }
}

class MountBench {
  readonly skipped: string[] = [];
  readonly #options: MountRunOptions;
  readonly #scratch: string;
  readonly #values = new Map<string, { step: string; way: string; values: number[] }>();
  #folders = 0;

  constructor(options: MountRunOptions, scratch: string) {
    this.#options = options;
    this.#scratch = scratch;
  }

  results(): MountResult[] {
    return Array.from(this.#values.values(), (one) => ({ ...one, median: median(one.values) }));
  }

  async measure(): Promise<void> {
    const { only } = this.#options;
    const ways = await this.#available();
    if (only.includes("tree")) await this.#tree(ways);
    if (only.includes("large")) await this.#large(ways.filter(({ isLocal }) => isLocal !== true));
    if (only.includes("http")) await this.#http();
    if (only.includes("memory")) await this.#memory();
  }

  async #available(): Promise<Mounter[]> {
    const found: Mounter[] = [];
    for (const way of allMounters().filter(({ name }) => this.#options.ways.includes(name))) {
      const missing = await missingOf(way.programs);
      if (missing.length === 0) found.push(way);
      else this.skipped.push(`${way.name}: ${missing.join(" and ")} not found`);
    }
    return found;
  }

  async #tree(ways: readonly Mounter[]): Promise<void> {
    const { tree } = this.#options;
    const files = await randomFiles(tree, 500);
    const list = await this.#folder();
    await Deno.writeTextFile(`${list}/files`, files.map((file) => `${file}\0`).join(""));
    await this.#inTurn(ways, tree, async (way, archive) => {
      const step = (name: string, root: string, script: string): Promise<void> =>
        this.#time(name, way.name, async () => {
          await run({ argv: ["bash", "-c", script, "bash", root, `${list}/files`] });
        });
      // With a slash, because restic's tree is behind a link.
      const find = 'find "$1/" -ls > /dev/null';
      // A pipe, because tar does not read at all what it is to write to /dev/null.
      const tar = 'tar -C "$1" -cf - . | cat > /dev/null';
      await this.#mounted(way, archive, async (root) => {
        if (way.isLocal !== true) await step(STEP.firstList, root, find);
        else await run({ argv: ["bash", "-c", find, "bash", root] });
        await step(STEP.list, root, find);
      });
      await this.#mounted(way, archive, async (root) => {
        if (way.isLocal !== true) await step(STEP.firstTar, root, tar);
        else await run({ argv: ["bash", "-c", tar, "bash", root] });
        await step(STEP.tar, root, tar);
        await step(STEP.some, root, 'cd "$1" && xargs -0 cat < "$2" > /dev/null');
      });
    });
  }

  async #large(ways: readonly Mounter[]): Promise<void> {
    const tree = await this.#folder();
    await largeFile(`${tree}/large`, this.#options.largeBytes);
    await this.#inTurn(ways, tree, async (way, archive) => {
      await this.#mounted(way, archive, (root) =>
        this.#time(STEP.large, way.name, async () => {
          await run({ argv: ["dd", `if=${root}/large`, "of=/dev/null", "bs=1M", "status=none"] });
        }));
    });
  }

  /** What is read from a server far away, beside unpacking from there. */
  async #http(): Promise<void> {
    const { tree, runs, roundTripMs } = this.#options;
    if ((await missingOf([NGINX])).length > 0) {
      this.skipped.push("http: nginx not found");
      return;
    }
    const archive = await this.#folder();
    const [way] = allMounters();
    await way!.pack(tree, archive);
    await warm(archive);
    const part = `${await this.#folder()}/part`;
    await Deno.writeTextFile(part, (await twentieth(tree)).map((path) => `${path}\0`).join(""));
    await using server = await nginxServer(`${archive}/blocks`);
    await using proxy = await delayingProxy(server.port, { latencyMs: roundTripMs / 2 });
    const store = `http://127.0.0.1:${proxy.port}`;
    const meta = `${archive}/tree.fl`;
    const timeMounted = async (step: string, script: string): Promise<void> => {
      const target = await this.#folder();
      await using mounts = new AsyncDisposableStack();
      // From the command on, as for the unpack, until the program has what it needs.
      await this.#time(step, WAY.myfs, async () => {
        mounts.use(await mountMyfs(meta, target, "--store", store));
        await run({ argv: ["bash", "-c", script, "bash", target, part] });
      });
    };
    for (let round = 0; round < runs; round++) {
      await this.#time(STEP.unpackHttp, WAY.myfs, async () => {
        await run(
          myfs(
            "unpack",
            "--quiet",
            "--no-cache",
            "--meta",
            meta,
            "--store",
            store,
            await this.#path(),
          ),
        );
      });
      await timeMounted(STEP.tarHttp, 'tar -C "$1" -cf - . | cat > /dev/null');
      await timeMounted(STEP.someHttp, 'cd "$1" && xargs -0 cat < "$2" > /dev/null');
    }
  }

  /** One file that is read whole, among many that are looked at. */
  async #memory(): Promise<void> {
    const { inodes, largeBytes } = this.#options;
    const tree = `${await this.#folder()}/tree`;
    this.#options.onStep(`memory: making ${inodes} files`);
    await tinyFiles(tree, inodes);
    await largeFile(`${tree}/large`, largeBytes);
    const archive = await this.#folder();
    const [way] = allMounters();
    await way!.pack(tree, archive);
    await this.#mounted(way!, archive, async (root) => {
      await run({ argv: ["bash", "-c", 'find "$1" -ls > /dev/null', "bash", root] });
      await run({ argv: ["dd", `if=${root}/large`, "of=/dev/null", "bs=1M", "status=none"] });
      this.#keep(STEP.memory, WAY.myfs, await peakMemoryOf(root));
    });
  }

  async #inTurn(
    ways: readonly Mounter[],
    tree: string,
    use: (way: Mounter, archive: string) => Promise<void>,
  ): Promise<void> {
    const archives = new Map<Mounter, string>();
    for (const way of ways) {
      this.#options.onStep(`${way.name}: packs ${tree}`);
      const archive = await this.#folder();
      await way.pack(tree, archive);
      archives.set(way, archive);
    }
    for (let round = 0; round < this.#options.runs; round++) {
      for (const way of [...ways.slice(round), ...ways.slice(0, round)]) {
        await warm(way.isLocal === true ? tree : archives.get(way)!);
        await use(way, archives.get(way)!);
      }
    }
  }

  async #mounted(
    way: Mounter,
    archive: string,
    use: (root: string) => Promise<void>,
  ): Promise<void> {
    const target = await this.#folder();
    const root = way.below === undefined ? target : `${target}/${way.below}`;
    let mount: AsyncDisposable | undefined;
    await this.#time(STEP.ready, way.name, async () => {
      mount = await way.mount(archive, target);
      await Deno.stat(root);
    });
    try {
      await use(root);
    } finally {
      await mount![Symbol.asyncDispose]();
    }
  }

  async #time(step: string, way: string, act: () => Promise<void>): Promise<void> {
    this.#options.onStep(`${way}: ${step}`);
    const started = performance.now();
    await act();
    this.#keep(step, way, (performance.now() - started) / 1000);
  }

  #keep(step: string, way: string, value: number): void {
    this.#values.getOrInsertComputed(`${step}\0${way}`, () => ({ step, way, values: [] }))
      .values.push(value);
  }

  /** The path of a folder that is not there. */
  async #path(): Promise<string> {
    return `${await this.#folder()}/new`;
  }

  async #folder(): Promise<string> {
    const path = `${this.#scratch}/${this.#folders++}`;
    await Deno.mkdir(path);
    return path;
  }
}

async function missingOf(programs: readonly string[]): Promise<string[]> {
  const missing: string[] = [];
  for (const program of programs) {
    const found = await run({ argv: ["sh", "-c", 'command -v "$1" || true', "sh", program] });
    if (found === "") missing.push(program);
  }
  return missing;
}

/** The same files each time, spread over the tree. */
async function randomFiles(tree: string, count: number): Promise<string[]> {
  const files = await filesOf(tree);
  const chosen: string[] = [];
  let state = 1;
  while (chosen.length < Math.min(count, files.length)) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    chosen.push(files[state % files.length]!.path);
  }
  return chosen;
}

async function filesOf(tree: string): Promise<{ readonly path: string; readonly size: number }[]> {
  const listing = await run({ argv: ["find", ".", "-type", "f", "-printf", "%s %p\n"], cwd: tree });
  return listing.trimEnd().split("\n").map((line) => {
    const space = line.indexOf(" ");
    return { path: line.slice(space + 1), size: Number(line.slice(0, space)) };
  }).toSorted((left, right) => left.path < right.path ? -1 : 1);
}

/**
 * Neighbouring files that have 5 % of the tree's bytes, such as a program and its libraries; they
 * begin in the middle.
 */
async function twentieth(tree: string): Promise<string[]> {
  const files = await filesOf(tree);
  const wanted = files.reduce((sum, { size }) => sum + size, 0) / 20;
  const chosen: string[] = [];
  let bytes = 0;
  for (const { path, size } of files.slice(files.length >> 1)) {
    if (bytes >= wanted) break;
    chosen.push(path);
    bytes += size;
  }
  return chosen;
}

/** Programs and libraries of this machine one after the other: as compressible as such are. */
async function largeFile(path: string, sizeBytes: number): Promise<void> {
  const script = "find /usr/bin /usr/lib -type f -size +64k -print0 2> /dev/null | sort -z | " +
    'xargs -0 cat | head -c "$2" > "$1"; truncate -s "$2" "$1"';
  await run({ argv: ["bash", "-c", script, "bash", path, String(sizeBytes)] });
}

/** Largest resident set of the process that serves the mount on `target`. */
async function peakMemoryOf(target: string): Promise<number> {
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const args = (await Deno.readTextFile(`/proc/${name}/cmdline`)).split("\0");
      if (!args.includes("mount") || !args.includes(target)) continue;
      const status = await Deno.readTextFile(`/proc/${name}/status`);
      return Number(/^VmHWM:\s+(\d+)/m.exec(status)![1]) * 1024;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  throw new Error(`Nobody serves ${target}`);
}
