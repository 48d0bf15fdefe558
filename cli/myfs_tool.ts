/**
 * The `myfs-tool` program.
 *
 * @module
 */

import { completionCommand } from "./commands/completion.ts";
import { main } from "./main.ts";
import { createProgram } from "./program.ts";

if (import.meta.main) {
  await main((execute) =>
    createProgram({
      name: "myfs-tool",
      description:
        "Tools for those who run myfs. This version offers completion only; the work on flists and blocks is done by myfs.",
      commands: [completionCommand(execute, "myfs-tool")],
      examples: [["Complete its command lines in bash", "source <(myfs-tool completion bash)"]],
    })
  );
}
