/**
 * The `myfs-tool` program.
 *
 * @module
 */

import { completionCommand } from "./commands/completion.ts";
import { containerCommand } from "./commands/container.ts";
import { imageCommand } from "./commands/image.ts";
import { main } from "./main.ts";
import { createProgram } from "./program.ts";

if (import.meta.main) {
  await main((execute) =>
    createProgram({
      name: "myfs-tool",
      description:
        "Turns container images into flists and blocks. What is done with these is done by myfs.",
      commands: [
        containerCommand(execute),
        imageCommand(execute),
        completionCommand(execute, "myfs-tool"),
      ],
      examples: [
        [
          "Convert an image",
          "myfs-tool container --image-name nginx:latest --store dir:///srv/blocks",
        ],
        ["See its size first", "myfs-tool image inspect nginx:latest"],
      ],
    })
  );
}
