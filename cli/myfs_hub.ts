/**
 * The `myfs-hub` program.
 *
 * @module
 */

import { completionCommand } from "./commands/completion.ts";
import { main } from "./main.ts";
import { createProgram } from "./program.ts";

if (import.meta.main) {
  await main((execute) =>
    createProgram({
      name: "myfs-hub",
      description:
        "The server of myfs. This version has no server yet: completion is all that it offers.",
      commands: [completionCommand(execute, "myfs-hub")],
      examples: [["Complete its command lines in bash", "source <(myfs-hub completion bash)"]],
    })
  );
}
