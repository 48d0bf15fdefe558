/**
 * Runs the command line as a user does: as a process.
 *
 * @module
 */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

/** Name of a program of ours, without extension. */
export type ProgramFile = "myfs" | "myfs_hub" | "myfs_tool";

/** How to run a program. */
export interface RunOptions {
  /** @default "myfs" */
  readonly program?: ProgramFile;
  /** @default the tests' own */
  readonly cwd?: string;
  /** Added to the tests' own. */
  readonly env?: Readonly<Record<string, string>>;
}

/** What a program left behind. */
export interface RunResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Arguments with which Deno runs a program. */
export function programArgs(args: readonly string[], program: ProgramFile = "myfs"): string[] {
  const path = fileURLToPath(new URL(`../../cli/${program}.ts`, import.meta.url));
  return ["run", "-A", path, ...args];
}

/** Starts a program with both outputs piped and nothing to read. */
export function startMyfs(args: readonly string[], options: RunOptions = {}): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: programArgs(args, options.program),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { ...options.env },
  }).spawn();
}

/** Runs a program to its end. */
export async function myfs(
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  return await finish(startMyfs(args, options));
}

/** Waits for a program's end. */
export async function finish(child: Deno.ChildProcess): Promise<RunResult> {
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** Runs a program that must do all it was asked, and answers what it printed. */
export async function myfsOk(
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  const result = await myfs(args, options);
  assert.equal(result.code, 0, `myfs ${args.join(" ")}: ${result.stderr}${result.stdout}`);
  return result;
}

/** Runs a program with `--json` and answers the document that it printed, and nothing else. */
export async function myfsJson(
  args: readonly string[],
  options: RunOptions = {},
): Promise<{ readonly code: number; readonly document: Record<string, unknown> }> {
  const { code, stdout, stderr } = await myfs([...args, "--json"], options);
  assert.equal(stderr, "");
  assert.ok(stdout.endsWith("}\n") && stdout.indexOf("\n") === stdout.length - 1, stdout);
  return { code, document: JSON.parse(stdout) };
}

/** A folder that is removed in the end, with a state folder for myfs in it. */
export class Workplace implements AsyncDisposable {
  readonly path: string;
  /** Runs myfs in the folder. */
  readonly options: RunOptions;

  private constructor(path: string) {
    this.path = path;
    this.options = { cwd: path, env: { MYFS_CACHE_DIR: `${path}/state`, MYFS_DEBUG: "" } };
  }

  /** Makes the folder, and lets `fill` put things into it. */
  static async create(fill?: (place: Workplace) => Promise<unknown>): Promise<Workplace> {
    await using stack = new AsyncDisposableStack();
    const path = await Deno.realPath(await Deno.makeTempDir({ prefix: "myfs_cli_" }));
    const place = stack.use(new Workplace(path));
    await fill?.(place);
    stack.move();
    return place;
  }

  /** The spec of a store in the folder. */
  store(name = "blocks"): string {
    return `dir://${this.path}/${name}`;
  }

  /** Writes files: text by path. */
  async write(files: Readonly<Record<string, string>>): Promise<void> {
    for (const [path, text] of Object.entries(files)) {
      const full = `${this.path}/${path}`;
      await Deno.mkdir(full.slice(0, full.lastIndexOf("/")), { recursive: true });
      await Deno.writeTextFile(full, text);
    }
  }

  /** Writes a file that does not compress. */
  async writeNoise(path: string, sizeBytes: number): Promise<void> {
    const noise = new Uint8Array(sizeBytes);
    // The most that may be asked for at once.
    for (let at = 0; at < sizeBytes; at += 65536) {
      crypto.getRandomValues(noise.subarray(at, at + 65536));
    }
    await this.write({ [path]: "" });
    await Deno.writeFile(`${this.path}/${path}`, noise);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}
