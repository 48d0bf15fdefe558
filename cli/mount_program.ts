/**
 * The `myfs` program with one command, `mount`: the others need not be loaded for it.
 *
 * @module
 */

import { mountCommand } from "./commands/mount.ts";
import { main } from "./main.ts";
import { createProgram } from "./program.ts";

/** Runs `myfs mount …` with this process's arguments, and ends the process. */
export async function runMyfsMount(): Promise<never> {
  return await main((execute) =>
    createProgram({
      name: "myfs",
      description: "Mounts images.",
      commands: [mountCommand(execute)],
      examples: [],
    })
  );
}
