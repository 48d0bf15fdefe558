/**
 * The machine that figures come from.
 *
 * @module
 */

import { cpus, release, totalmem } from "node:os";
import { run } from "./measure.ts";

/** The machine and the programs of a run. */
export interface Machine {
  readonly date: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly kernel: string;
  /** Type of the file system that is written to. */
  readonly fileSystem: string;
  /** One line for each program. */
  readonly programs: readonly string[];
}

/** Describes this machine. @param scratch A folder on the file system that is written to. */
export async function machine(scratch: string, programs: readonly string[]): Promise<Machine> {
  return {
    date: new Date().toISOString().slice(0, 10),
    processor: cpus()[0]?.model ?? "unknown processor",
    cores: navigator.hardwareConcurrency,
    memoryBytes: totalmem(),
    kernel: `Linux ${release()}`,
    fileSystem: await fileSystemOf(scratch),
    programs,
  };
}

/** The machine and its programs, as Markdown. */
export function renderMachine(machine: Machine): string[] {
  return [
    `${machine.date}; ${machine.processor}, ${machine.cores} cores, ` +
    `${(machine.memoryBytes / 2 ** 30).toFixed(0)} GiB; ${machine.kernel}; ${machine.fileSystem}.`,
    "",
    ...machine.programs.map((line) => `- ${line}`),
  ];
}

/** Type of the file system that has `path`. */
export async function fileSystemOf(path: string): Promise<string> {
  const lines = await run({ argv: ["df", "--output=fstype", path] });
  return lines.trim().split("\n").at(-1)!;
}
