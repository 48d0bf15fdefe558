/**
 * `myfs-tool image`: container images, before they are converted.
 *
 * @module
 */

import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import type { Execute } from "../session.ts";
import { inspectImageCommand } from "./image/inspect.ts";

/** Makes the command. */
export function imageCommand(execute: Execute): CommandUnknownOpts {
  return new Command("image")
    .summary("look at a container image")
    .description("Shows what a container image is, without reading its layers.")
    .addCommand(inspectImageCommand(execute));
}
