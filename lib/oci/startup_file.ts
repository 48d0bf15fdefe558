/**
 * `.startup.toml`, which says how a container made from an image starts.
 *
 * @module
 */

import type { Bytes } from "../base/bytes.ts";
import type { ImageConfig } from "./image_config.ts";

/** Where the file lies, from the root of the tree. */
export const STARTUP_FILE = ".startup.toml";

/** What starts where an image names no program. */
const DEFAULT_COMMAND = "/bin/sh";

/** The content of the file: the same for the same config. */
export async function startupFile(config: ImageConfig): Promise<Bytes> {
  const { stringify } = await import("smol-toml");
  const [name = DEFAULT_COMMAND, ...args] = [...config.entrypoint, ...config.command];
  const text = stringify({
    startup: {
      entry: {
        name: "core.system",
        args: {
          name,
          args,
          dir: config.workingDirectory === "" ? "/" : config.workingDirectory,
          env: Object.fromEntries(config.environment),
        },
      },
    },
  });
  return new TextEncoder().encode(`${text.trimEnd()}\n`);
}
