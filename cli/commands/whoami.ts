/**
 * `myfs whoami`: who one is to a hub, and what one keeps there.
 *
 * @module
 */

import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { EXIT_CODE } from "../exit_codes.ts";
import { examplesText } from "../help.ts";
import { hubOption, openHub } from "../hub.ts";
import { formatBytes, formatCount } from "../output/format.ts";
import type { Execute } from "../session.ts";
import { jsonOption, quietOption } from "../shared_options.ts";

/** Makes the command. */
export function whoamiCommand(execute: Execute): CommandUnknownOpts {
  return new Command("whoami")
    .summary("who you are to a hub, and what you keep there")
    .description(
      "Says who you are to a hub, what your token permits, and how much you keep of what you may.",
    )
    .addOption(hubOption)
    .addOption(quietOption)
    .addOption(jsonOption)
    .addHelpText("after", examplesText(["Ask", "myfs whoami --hub hub://127.0.0.1:3000"]))
    .action((options) =>
      execute(options, async (session) => {
        const client = await openHub(options.hub, session);
        const me = await client.me();
        const { user, role, scopes, namespace, bytes_used, bytes_max, objects_used, objects_max } =
          me;
        const of = (used: string, most: string | undefined): string =>
          most === undefined ? used : `${used} of ${most}`;
        await session.result(() => ({ hub: client.hub.name, ...me }), () => [
          `user     ${user} at ${client.hub.name}, ${role}`,
          `permits  ${scopes.join(", ")}${namespace === undefined ? "" : ` in ${namespace}`}`,
          ...(bytes_used === undefined ? [] : [
            `stored   ${
              of(formatBytes(bytes_used), bytes_max == null ? undefined : formatBytes(bytes_max))
            }`,
          ]),
          ...(objects_used === undefined ? [] : [
            `objects  ${
              of(
                formatCount(objects_used),
                objects_max == null ? undefined : formatCount(objects_max),
              )
            }`,
          ]),
        ]);
        return EXIT_CODE.ok;
      })
    );
}
