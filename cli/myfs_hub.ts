/**
 * The `myfs-hub` program.
 *
 * @module
 */

import { completionCommand } from "./commands/completion.ts";
import { hubConfigCommand } from "./commands/hub/config.ts";
import { gcCommand } from "./commands/hub/gc.ts";
import { serveCommand } from "./commands/hub/serve.ts";
import { userCommand } from "./commands/hub/user.ts";
import { main } from "./main.ts";
import { createProgram } from "./program.ts";

if (import.meta.main) {
  await main((execute) =>
    createProgram({
      name: "myfs-hub",
      description: "The server of myfs: stores blocks, files and flists, and serves them.",
      commands: [
        serveCommand(execute),
        hubConfigCommand(execute),
        userCommand(execute),
        gcCommand(execute),
        completionCommand(execute, "myfs-hub"),
      ],
      examples: [
        ["Serve on this machine", "myfs-hub serve"],
        ["Make a user", "myfs-hub user add alice"],
        ["Start a configuration", "myfs-hub config example > server.toml"],
      ],
    })
  );
}
