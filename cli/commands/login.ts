/**
 * `myfs login` and `myfs logout`: who one is to a hub.
 *
 * @module
 */

import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { EXIT_CODE } from "../exit_codes.ts";
import { examplesText } from "../help.ts";
import { readPassword } from "../hub.ts";
import { credentialsPath } from "../hub_credentials.ts";
import { MissingError } from "../problem.ts";
import type { Execute } from "../session.ts";
import { jsonOption, quietOption, required } from "../shared_options.ts";

/** Makes `login`. */
export function loginCommand(execute: Execute): CommandUnknownOpts {
  return new Command("login")
    .summary("sign in to a hub")
    .description(
      "Signs in to a hub and keeps the tokens that it gives in a file for you alone, so that other " +
        "commands use them. The password is asked for, or read from MYFS_HUB_PASSWORD.",
    )
    .argument("<hub>", "such as hub://host:3000, or hubs://host over TLS")
    .option("-u, --user <name>", "who signs in")
    .option("--password-stdin", "read the password from standard input")
    .addOption(quietOption)
    .addOption(jsonOption)
    .addHelpText(
      "after",
      examplesText(
        ["Sign in", "myfs login hub://127.0.0.1:3000 --user alice"],
        ["Sign in from a script", "myfs login hubs://hub.example -u ci --password-stdin < secret"],
      ),
    )
    .action((hub, options) =>
      execute(options, async (session) => {
        const user = required(options.user, "--user <name>");
        const { connectHub, HubCredentials } = await import("myfs");
        const credentials = new HubCredentials(credentialsPath());
        const client = await connectHub(hub, { credentials, signal: session.signal });
        const { name } = client.hub;
        const password = await readPassword(
          `Password of ${user} at ${name}: `,
          options.passwordStdin === true,
        );
        await client.signIn(user, password);
        await session.result(() => ({ hub: name, user }));
        session.note(() => [`Signed in to ${name} as ${user}`]);
        return EXIT_CODE.ok;
      })
    );
}

/** Makes `logout`. */
export function logoutCommand(execute: Execute): CommandUnknownOpts {
  return new Command("logout")
    .summary("sign out of a hub")
    .description("Signs out of a hub: the hub and this machine forget the tokens.")
    .argument("<hub>", "the hub")
    .addOption(quietOption)
    .addOption(jsonOption)
    .addHelpText("after", examplesText(["Sign out", "myfs logout hub://127.0.0.1:3000"]))
    .action((hub, options) =>
      execute(options, async (session) => {
        const { connectHub, HubCredentials } = await import("myfs");
        const credentials = new HubCredentials(credentialsPath());
        const client = await connectHub(hub, { credentials, signal: session.signal });
        const { name } = client.hub;
        if (!await client.signOut()) throw new MissingError(`Nobody is signed in to ${name}`);
        await session.result(() => ({ hub: name }));
        session.note(() => [`Signed out of ${name}`]);
        return EXIT_CODE.ok;
      })
    );
}
