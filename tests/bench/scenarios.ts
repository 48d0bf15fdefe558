/**
 * What is measured: packing, packing again, the next version, unpacking, and growth of memory.
 *
 * @module
 */

import { type Corpus, tinyFiles, treeSize, warm } from "./corpora.ts";
import { type Command, measure, type Measurement, medianOf, run } from "./measure.ts";
import { TOOL, type Tool } from "./peers.ts";

/** What can be measured of a corpus. */
export const SCENARIOS = ["pack", "unpack", "unpack-tmpfs", "again", "next", "growth"] as const;

/** One of {@link SCENARIOS}. */
export type Scenario = typeof SCENARIOS[number];

/** What one tool did with one corpus. */
export interface Result {
  readonly scenario: Scenario;
  readonly corpus: string;
  readonly tool: string;
  /** Files of the corpus. */
  readonly files: number;
  readonly runs: readonly Measurement[];
  readonly median: Measurement;
  /** Bytes that the archive has gained, everything that is needed for unpacking included. */
  readonly storedBytes?: number;
}

/** How to measure. */
export interface BenchOptions {
  readonly tools: readonly Tool[];
  /** Runs of each tool, of which the median counts. */
  readonly runs: number;
  /**
   * Folder for archives and unpacked trees. Nothing in it is removed: some file systems are slower
   * at making files for minutes after many were removed, which would hit whichever tool is next.
   */
  readonly scratch: string;
  /** Folder on a tmpfs, where there is one. */
  readonly memoryFolder?: string;
  /** Told what is about to run. */
  readonly onStep?: (text: string) => void;
}

/** Measures the tools, each in turn, so that a change of the machine's speed hits all alike. */
export class Bench {
  readonly #options: BenchOptions;
  /** By corpus and tool, the newest archive that holds the first version, and perhaps more. */
  readonly #archives = new Map<string, string>();
  #folderCount = 0;

  constructor(options: BenchOptions) {
    this.#options = options;
  }

  /** Measures `corpus` in one scenario; no result where the corpus or machine does not fit. */
  async run(scenario: Exclude<Scenario, "growth">, corpus: Corpus): Promise<Result[]> {
    switch (scenario) {
      case "pack":
        return await this.#pack(corpus);
      case "unpack":
        return await this.#unpack(corpus, scenario, `${this.#options.scratch}/unpacked`);
      case "unpack-tmpfs": {
        const folder = this.#options.memoryFolder;
        return folder === undefined
          ? []
          : await this.#unpack(corpus, scenario, `${folder}/unpacked`);
      }
      case "again":
        return await this.#packNext(corpus, scenario, corpus.tree, this.#options.runs);
      case "next":
        // Sizes do not vary from run to run.
        return corpus.next === undefined
          ? []
          : await this.#packNext(corpus, scenario, corpus.next, 1);
    }
  }

  /** Packs and unpacks trees of `counts` tiny files with myfs alone, for its peak memory. */
  async growth(counts: readonly number[]): Promise<Result[]> {
    const tool = this.#options.tools.find(({ name }) => name === TOOL.myfs);
    if (tool === undefined) return [];
    const results: Result[] = [];
    for (const count of counts) {
      const name = `${count.toLocaleString("en")} tiny files`;
      const tree = this.#newFolder("tiny");
      await tinyFiles(tree, count);
      const archive = await this.#newArchive(tool);
      const steps = [
        ["pack", tool.pack(tree, archive)],
        ["pack again", tool.packNext!(tree, archive, "next")],
        ["unpack", tool.unpack(archive, this.#newFolder("unpacked"))],
      ] as const;
      for (const [step, command] of steps) {
        const measured = await this.#measure(`growth: ${step} of ${name}`, command);
        results.push({
          scenario: "growth",
          corpus: `${step} ${name}`,
          tool: tool.name,
          files: count,
          runs: [measured],
          median: measured,
        });
      }
    }
    return results;
  }

  async #pack(corpus: Corpus): Promise<Result[]> {
    await warm(corpus.tree);
    const stored = new Map<Tool, number>();
    const tools = this.#options.tools.filter(({ isVariant }) => !isVariant);
    const measured = await this.#interleave(tools, async (tool) => {
      const archive = await this.#newArchive(tool);
      const before = (await treeSize(archive)).bytes;
      const one = await this.#measure(
        `pack ${corpus.name} with ${tool.name}`,
        tool.pack(corpus.tree, archive),
      );
      stored.set(tool, (await treeSize(archive)).bytes - before);
      this.#archives.set(archiveKey(corpus, tool), archive);
      return one;
    });
    return await this.#results("pack", corpus, measured, stored);
  }

  async #unpack(corpus: Corpus, scenario: Scenario, parent: string): Promise<Result[]> {
    const tools = this.#options.tools.filter(({ isVariant }) => !isVariant);
    for (const tool of tools) await warm(await this.#archive(corpus, tool));
    const measured = await this.#interleave(tools, async (tool) => {
      const archive = await this.#archive(corpus, tool);
      const target = this.#newFolder("unpacked", parent);
      const one = await this.#measure(
        `${scenario} ${corpus.name} with ${tool.name}`,
        tool.unpack(archive, target),
      );
      // Memory would run out.
      if (parent === this.#options.memoryFolder) await run({ argv: ["rm", "-rf", target] });
      return one;
    });
    return await this.#results(scenario, corpus, measured);
  }

  async #packNext(
    corpus: Corpus,
    scenario: "again" | "next",
    tree: string,
    runs: number,
  ): Promise<Result[]> {
    const stored = new Map<Tool, number>();
    const tools = this.#options.tools.filter(({ packNext }) => packNext !== undefined);
    for (const tool of tools) await this.#archive(corpus, tool);
    await warm(tree);
    const measured = await this.#interleave(tools, async (tool) => {
      const archive = await this.#archive(corpus, tool);
      const before = (await treeSize(archive)).bytes;
      const one = await this.#measure(
        `${scenario} ${corpus.name} with ${tool.name}`,
        tool.packNext!(tree, archive, scenario),
      );
      // Later runs add less, because the first one's flist or index is replaced.
      if (!stored.has(tool)) stored.set(tool, (await treeSize(archive)).bytes - before);
      return one;
    }, runs);
    return await this.#results(scenario, corpus, measured, stored);
  }

  /** A folder in which `tool` has packed `corpus`; packs it unless that was done. */
  async #archive(corpus: Corpus, tool: Tool): Promise<string> {
    const key = archiveKey(corpus, tool);
    let archive = this.#archives.get(key);
    if (archive === undefined) {
      archive = await this.#newArchive(tool);
      await run(tool.pack(corpus.tree, archive));
      this.#archives.set(key, archive);
    }
    return archive;
  }

  async #newArchive(tool: Tool): Promise<string> {
    const archive = this.#newFolder("archive");
    await Deno.mkdir(archive);
    if (tool.create !== undefined) await run(tool.create(archive));
    return archive;
  }

  /** The path of a folder that does not exist. */
  #newFolder(kind: string, parent = this.#options.scratch): string {
    return `${parent}/${kind}-${this.#folderCount++}`;
  }

  async #interleave(
    tools: readonly Tool[],
    measureOnce: (tool: Tool) => Promise<Measurement>,
    runs = this.#options.runs,
  ): Promise<Map<Tool, Measurement[]>> {
    const measured = new Map<Tool, Measurement[]>(tools.map((tool) => [tool, []]));
    for (let round = 0; round < runs; round++) {
      // Another one begins each time, because what one does to the machine may slow the next.
      const order = [...tools.slice(round), ...tools.slice(0, round)];
      for (const tool of order) measured.get(tool)!.push(await measureOnce(tool));
    }
    return measured;
  }

  #measure(step: string, command: Command): Promise<Measurement> {
    this.#options.onStep?.(step);
    return measure(command, this.#options.scratch);
  }

  async #results(
    scenario: Scenario,
    corpus: Corpus,
    measured: ReadonlyMap<Tool, readonly Measurement[]>,
    stored: ReadonlyMap<Tool, number> = new Map(),
  ): Promise<Result[]> {
    const { files } = await treeSize(corpus.tree);
    return Array.from(measured, ([tool, runs]) => {
      const storedBytes = stored.get(tool);
      return {
        scenario,
        corpus: corpus.name,
        tool: tool.name,
        files,
        runs,
        median: medianOf(runs),
        ...(storedBytes === undefined ? {} : { storedBytes }),
      };
    });
  }
}

function archiveKey(corpus: Corpus, tool: Tool): string {
  return `${corpus.name}\0${tool.name}`;
}
