/**
 * Runs calls of the public API in processes of their own: see `api_process.ts`.
 *
 * @module
 */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { ApiCall, ApiProblem } from "./api_process.ts";

/** What came of a call. */
export interface ApiAnswer<Report> {
  readonly report?: Report;
  readonly problem?: ApiProblem;
}

/** How to start the process. */
export interface ApiRunOptions {
  /** A program and its arguments to run it under, such as strace. */
  readonly under?: readonly string[];
  /** A root folder for the program to lie in: see {@link UnprivilegedUser}. */
  readonly at?: ProgramPlace;
}

/** Where a copy of the program is, and who runs it. */
interface ProgramPlace {
  readonly deno: string;
  readonly script: string;
  readonly denoDir: string;
  readonly uid: number;
}

const SCRIPT = fileURLToPath(new URL("api_process.ts", import.meta.url));

/** The command that makes `call`. */
export function apiCommand(call: ApiCall, options: ApiRunOptions = {}): Deno.Command {
  const { under = [], at } = options;
  const program = at?.deno ?? Deno.execPath();
  const [first, ...rest] = [
    ...under,
    program,
    "run",
    "--quiet",
    "--cached-only",
    "-A",
    at?.script ?? SCRIPT,
    JSON.stringify(call),
  ];
  return new Deno.Command(first!, {
    args: rest,
    stdout: "piped",
    stderr: "piped",
    ...(at === undefined ? {} : {
      uid: at.uid,
      gid: at.uid,
      cwd: "/",
      clearEnv: true,
      env: { DENO_DIR: at.denoDir, HOME: at.denoDir, PATH: Deno.env.get("PATH") ?? "" },
    }),
  });
}

/** Makes `call` in another process and waits for the answer. */
export async function runApi<Report>(
  call: ApiCall,
  options: ApiRunOptions = {},
): Promise<ApiAnswer<Report>> {
  const { stdout, stderr } = await apiCommand(call, options).output();
  const text = new TextDecoder().decode(stdout);
  assert.ok(text.endsWith("\n"), `No answer: ${new TextDecoder().decode(stderr)}`);
  return JSON.parse(text);
}

const NOBODY = 65534;

/**
 * A user without rights. Whoever runs the tests may keep the program where nobody else can read it,
 * so the user gets a copy in `folder`.
 */
export class UnprivilegedUser {
  readonly uid = NOBODY;
  readonly #place: ProgramPlace;

  /** @param folder An empty folder; it is opened to everybody. */
  constructor(folder: string) {
    Deno.chmodSync(folder, 0o755);
    const repository = fileURLToPath(new URL("../../", import.meta.url));
    const denoDir = `${folder}/deno-dir`;
    Deno.mkdirSync(denoDir);
    copyTree(`${cacheFolder()}/npm`, `${denoDir}/npm`);
    for (const name of ["mod.ts", "deno.json", "deno.lock", "lib", "cli"]) {
      copyTree(`${repository}${name}`, `${folder}/${name}`);
    }
    Deno.mkdirSync(`${folder}/tests/helpers`, { recursive: true });
    Deno.copyFileSync(SCRIPT, `${folder}/tests/helpers/api_process.ts`);
    copyTree(Deno.execPath(), `${folder}/deno`);
    for (const args of [["-R", "u=rwX,go=rX", folder], ["a+x", `${folder}/deno`]]) {
      run("chmod", args);
    }
    run("chown", ["-R", `${NOBODY}:${NOBODY}`, denoDir]);
    this.#place = {
      deno: `${folder}/deno`,
      script: `${folder}/tests/helpers/api_process.ts`,
      denoDir,
      uid: NOBODY,
    };
  }

  /** Makes `call` as this user. */
  run<Report>(call: ApiCall): Promise<ApiAnswer<Report>> {
    return runApi(call, { at: this.#place });
  }

  /** The command line, as this user has it. */
  command(...args: string[]): Deno.Command {
    const { deno, denoDir, uid } = this.#place;
    const program = `${denoDir}/../cli/myfs.ts`;
    return new Deno.Command(deno, {
      args: ["run", "--quiet", "--cached-only", "-A", program, ...args],
      stdout: "piped",
      stderr: "piped",
      uid,
      gid: uid,
      cwd: "/",
      clearEnv: true,
      env: { DENO_DIR: denoDir, HOME: denoDir, PATH: Deno.env.get("PATH") ?? "" },
    });
  }
}

function cacheFolder(): string {
  const { stdout } = new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).outputSync();
  return JSON.parse(new TextDecoder().decode(stdout)).denoDir;
}

function copyTree(from: string, to: string): void {
  run("cp", ["-rL", "--reflink=auto", from, to]);
}

function run(command: string, args: string[]): void {
  const { success, stderr } = new Deno.Command(command, { args }).outputSync();
  assert.ok(success, new TextDecoder().decode(stderr));
}
