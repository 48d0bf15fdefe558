/**
 * Shows the main job on a real directory: packs it into a local store, looks at the flist, packs it
 * again, checks every block, unpacks it, mounts it where this machine has FUSE, and proves that all
 * trees are equal.
 *
 *     deno task demo
 *     deno task demo /usr/share/doc
 *
 * Without an argument it takes a directory of thousands of files that this machine has. The
 * directory is only read. Everything that is made goes into a temporary folder, which is removed at
 * the end; `TMPDIR` says where there is room for it.
 *
 * Exit codes: 0 both trees are equal, 1 they differ or something failed, 2 wrong arguments, 3 equal
 * but for entries that could not be read or made and were named, 130 interrupted.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- a script talks to whoever runs it

import { statfs } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import {
  checkImage,
  type Failure,
  inspectImage,
  type Loss,
  MyfsError,
  packDirectory,
  type ProgressEvent,
  unpackImage,
} from "myfs";
import { MOUNT_READ_MAX, proveWithMount } from "./demo/mount_proof.ts";
import { type Proof, proveWithFind, proveWithRsync } from "./demo/system_proofs.ts";
import { chooseTree, surveyTree, type TreeSurvey } from "./demo/tree_choice.ts";
import { compareListings, listTree } from "./demo/tree_listing.ts";

const USAGE = "Usage: deno task demo [directory]";
const EXAMPLES_MAX = 5;
const REMOVE_ATTEMPTS = 10;

/** One fault in what the demo was asked to do, told in one line. */
class DemoError extends Error {}

/** What the comparison of both trees came to. */
type Verdict = "equal" | "equal but for what was named" | "different";

const VERDICT_TEXT: Readonly<Record<Verdict, string>> = {
  "equal": "the unpacked tree is equal to the tree that was packed",
  "equal but for what was named": "the trees are equal but for what is named above",
  "different": "THE TREES DIFFER: see above",
};

const EXIT_CODE: Readonly<Record<Verdict, number>> = {
  "equal": 0,
  "different": 1,
  "equal but for what was named": 3,
};

/** What a step left out and could not keep. */
interface StepReport {
  readonly failures: readonly Failure[];
  readonly losses: readonly Loss[];
}

/** The steps of the demo and what they share. */
class Demo {
  readonly #source: string;
  readonly #folder: string;
  readonly #signal: AbortSignal;
  readonly #failures: Failure[] = [];
  readonly #losses: Loss[] = [];
  readonly #isRoot = Deno.uid() === 0;
  #stepNumber = 0;

  constructor(source: string, folder: string, signal: AbortSignal) {
    this.#source = source;
    this.#folder = folder;
    this.#signal = signal;
  }

  async run(): Promise<Verdict> {
    const common = {
      store: `dir://${pathToFileURL(join(this.#folder, "blocks")).pathname}`,
      stateFolder: join(this.#folder, "state"),
      signal: this.#signal,
      onProgress: showProgress,
    };
    const meta = join(this.#folder, "tree.fl");
    const copy = join(this.#folder, "copy");

    const packed = await this.#step("Pack into a local store", async () => {
      const report = await packDirectory(this.#source, { ...common, meta });
      return {
        value: report,
        bytes: report.contentBytes,
        result: `${count(report.files, "file")} in ${count(report.chunks, "block")}, ` +
          `${size(report.referencedBytes)}: ` +
          `${share(report.referencedBytes, report.contentBytes)} of the content`,
      };
    });
    this.#note(packed);

    await this.#step("Inspect the flist", async () => {
      const value = await inspectImage(meta);
      const entries = value.files + value.directories + value.symlinks + value.specials +
        value.hardLinks;
      return {
        value,
        result: `${size(value.flistBytes)} for ${number(entries)} entries, ` +
          `profile ${value.profile}, digest ${value.digest.slice(0, 16)}…`,
      };
    });

    await this.#step("Pack again, on top of the first", async () => {
      const again = join(this.#folder, "again.fl");
      const value = await packDirectory(this.#source, { ...common, meta: again, base: meta });
      const result =
        `${count(value.unchangedFiles, "file")} known to be unchanged without reading; ` +
        `${count(value.blocksStored, "new block")}, ${size(value.storedBytes)}`;
      return { value, result };
    });

    await this.#step("Check every block", async () => {
      const value = await checkImage(meta, common);
      const faults = value.missing.length + value.corrupt.length;
      if (faults > 0) throw new DemoError(`${faults} of ${value.blocks} blocks are not right`);
      const result = `${number(value.blocksOk)} of ${number(value.blocks)} there and right`;
      return { value, bytes: value.blockBytes, result };
    });

    const unpacked = await this.#step("Unpack", async () => {
      const value = await unpackImage(meta, copy, { ...common, preserveOwnership: this.#isRoot });
      const result = `${count(value.files, "file")}, ${size(value.contentBytes)}` +
        (this.#isRoot ? "" : "; without root, they belong to you");
      return { value, bytes: value.contentBytes, result };
    });
    this.#note(unpacked);

    const isMountRight = await this.#lookIntoMount(meta, common.store, packed);
    const verdict = await this.#compare(copy, isMountRight);
    const stored = packed.referencedBytes + packed.flistBytes;
    const saved = packed.contentBytes - stored;
    const less = saved > 0 ? `, ${share(saved, packed.contentBytes)} less` : "";
    console.log(
      `\nSaved   ${size(packed.contentBytes)} of content take ${size(stored)} as blocks and flist` +
        less,
    );
    return verdict;
  }

  /** Mounts the image where that is possible. @returns false when it differs from the source. */
  async #lookIntoMount(meta: string, store: string, packed: StepReport): Promise<boolean> {
    const target = join(this.#folder, "mounted");
    await Deno.mkdir(target);
    const { kind } = await this.#step("Mount, and compare what is seen", async () => {
      const { proof, readyAfterMs } = await proveWithMount({
        meta,
        store,
        source: this.#source,
        target,
        skip: new Set(packed.failures.map(({ path }) => path)),
        isWhole: packed.failures.length + packed.losses.length === 0,
        signal: this.#signal,
      });
      const result = readyAfterMs === undefined
        ? proofText("mount", proof)
        : `usable after ${Math.round(readyAfterMs)} ms; ${proofText("mount", proof)}`;
      return { value: proof, result };
    });
    return kind !== "different";
  }

  /** Compares source and copy: with Deno's own calls, and with programs that see more. */
  async #compare(copy: string, isMountRight: boolean): Promise<Verdict> {
    const skip = new Set(this.#failures.map(({ path }) => path));
    const owners = this.#isRoot && !this.#losses.some(({ what }) => what === "owner");
    const options = { owners, signal: this.#signal, skip };
    let equal = await this.#step("Compare every entry", async () => {
      const left = await listTree(this.#source, options);
      const right = await listTree(copy, options);
      const { count: differences, examples } = compareListings(left, right, EXAMPLES_MAX);
      const result = differences === 0
        ? `${number(left.size)} entries: kinds, modes, times, sizes, links and SHA-256 are equal`
        : `${number(differences)} DIFFERENCES, such as\n${indent(examples)}`;
      return { value: differences === 0, result };
    });
    for (const [name, prove] of [["find", proveWithFind], ["rsync", proveWithRsync]] as const) {
      const proof = await this.#step(`Compare with ${name}`, async () => {
        // Programs cannot be told what was named already.
        const value: Proof = this.#failures.length + this.#losses.length > 0
          ? { kind: "skipped", why: "it would find what is named above" }
          : await prove(this.#source, copy, options);
        return { value, result: proofText(name, value) };
      });
      if (proof.kind === "different") equal = false;
    }
    if (!equal || !isMountRight) return "different";
    return this.#failures.length === 0 ? "equal" : "equal but for what was named";
  }

  /** Does one step and prints what came of it. */
  async #step<Value>(
    name: string,
    work: () => Promise<{ value: Value; result: string; bytes?: number }>,
  ): Promise<Value> {
    this.#signal.throwIfAborted();
    const title = `${++this.#stepNumber}  ${name}`;
    showOnTerminal(title);
    const startedMs = performance.now();
    const { value, result, bytes } = await work();
    const seconds = (performance.now() - startedMs) / 1000;
    showOnTerminal("");
    const rate = bytes === undefined ? "" : `${size(bytes / seconds)}/s`;
    console.log(
      `${title.padEnd(40)}${seconds.toFixed(2).padStart(8)} s ${rate.padStart(14)}`.trimEnd(),
    );
    console.log(`   ${result}`);
    return value;
  }

  /** Names what a step left out or could not keep. */
  #note(report: StepReport): void {
    this.#failures.push(...report.failures);
    this.#losses.push(...report.losses);
    for (const { path, reason } of report.failures.slice(0, EXAMPLES_MAX)) {
      console.log(`   left out: ${path}: ${reason}`);
    }
    const others = report.failures.length - EXAMPLES_MAX;
    if (others > 0) console.log(`   left out: ${number(others)} more`);
    for (const { what, count, examples } of report.losses) {
      console.log(`   not kept: ${what} (${number(count)} times, first on ${examples[0]})`);
    }
  }
}

const EQUAL_TEXT = {
  find: "names byte for byte and times to the nanosecond are equal too",
  rsync: "rsync -aHAXn --checksum --delete has nothing to do",
  mount: `all entries, and the first ${size(MOUNT_READ_MAX)} of each file, are equal`,
} as const;

function proofText(way: keyof typeof EQUAL_TEXT, proof: Proof): string {
  switch (proof.kind) {
    case "skipped":
      return `skipped: ${proof.why}`;
    case "different":
      return `DIFFERENT:\n${indent(proof.examples)}`;
    case "equal":
      return EQUAL_TEXT[way];
  }
}

if (import.meta.main) {
  const [named, ...others] = Deno.args;
  if (others.length > 0 || named?.startsWith("-") === true) {
    console.error(USAGE);
    Deno.exit(2);
  }
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => stop.abort(new DOMException(signal, "AbortError")));
  }
  Deno.exit(await main(named, stop.signal));
}

/** Runs the demo on the directory `named`, or one of its choice, and answers the exit code. */
async function main(named: string | undefined, signal: AbortSignal): Promise<number> {
  const folder = await Deno.makeTempDir({ prefix: "myfs-demo-" });
  try {
    const tree = named === undefined ? chooseTree() : await surveyNamed(named);
    await requireRoom(tree, folder);
    console.log(`Tree    ${tree.path}: ${number(tree.files)} files, ${size(tree.bytes)}`);
    console.log(`Folder  ${folder}, removed at the end\n`);
    const verdict = await new Demo(tree.path, folder, signal).run();
    console.log(`Result  ${VERDICT_TEXT[verdict]}`);
    return EXIT_CODE[verdict];
  } catch (error) {
    showOnTerminal("");
    if (signal.aborted) {
      console.error("Interrupted: nothing is left behind");
      return 130;
    }
    if (!(error instanceof MyfsError || error instanceof DemoError)) throw error;
    console.error(`Failed: ${error.message}`);
    if (error instanceof MyfsError && error.hint !== undefined) console.error(error.hint);
    return 1;
  } finally {
    await removeFolder(folder);
  }
}

async function surveyNamed(named: string): Promise<TreeSurvey> {
  const path = await Deno.realPath(named).catch(() => named);
  const survey = surveyTree(path);
  if (survey === undefined) throw new DemoError(`${named} is not a directory that can be read`);
  return survey;
}

/** The blocks and the copy need at most twice what the tree takes. */
async function requireRoom(tree: TreeSurvey, folder: string): Promise<void> {
  if (`${folder}/`.startsWith(tree.path === "/" ? "/" : `${tree.path}/`)) {
    throw new DemoError(`${folder} lies in the tree: set TMPDIR to a folder outside of it`);
  }
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize > 2 * tree.bytes) return;
  throw new DemoError(
    `There are ${size(bavail * bsize)} free for ${folder}, and up to ${size(2 * tree.bytes)} are ` +
      "needed: set TMPDIR to a folder with more room",
  );
}

/**
 * Removes the folder, also where a directory of the copy does not let its owner in, and where a
 * thread that was told to stop is still ending its last write.
 */
async function removeFolder(folder: string): Promise<void> {
  for (let attempt = 1;; attempt++) {
    try {
      return await Deno.remove(folder, { recursive: true });
    } catch (error) {
      if (attempt === REMOVE_ATTEMPTS) throw error;
      if (error instanceof Deno.errors.PermissionDenied) {
        await new Deno.Command("chmod", { args: ["-R", "u+rwX", folder] }).output();
      }
      await new Promise((resolve) => setTimeout(resolve, 100 * attempt));
    }
  }
}

function showProgress({ phase, entries, entriesTotal, bytes, bytesTotal }: ProgressEvent): void {
  const whole = bytesTotal ?? entriesTotal;
  const part = bytesTotal === undefined ? entries : bytes;
  showOnTerminal(
    `   ${phase} ${whole === undefined ? number(entries) : share(part, whole)}`,
  );
}

/** Puts `text` in the place of what was shown before, where somebody is looking. */
function showOnTerminal(text: string): void {
  if (!Deno.stdout.isTerminal()) return;
  Deno.stdout.writeSync(new TextEncoder().encode(`\r\x1b[K${text}`));
}

function indent(lines: readonly string[]): string {
  return lines.map((line) => `     ${line}`).join("\n");
}

function number(value: number): string {
  return value.toLocaleString("en-US");
}

function count(value: number, noun: string): string {
  return `${number(value)} ${value === 1 ? noun : `${noun}s`}`;
}

function size(bytes: number): string {
  for (const [unit, exponent] of [["GiB", 3], ["MiB", 2], ["KiB", 1]] as const) {
    if (bytes >= 1024 ** exponent) return `${(bytes / 1024 ** exponent).toFixed(1)} ${unit}`;
  }
  return `${Math.round(bytes)} B`;
}

function share(part: number, whole: number): string {
  return whole === 0 ? "0 %" : `${(100 * part / whole).toFixed(1)} %`;
}
