/**
 * The option that names the hub's configuration.
 *
 * @module
 */

import { Option } from "@commander-js/extra-typings";

/** `--config-path` */
export const configPathOption = new Option(
  "-c, --config-path <file>",
  "the configuration (default: $MYFS_HUB_CONFIG_PATH, or none: all by itself)",
);

/** The library's option that names the configuration, where one is named. */
export function configOptions(
  options: { readonly configPath?: string },
): { readonly path?: string } {
  return options.configPath === undefined ? {} : { path: options.configPath };
}
