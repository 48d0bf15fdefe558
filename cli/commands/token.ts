/**
 * `myfs token`: API tokens of a hub, for programs.
 *
 * @module
 */

import {
  Command,
  type CommandUnknownOpts,
  InvalidArgumentError,
  Option,
} from "@commander-js/extra-typings";
import type { HubScope } from "myfs";
import { EXIT_CODE } from "../exit_codes.ts";
import { examplesText } from "../help.ts";
import { hubOption, openHub } from "../hub.ts";
import type { Execute } from "../session.ts";
import { jsonOption, quietOption, wholeNumber } from "../shared_options.ts";

const SECONDS_A_DAY = 86_400;

/** Makes the command. */
export function tokenCommand(execute: Execute): CommandUnknownOpts {
  return new Command("token")
    .summary("make, list and revoke tokens for programs")
    .description("Makes, lists and revokes API tokens of the user who is signed in to a hub.")
    .addCommand(createCommand(execute))
    .addCommand(listCommand(execute))
    .addCommand(revokeCommand(execute))
    .addHelpText(
      "after",
      examplesText(["A token that only reads", "myfs token create ci --scope read"]),
    );
}

const SCOPES: readonly HubScope[] = ["read", "write", "admin"];

function collectScope(text: string, earlier: readonly HubScope[] | undefined): HubScope[] {
  const scope = SCOPES.find((known) => known === text);
  if (scope === undefined) throw new InvalidArgumentError(`Expected ${SCOPES.join(", ")}`);
  return [...earlier ?? [], scope];
}

function createCommand(execute: Execute): CommandUnknownOpts {
  return new Command("create")
    .summary("make a token")
    .description("Makes a token and prints it: this once, the hub keeps no copy.")
    .argument("<name>", "what to call it")
    .addOption(
      new Option("--scope <scope>", "what it permits: read, write or admin; repeatable")
        .argParser(collectScope),
    )
    .option("--namespace <user>", "good for this namespace only")
    .option("--days <count>", "ends after so many days", wholeNumber(1, 3650))
    .addOption(hubOption)
    .addOption(quietOption)
    .addOption(jsonOption)
    .addHelpText(
      "after",
      examplesText(["For a build server", "myfs token create ci --scope write --days 90"]),
    )
    .action((name, options) =>
      execute(options, async (session) => {
        const client = await openHub(options.hub, session);
        const token = await client.createToken({
          name,
          scopes: [...options.scope ?? ["read"]],
          ...(options.namespace === undefined ? {} : { namespace: options.namespace }),
          ...(options.days === undefined ? {} : { expires_in: options.days * SECONDS_A_DAY }),
        });
        await session.result(() => ({ ...token }), () => [token.token]);
        return EXIT_CODE.ok;
      })
    );
}

function listCommand(execute: Execute): CommandUnknownOpts {
  return new Command("list")
    .summary("list tokens")
    .description("Lists the tokens, without their secrets.")
    .addOption(hubOption)
    .addOption(quietOption)
    .addOption(jsonOption)
    .addHelpText("after", examplesText(["List them", "myfs token list"]))
    .action((options) =>
      execute(options, async (session) => {
        const tokens = await (await openHub(options.hub, session)).tokens();
        await session.result(
          () => ({ tokens: [...tokens] }),
          () =>
            tokens.map(({ id, name, scopes, expires_at }) =>
              `${id}  ${scopes.join(",")}  ${expires_at ?? "does not end"}  ${name}`
            ),
        );
        return EXIT_CODE.ok;
      })
    );
}

function revokeCommand(execute: Execute): CommandUnknownOpts {
  return new Command("revoke")
    .summary("end a token")
    .description("Ends a token at once.")
    .argument("<id>", "its id, as myfs token list prints it")
    .addOption(hubOption)
    .addOption(quietOption)
    .addOption(jsonOption)
    .addHelpText("after", examplesText(["End one", "myfs token revoke tok_12"]))
    .action((id, options) =>
      execute(options, async (session) => {
        await (await openHub(options.hub, session)).revokeToken(id);
        await session.result(() => ({ revoked: id }));
        return EXIT_CODE.ok;
      })
    );
}
